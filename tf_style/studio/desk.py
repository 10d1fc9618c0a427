"""What visitors can do with pictures, and what the page then shows; nothing here knows of Gradio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tf_style import images
from tf_style.config import ConfigError, StudioOptions
from tf_style.jobs.run.models import Models
from tf_style.studio.painting import PictureWork, RequestWork
from tf_style.studio.regions import COLORS, region_masks
from tf_style.studio.settings import Settings, stem_of
from tf_style.studio.turns import Turns
from tf_style.studio.visitors import Visitor, Visitors
from tf_style.studio.work import Work
from tf_style.words.choice import choose
from tf_style.words.library import StyleLibrary
from tf_style.words.naming import PREFIX

#: Long sides for print, and what they are.
_PRINTS = {3508: "A4 at 300 dpi", 4961: "A3 at 300 dpi", 7016: "A2 at 300 dpi"}
_STEPS_PER_CALL = 10  # of a server


class Desk:
    """The visitors, the line before the model, the library, and what is done with them.

    Args:
      options: The command's.
      folder: Holds the visitors' folders.
      uploads: Where uploads arrive.
      served: The options that the model server takes, if one paints; "steps" among them if it paints step by step.
    """

    def __init__(self, options: StudioOptions, folder: Path, uploads: Path, served: tuple[str, ...] = ()) -> None:
        self.options, self.served = options, served
        self.turns, self._models = Turns(), Models()
        self.visitors = Visitors(folder, self.turns.remove)
        self.library = StyleLibrary.open()
        self.titles = {f"{PREFIX}{entry.style}": entry.title for entry in self.library.entries}
        self._uploads = uploads

    def warm_up(self, folder: Path) -> None:
        """Paints a small picture that nobody sees, so that the first visitor does not wait for the model."""
        grey = np.linspace(0, 1, 64 * 64 * 3, dtype=np.float32).reshape(64, 64, 3)
        images.write_image(folder / "warm_up.png", grey)
        settings = Settings.of(
            content="warm_up.png", styles=("warm_up.png",), output="warmed_up.png", preset="instant", options={}
        )
        self.turns.add("", PictureWork(settings, folder, self._models, self.options.max_pixels))

    # --- what visitors do ----------------------------------------------------------------------------------------------

    def take_photo(self, visitor: Visitor, upload: str, name: str) -> None:
        """Takes an uploaded photo, after the checks that the command makes.

        Raises:
          ImageError: It cannot be used.
        """
        visitor.photo = self._take_picture(visitor, upload, name)
        visitor.shown = visitor.brushed = None

    def take_style(self, visitor: Visitor, upload: str, name: str) -> None:
        """Takes an uploaded painting, and chooses it.

        Raises:
          ImageError: It cannot be used.
        """
        style = self._take_picture(visitor, upload, name)
        visitor.styles.append(style)
        self.choose(visitor, [*visitor.chosen, style])

    def choose(self, visitor: Visitor, styles: list[str]) -> None:
        """Chooses paintings: those of the library and the visitor's own."""
        visitor.chosen = tuple(style for style in styles if style in self.titles or style in visitor.styles)
        visitor.shares = ()

    def find(self, visitor: Visitor, words: str) -> dict[str, Any]:
        """Chooses the paintings that words describe; returns the options that words set.

        Raises:
          LibraryError, ValueError: Nothing is near the words.
        """
        found = choose(words, self.library)
        visitor.chosen, visitor.shares = found.styles, found.options["style_blend"]
        return found.controls

    def brush(self, visitor: Visitor, upload: str, fills_rest: bool) -> None:
        """Takes what was brushed over the photo; an empty upload takes it away."""
        visitor.fills_rest, visitor.brushed = fills_rest, None
        if upload:
            path = self.uploaded(upload)
            with Image.open(path) as picture:
                visitor.brushed = np.asarray(picture.convert("RGBA"))
            path.unlink()

    def paint(self, visitor: Visitor, preset: str, options: Mapping[str, Any]) -> None:
        """Puts a painting in the visitor's line.

        Raises:
          ConfigError: Something is missing, or the settings are not allowed.
        """
        if not visitor.photo:
            raise ConfigError("There is no photo yet; drop one, or choose one.")
        if not visitor.chosen:
            raise ConfigError("No painting is chosen; choose one, or describe one in words.")
        stem = f"{Path(visitor.photo).stem}-{stem_of(visitor.chosen[0])}"
        names: dict[str, Any] = {"content": visitor.photo, "styles": visitor.chosen}
        names["output"] = visitor.free_name(stem, ".png")
        if self.options.server:
            self._paint_there(visitor, names, options)
            return
        if len(visitor.chosen) > 1 and visitor.shares and visitor.brushed is None:
            options = {**options, "style_blend": visitor.shares}
        settings = Settings.of(preset=preset, options=options, **names)
        if visitor.brushed is not None:
            settings = settings.replace(style_masks=self._write_masks(visitor, Path(settings.output).stem))
        self._add(visitor, PictureWork(settings, visitor.folder, self._models, self.options.max_pixels))

    def paint_larger(self, visitor: Visitor, size: int) -> None:
        """Paints the picture that is shown again, larger.

        Raises:
          ConfigError: Nothing is shown, or the size is not allowed.
        """
        work = visitor.shown
        if not isinstance(work, PictureWork | RequestWork):
            raise ConfigError("There is no painting to paint again; paint one first.")
        output = visitor.free_name(f"{work.output.stem}-{size}", ".png")
        settings = work.settings.replace(output=output, options={**work.settings.options, "size": size})
        if self.options.server:
            self._add(visitor, RequestWork(settings, visitor.folder, self.options.max_pixels))
        else:
            self._add(visitor, PictureWork(settings, visitor.folder, self._models, self.options.max_pixels))

    def stop(self, visitor: Visitor) -> None:
        """Stops the work that is shown."""
        if visitor.shown is not None:
            self.turns.stop(visitor.shown)

    def show(self, visitor: Visitor, number: int) -> None:
        """Shows a work of this session, counted from 0."""
        if 0 <= number < len(visitor.works):
            visitor.shown = visitor.works[number]

    def reuse(self, visitor: Visitor, number: int) -> tuple[str, dict[str, Any]]:
        """Chooses the paintings of a work of this session; returns its preset and its other options."""
        self.show(visitor, number)
        work = visitor.shown
        if not isinstance(work, PictureWork):
            return "", {}
        options = dict(work.settings.options)
        visitor.chosen, visitor.shares = work.settings.styles, options.pop("style_blend", ())
        return work.settings.preset, options

    # --- what the page shows -------------------------------------------------------------------------------------------

    def stage(self, visitor: Visitor) -> dict[str, Any]:
        """The photo and the painting."""
        work = visitor.shown if isinstance(visitor.shown, PictureWork | RequestWork) else None
        photo = work.before if work else visitor.photo
        view: dict[str, Any] = {
            "state": work.state if work else "ready" if photo else "empty",
            "photo": self._view(visitor, photo) if photo else "",
            "notice": visitor.notice or (work.message if work and work.state == "failed" else ""),
            "line": self.line(work) if work else "",
            "brushes": self._brushes(visitor),
        }
        if work is not None:
            view |= {"painting": self.picture_of(visitor, work), "fraction": work.fraction, "stopping": work.stopping}
            view["stopping"] = work.stopping and not work.ended.is_set()
        if work is not None and work.written:
            name = work.output.name
            view |= {"download": f"studio/{visitor.id}/file/{name}", "name": name, "larger": self._sizes(visitor, work)}
        return view

    def gallery(self, visitor: Visitor, *, first: bool = False) -> dict[str, Any]:
        """The paintings to choose from; those that are chosen come first if asked to."""
        own = [(style, style, self._view(visitor, style)) for style in reversed(visitor.styles)]
        items = own + [(style, title, library_picture(style)) for style, title in self.titles.items()]
        shares = visitor.shares or [None] * len(visitor.chosen)
        names = [
            self.titles.get(style, style) + ("" if share is None else f" {share:.0%}")
            for style, share in zip(visitor.chosen, shares, strict=True)
        ]
        line = ", ".join(names) or "Choose one or several; several are mixed."
        return {"items": items, "chosen": visitor.chosen, "line": line, "first": first}

    def history(self, visitor: Visitor) -> dict[str, Any]:
        """All works of this session, the latest first, and how the one that is shown can be made again."""
        works = [
            {
                "number": number,
                "title": " and ".join(self.titles.get(style, style) for style in work.settings.styles),
                "line": work.settings.summary({}).partition(" · ")[2] + ("" if work.state == "done" else f" · {work.state}"),
                "view": self.picture_of(visitor, work) if work.ended.is_set() else "",
                "reusable": not self.options.server,
            }
            for number, work in enumerate(visitor.works)
            if isinstance(work, PictureWork | RequestWork)
        ]
        shown = visitor.works.index(visitor.shown) if visitor.shown in visitor.works else -1
        return {"works": works[::-1], "shown": shown, "recipe": self._recipe(visitor)}

    def line(self, work: Work) -> str:
        """How far a work is, in a sentence."""
        if work.state == "waiting":
            before = self.turns.before(work)
            return f"In line: {before} {'picture comes' if before == 1 else 'pictures come'} first."
        if work.state == "painting":
            left = work.seconds_left
            time_left = "" if left is None else f" · about {left:.0f} s left" if left < 90 else f" · about {left / 60:.0f} min left"
            return f"{work.place[:1].upper()}{work.place[1:]}{time_left}" if work.place else "Getting the model ready ..."
        if work.state == "stopped":
            return f"{work.message} The picture so far is kept." if work.written else work.message
        return f"Painted in {work.seconds:.1f} s." if work.state == "done" else ""

    def picture_of(self, visitor: Visitor, work: Work) -> str:
        """Where the page finds a work's picture; empty if there is none yet."""
        if work.written:
            return self._view(visitor, work.output.name)
        return f"studio/{visitor.id}/live/{visitor.works.index(work)}?{work.views}" if work.views else ""

    # --- parts of the above --------------------------------------------------------------------------------------------

    def uploaded(self, upload: str) -> Path:
        """An upload's file.

        Raises:
          ConfigError: It is not an upload.
        """
        path = Path(upload)
        if not path.is_file() or not path.resolve().is_relative_to(self._uploads.resolve()):
            raise ConfigError("This file was not uploaded here; choose it again.")
        return path

    def _take_picture(self, visitor: Visitor, upload: str, name: str) -> str:
        path = self.uploaded(upload)
        kept = visitor.keep(path, name)
        try:
            images.read_visible(visitor.folder / kept, max_pixels=self.options.max_pixels)
        except ValueError as error:
            (visitor.folder / kept).unlink()
            raise type(error)(str(error).replace(f"{visitor.folder}/", "")) from None
        return kept

    def _add(self, visitor: Visitor, work: Work) -> None:
        visitor.works.append(work)
        visitor.shown = work
        self.turns.add(visitor.id, work)

    def _paint_there(self, visitor: Visitor, names: dict[str, Any], options: Mapping[str, Any]) -> None:
        if len(visitor.chosen) > 1 or visitor.brushed is not None:
            raise ConfigError("The server paints in one style, without regions; choose one painting.")
        options = {**options, "advance_every": _STEPS_PER_CALL} if "steps" in self.served else options
        settings = Settings(options=options, server=self.options.server, **names)
        self._add(visitor, RequestWork(settings, visitor.folder, self.options.max_pixels))

    def _write_masks(self, visitor: Visitor, stem: str) -> tuple[str, ...]:
        assert visitor.brushed is not None
        titles = [self.titles.get(style, style) for style in visitor.chosen]
        masks = region_masks(visitor.brushed, titles, fills_rest=visitor.fills_rest)
        names = [f"{stem}-region{number}.png" for number in range(1, len(masks) + 1)]
        for name, mask in zip(names, masks, strict=True):
            images.write_image(visitor.folder / name, np.repeat(mask[..., np.newaxis], 3, -1))
        return tuple(names)

    def _brushes(self, visitor: Visitor) -> list[tuple[str, str]]:
        if self.options.server:
            return []
        return [(color, self.titles.get(style, style)) for color, style in zip(COLORS, visitor.chosen, strict=False)]

    def _sizes(self, visitor: Visitor, work: PictureWork | RequestWork) -> list[tuple[int, str]]:
        """Larger sizes for a painting: twice as large, and those for print."""
        own = images.read_size(work.output) or (1, 1)
        share = min(own) / max(own)
        sizes = {2 * max(own): ""} | _PRINTS
        return [
            (size, f"{size} pixels, {text}" if text else f"{size} pixels")
            for size, text in sorted(sizes.items())
            if size > max(own) and size * size * share <= self.options.max_pixels
        ]

    def _recipe(self, visitor: Visitor) -> dict[str, Any] | None:
        work = visitor.shown
        if not isinstance(work, PictureWork | RequestWork) or work.state != "done":
            return None
        settings = work.settings
        own = [style for style in settings.styles if not style.startswith(PREFIX)]
        files = [(name, f"studio/{visitor.id}/file/{name}") for name in (settings.content, *own, *settings.style_masks)]
        return {"command": settings.command(), "python": settings.python(visitor.folder), "files": files}

    def _view(self, visitor: Visitor, name: str) -> str:
        return f"studio/{visitor.id}/view/{name}"


def library_picture(style: str) -> str:
    """Where the page finds a picture of the library."""
    return f"studio/library/{style.removeprefix(PREFIX)}"
