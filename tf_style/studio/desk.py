"""What visitors can do; nothing here knows of Gradio."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tf_style import images
from tf_style.config import ConfigError, StudioOptions
from tf_style.jobs.run.models import Models
from tf_style.studio.turns import Turns
from tf_style.studio.visitors import Visitor, Visitors
from tf_style.studio.works.film import FilmSettings, FilmWork, check_clip, check_sound
from tf_style.studio.works.painting import PictureWork, RequestWork
from tf_style.studio.works.regions import region_masks
from tf_style.studio.works.settings import Settings, stem_of
from tf_style.studio.works.tasting import PROFILE, Tasting
from tf_style.studio.works.work import VIEW_SIDE
from tf_style.taste.space import NEUTRAL
from tf_style.words.choice import choose
from tf_style.words.library import StyleLibrary
from tf_style.words.naming import PREFIX

_STEPS_PER_CALL = 10  # of a server


class Desk:
    """The visitors, the line before the model, the library, and what is done with them.

    Args:
      options: The command's.
      folder: Holds the visitors' folders.
      uploads: Where uploads arrive.
      served: The options that the model server takes, if one paints; "steps" among them if it paints step by step.

    Raises (all that visitors do):
      ValueError: It cannot be done; the message is for people.
    """

    def __init__(self, options: StudioOptions, folder: Path, uploads: Path, served: Sequence[str] = ()) -> None:
        self.options, self.served = options, served
        self.turns, self._models = Turns(), Models()
        self.visitors = Visitors(folder, self.turns.remove)
        self.library = StyleLibrary.open()
        self.titles = {f"{PREFIX}{entry.style}": entry.title for entry in self.library.entries}
        self._uploads = uploads

    def warm_up(self, folder: Path) -> None:
        """Paints a small picture that nobody sees, so that the first visitor does not wait for the model."""
        images.write_image(folder / "warm_up.png", np.zeros((64, 64, 3), np.float32))
        names: dict[str, Any] = {"content": "warm_up.png", "styles": ("warm_up.png",), "output": "warmed_up.png"}
        self.turns.add("", self._picture(folder, Settings.of(preset="instant", options={}, **names)))

    # --- photos, films and paintings ----------------------------------------------------------------------------------

    def take_photo(self, visitor: Visitor, upload: str, name: str) -> None:
        """Takes an uploaded photo, after the checks that the command makes."""
        visitor.photo = self._take_picture(visitor, upload, name)
        visitor.shown = visitor.brushed = None

    def take_clip(self, visitor: Visitor, upload: str, name: str) -> None:
        """Takes an uploaded film, after the checks that the command makes."""
        clip = visitor.keep(self._uploaded(upload), name)
        try:
            check_clip(visitor.folder / clip, self.options.max_pixels)
        except ValueError as error:
            raise visitor.refused(clip, error) from None
        visitor.clip, visitor.shown_film = clip, None

    def take_sound(self, visitor: Visitor, upload: str, name: str) -> None:
        """Takes an uploaded song for the painted film; an empty upload gives the film its own sound back."""
        if not upload:
            visitor.sound = ""
            return
        sound = visitor.keep(self._uploaded(upload), name)
        try:
            check_sound(visitor.folder / sound)
        except ValueError as error:
            raise visitor.refused(sound, error) from None
        visitor.sound = sound

    def take_style(self, visitor: Visitor, upload: str, name: str) -> None:
        """Takes an uploaded painting, and chooses it."""
        style = self._take_picture(visitor, upload, name)
        visitor.styles.append(style)
        visitor.choose((*visitor.chosen, style))

    def choose(self, visitor: Visitor, style: str, chosen: bool) -> None:
        """Chooses a painting of the library or the visitor's own, or takes it out."""
        visitor.choices += 1
        others = tuple(other for other in visitor.chosen if other != style)
        if style in self.titles or style in visitor.styles:
            visitor.choose((*others, style) if chosen else others)

    def find(self, visitor: Visitor, words: str) -> dict[str, Any]:
        """Chooses the paintings that words describe; returns the options that words set."""
        found = choose(words, self.library)
        visitor.choose(found.styles, found.options["style_blend"])
        return found.controls

    def brush(self, visitor: Visitor, upload: str, fills_rest: bool, count: int) -> None:
        """Takes what was brushed over the photo, for the time that `count` says; an empty upload takes it away."""
        visitor.fills_rest, visitor.brushed, visitor.strokes = fills_rest, None, count
        if upload:
            path = self._uploaded(upload)
            try:
                with Image.open(path, formats=["PNG"]) as picture:
                    if max(picture.size) > VIEW_SIDE:  # the page shows no larger photo to brush over
                        raise ConfigError("What was brushed is larger than the photo on the page; load the page again.")
                    visitor.brushed = np.asarray(picture.convert("RGBA"))
            except OSError:
                raise ConfigError("What was brushed did not arrive whole; brush again.") from None
            finally:
                path.unlink()

    # --- works --------------------------------------------------------------------------------------------------------

    def paint(self, visitor: Visitor, preset: str, options: Mapping[str, Any]) -> None:
        """Puts a painting in the visitor's line."""
        if not visitor.photo:
            raise ConfigError("There is no photo yet; drop one, or choose one.")
        names = self._names(visitor, visitor.photo, ".png")
        if self.options.server:
            if len(visitor.chosen) > 1 and "style_blend" not in self.served:
                raise ConfigError(f"The server paints in one style, but {len(visitor.chosen)} are chosen; choose one.")
            in_calls = {"advance_every": _STEPS_PER_CALL} if "steps" in self.served else {}
            options = {**options, **self._blend(visitor), **in_calls}
            settings = Settings(options=options, server=self.options.server, **names)
        elif visitor.brushed is None:
            settings = Settings.of(preset=preset, options={**options, **self._blend(visitor)}, **names)
        else:
            settings = Settings.of(preset=preset, options=options, **names)
            settings = settings.replace(style_masks=self._write_masks(visitor, Path(settings.output).stem))
        self._add(visitor, self._picture(visitor.folder, settings))

    def paint_larger(self, visitor: Visitor, size: int) -> None:
        """Paints the picture that is shown again, larger."""
        if visitor.shown is None:
            raise ConfigError("There is no painting to paint again; paint one first.")
        settings = visitor.shown.settings
        output = visitor.free_name(f"{Path(settings.output).stem}-{size}", ".png")
        settings = settings.replace(output=output, options={**settings.options, "size": size})
        self._add(visitor, self._picture(visitor.folder, settings))

    def paint_film(self, visitor: Visitor, preset: str, options: Mapping[str, Any]) -> None:
        """Puts a film in the visitor's line."""
        if not visitor.clip:
            raise ConfigError("There is no film yet; drop one, or choose one.")
        names = self._names(visitor, visitor.clip, Path(visitor.clip).suffix)
        options = {**options, **self._blend(visitor), **({"audio": visitor.sound} if visitor.sound else {})}
        settings = FilmSettings.of(preset=preset, options=options, **names)
        work = visitor.shown_film = FilmWork(settings, visitor.folder, self.options.max_pixels)
        visitor.works.append(work)
        self.turns.add(visitor.id, work)

    def reuse(self, visitor: Visitor, number: int) -> tuple[str, dict[str, Any]]:
        """Chooses the paintings of a work of this session; returns its preset and its other options."""
        self.show(visitor, number)
        assert visitor.shown is not None
        settings = visitor.shown.settings
        options = dict(settings.options)
        visitor.choose(settings.styles, options.pop("style_blend", ()))
        return settings.preset, options

    def taste(self, visitor: Visitor, answer: str) -> None:
        """Answers the pair that is shown, if there is an answer, and asks for the next pair."""
        if not visitor.photo:
            raise ConfigError("There is no photo to paint; choose one under Picture first.")
        visitor.tasting = tasting = visitor.tasting or Tasting(visitor.folder)
        if answer:
            tasting.tell(answer)
        for work in tasting.ask(visitor.photo, lambda settings: self._picture(visitor.folder, settings)):
            self.turns.add(visitor.id, work)

    def take_profile(self, visitor: Visitor, upload: str) -> None:
        """Goes on with a profile that was downloaded before."""
        before = visitor.folder / PROFILE
        kept = before.read_bytes() if before.exists() else None
        shutil.move(self._uploaded(upload), before)
        try:
            visitor.tasting = Tasting(visitor.folder)
        except ValueError as error:
            refused = visitor.refused(PROFILE, error)
            if kept is not None:
                before.write_bytes(kept)
            raise refused from None

    def use_taste(self, visitor: Visitor) -> dict[str, Any]:
        """Chooses the paintings that the visitor likes; returns the other options."""
        if visitor.tasting is None or not visitor.tasting.profile.styles:
            raise ConfigError("Nothing is known of your taste yet; answer some questions first.")
        options = {**NEUTRAL, **visitor.tasting.profile.options}
        visitor.choose(visitor.tasting.profile.styles, options.pop("style_blend", ()))
        return options

    def show(self, visitor: Visitor, number: int) -> None:
        """Shows a picture of this session, by its number among the works."""
        work = visitor.works[number]
        if not isinstance(work, PictureWork | RequestWork):
            return
        visitor.shown = work
        if visitor.photo != work.settings.content:  # what is shown is what is painted next
            visitor.photo, visitor.brushed = work.settings.content, None

    def stop(self, visitor: Visitor, number: int) -> None:
        """Stops a work, by its number; what is painted so far is kept."""
        self.turns.stop(visitor.works[number])

    # --- parts of the above -------------------------------------------------------------------------------------------

    def _uploaded(self, upload: str) -> Path:
        path = Path(upload)
        if not path.is_file() or not path.resolve().is_relative_to(self._uploads.resolve()):
            raise ConfigError("This file was not uploaded here; choose it again.")
        return path

    def _take_picture(self, visitor: Visitor, upload: str, name: str) -> str:
        kept = visitor.keep(self._uploaded(upload), name)
        try:
            images.read_visible(visitor.folder / kept, max_pixels=self.options.max_pixels)
        except ValueError as error:
            raise visitor.refused(kept, error) from None
        return kept

    def _names(self, visitor: Visitor, content: str, suffix: str) -> dict[str, Any]:
        if not visitor.chosen:
            raise ConfigError("No painting is chosen; choose one, or describe one in words.")
        output = visitor.free_name(f"{Path(content).stem}-{stem_of(visitor.chosen[0])}", suffix)
        return {"content": content, "styles": visitor.chosen, "output": output}

    def _blend(self, visitor: Visitor) -> dict[str, Any]:
        return {"style_blend": visitor.shares} if len(visitor.shares) > 1 else {}

    def _picture(self, folder: Path, settings: Settings) -> PictureWork | RequestWork:
        if settings.server:
            return RequestWork(settings, folder, self.options.max_pixels)
        return PictureWork(settings, folder, self._models, self.options.max_pixels)

    def _add(self, visitor: Visitor, work: PictureWork | RequestWork) -> None:
        visitor.works.append(work)
        visitor.shown = work
        self.turns.add(visitor.id, work)

    def _write_masks(self, visitor: Visitor, stem: str) -> tuple[str, ...]:
        assert visitor.brushed is not None
        titles = [self.titles.get(style, style) for style in visitor.chosen]
        masks = region_masks(visitor.brushed, titles, fills_rest=visitor.fills_rest)
        names = tuple(f"{stem}-region{number}.png" for number in range(1, len(masks) + 1))
        for name, mask in zip(names, masks, strict=True):
            images.write_image(visitor.folder / name, np.repeat(mask[..., np.newaxis], 3, -1))
        return names
