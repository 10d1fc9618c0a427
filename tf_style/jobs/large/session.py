"""A run in tiles: coarse scales are painted whole, fine ones tile by tile on the disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.images.strips.planes import Plane
from tf_style.images.strips.resampling import resample
from tf_style.images.strips.streams import decode_to_plane
from tf_style.jobs.large.inputs import LargeInputs, tile_side, whole_pixels
from tf_style.jobs.large.masks import write_masks
from tf_style.jobs.large.plan import make_plan
from tf_style.jobs.large.result import DecodedContent, write_result
from tf_style.jobs.large.scale import Count, TiledScale
from tf_style.jobs.large.state import run_identity
from tf_style.jobs.large.work import WorkFolder
from tf_style.jobs.run.model import choose_model, load_stylizer, model_headline, picture_tensor, run_record
from tf_style.jobs.run.record import write_record
from tf_style.ops.positions import as_painted
from tf_style.optimizers.adam import AdamRule
from tf_style.stylizers import PyramidStylizer
from tf_style.stylizers.tiling import TiledObjective, make_tiles
from tf_style.types import Progress

_LOOK_SIDE = 1024  # long side in pixels at which the content's colours are measured


class LargeSession:
    """The part of a run in tiles that needs TensorFlow; it has the methods of `Session`.

    Args:
      config: All options.
      files: Where from, where to.
      inputs: The checked inputs.

    Raises:
      ConfigError: The checkpoint belongs to another run, or `init` needs a coarse scale and there is none.
      ImageError: The content cannot be read.
      WeightsError: The backbone's weights are missing or do not fit.
    """

    def __init__(self, config: StylizeConfig, files: StylizeFiles, inputs: LargeInputs) -> None:
        self._config, self._files, self._inputs = config, files, inputs
        self.progress: Progress | None = None
        self.history: list[dict[str, float]] = []
        self._choice = choose_model(config, quiet=files.quiet)
        self._work = WorkFolder(files, run_identity(config, files, inputs, self._choice))
        self._folder, self._resume, self.history = self._work.path, self._work.tiled, self._work.history
        self._coarse: Progress | None = None
        self._scale: TiledScale | None = None
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        config, files, inputs = self._config, self._files, self._inputs
        self._content = Plane(self._folder / "content.f32", inputs.size)
        self._alpha = Plane(self._folder / "alpha.f32", inputs.size, channels=1)
        self._source = decode_to_plane(inputs.content, self._content, self._alpha)
        self._masks, guides = write_masks(files, inputs, self._alpha if self._source.has_alpha else None, self._folder)
        stylizer = load_stylizer(config, guides)
        assert isinstance(stylizer, PyramidStylizer)
        self._stylizer, self._guides = stylizer, guides
        self._objective = TiledObjective(stylizer.optimization)
        self._painting_seconds = 0.0
        self._plan = make_plan(
            stylizer.sizes(tf.constant([1, *inputs.size, 3])),
            stylizer.steps_at,
            tile_steps=config.tile_steps,
            whole_pixels=whole_pixels(config),
        )
        if self._plan.first_tiled == 0 and config.init != "content":
            raise ConfigError(
                f"init={config.init} needs a coarse scale painted whole, but all scales are in tiles; lower "
                "--min_size, or raise --tile_size."
            )

    def headline(self) -> str:
        """Says which backbone, why, where it runs, how many scales are in tiles, and whether a run is resumed."""
        scales = len(self._plan.sizes)
        line = model_headline(self._config, self._choice)
        line += f" {scales - self._plan.first_tiled} of {scales} scales in tiles."
        if self._resume is not None or self._work.coarse is not None:
            line += f" Resuming from step {self.history[-1]['step'] if self.history else 0} in {self._folder}."
        return line

    def steps(self) -> Iterator[Progress]:
        """Runs all scales; yields after each step of a coarse scale, and after each tile of the others."""
        started = time.monotonic()
        files = self._files
        styles = [picture_tensor(style) for style in self._inputs.styles]
        for progress in self._all_scales(styles):
            whole = progress.step > (self.history[-1]["step"] if self.history else 0)
            self.progress = progress
            if whole:
                self.history.append({"step": progress.step, "loss": progress.loss, **progress.losses})
                self._save(progress.scale)
                if files.save_every and progress.step % files.save_every == 0:
                    self.write_picture()
            self._painting_seconds = time.monotonic() - started
            yield progress

    @property
    def complete(self) -> bool:
        """True once the last step is done."""
        return self.progress is not None and self.progress.step == self.progress.num_steps

    def write_picture(self) -> None:
        """Writes the picture so far at the size of the result, with the content's alpha, profile and resolution."""
        assert self.progress is not None
        painting = self._painting_plane()
        content = DecodedContent(self._inputs.content, self._source, self._content, self._alpha)
        write_result(self._files, content, painting, self._finished, self._masks.planes.get("regions", ()))
        painting.path.unlink(missing_ok=True)

    def save_checkpoint_on_interrupt(self) -> str:
        """Saves the state if asked to; returns a sentence that says how to resume."""
        if not self._files.checkpoint_dir:
            return "It cannot be resumed; with --checkpoint_dir=DIR an interrupted run can."
        if self._scale is None:
            self._save_coarse(now=True)
            return f"Repeat the same command to resume (the state is in {self._folder})."
        return f"Repeat the same command to resume from the last complete step (the state is in {self._folder})."

    def finish(self, preset: str, seconds: float) -> None:
        """Writes the record and removes the checkpoint.

        Args:
          preset: The preset's name, for the record.
          seconds: Duration of the whole command.
        """
        if self._files.json:
            write_record(Path(self._files.json), self._record(preset, seconds))
        self._work.remove()

    def close(self) -> None:
        """Removes the temporary files; the checkpoint and the result stay."""
        self._work.close()

    # --- scales -------------------------------------------------------------------------------------------------------

    def _all_scales(self, styles: list[tf.Tensor]) -> Iterator[Progress]:
        first = self._plan.first_tiled
        before: TiledScale | None = None
        state: dict[str, np.ndarray] | None = None
        count = Count()
        if self._stylizer.prepare:
            small = images.fit_size(self._inputs.size, min(_LOOK_SIDE, max(self._inputs.size)))
            reference = as_painted(self._content_at(small), self._coarse_masks(small))
            fitted = [self._stylizer.style_at(style, tf.constant(self._inputs.size)) for style in styles]
            styles = [self._stylizer.prepare(style, reference) for style in fitted]
        if self._resume is not None:
            first, count = self._resume.scale, self._resume.count
        elif first:
            progress, sizes = None, self._plan.sizes[:first]
            content, masks = self._content_at(sizes[-1]), self._coarse_masks(sizes[-1])
            resume = self._work.coarse
            for progress in self._stylizer.run(content, styles, resume, masks=masks, sizes=sizes, prepared=True):
                self._coarse = progress
                yield self._rebased(progress)
            assert progress is not None
            run = progress.state
            picture = self._stylizer.optimization.picture(run)
            state = {"image": picture, "first": run.optimizer.first, "second": run.optimizer.second}
            state = {name: leaf[0].numpy() for name, leaf in state.items()}
            count = Count(adam_steps=int(run.optimizer.steps[0]))
        for scale in range(first, len(self._plan.sizes)):
            yield from self._tiled(scale, styles, before, state, count)
            before, state = self._scale, None
            assert before is not None
            count, self._resume = before.count, None

    def _tiled(
        self,
        scale: int,
        styles: list[tf.Tensor],
        before: TiledScale | None,
        state: dict[str, np.ndarray] | None,
        count: Count,
    ) -> Iterator[Progress]:
        size, config = self._plan.sizes[scale], self._config
        objective = self._objective
        folder = self._folder / f"scale_{scale:02}"
        folder.mkdir(exist_ok=True)
        tiles = make_tiles(size, tile_side(config), objective.margin, objective.stride)
        rule = AdamRule(config.learning_rate)
        own = TiledScale(folder, size, objective, tiles, rule, config.average_decay)
        if self._resume is None:
            resample(self._content, own.content, clip=True)
        own.masks = self._masks.at(size, folder)
        if self._resume is None:
            own.start(before, state, count)
        else:
            own.count = count
            own.losses = _losses_of(self.history)
        self._scale = own
        self._work.save_tiled(scale, own.count, self.history)
        if before is not None:
            shutil.rmtree(before.folder, ignore_errors=True)
        fitted = [self._stylizer.style_at(style, tf.constant(size)) for style in styles]
        for _ in own.prepare(objective.style_targets(fitted, tile_side(config))):
            yield self._at(scale, own, 0.0)
        while own.count.step < self._plan.steps[scale]:
            for share in own.step():
                if share < 1.0:
                    yield self._at(scale, own, share)
            yield self._at(scale, own, 0.0)

    def _save(self, scale: int) -> None:
        if self._scale is not None:
            self._work.save_tiled(scale, self._scale.count, self.history)
        else:
            self._save_coarse()

    def _save_coarse(self, *, now: bool = False) -> None:
        """Saves a coarse scale's state, except after its last step: the first scale in tiles then saves its own."""
        progress = self._coarse
        if progress is not None and progress.step < sum(self._plan.steps[: self._plan.first_tiled]):
            self._work.save_coarse(progress, self.history, now=now)

    def _content_at(self, size: tuple[int, int]) -> tf.Tensor:
        plane = Plane(self._folder / "coarse.f32", size)
        resample(self._content, plane, clip=True)
        pixels = plane.read(0, 0, *plane.size)
        plane.path.unlink()
        return tf.constant(pixels[np.newaxis])

    def _coarse_masks(self, size: tuple[int, int]) -> dict[str, tf.Tensor]:
        planes = self._masks.at(size, self._folder)
        return {name: tf.constant(plane.read(0, 0, *size)[np.newaxis]) for name, plane in planes.items()}

    def _at(self, scale: int, own: TiledScale, share: float) -> Progress:
        """The progress within a step of a scale in tiles."""
        losses = own.losses or (self.progress.losses if self.progress else {})
        return self._plan.progress(scale, own.count.step + share, losses, own.count.adam_steps, self._whole_picture)

    def _rebased(self, progress: Progress) -> Progress:
        """A coarse scale's progress as part of the whole run."""
        steps = progress.step - sum(self._plan.steps[: progress.scale])
        return self._plan.progress(progress.scale, steps, progress.losses, progress.evaluations, self._whole_picture)

    def _whole_picture(self) -> tf.Tensor:
        return tf.constant(self._painting_plane().read(0, 0, *self._inputs.size)[np.newaxis])

    # --- the picture --------------------------------------------------------------------------------------------------

    def _painting_plane(self) -> Plane:
        """The unfinished painting so far, at the size of the result."""
        plane = Plane(self._folder / "painting.f32", self._inputs.size)
        picture = self._coarse_picture() if self._scale is None else self._scale.write_picture_plane()
        if picture.size == plane.size:
            picture.path.replace(plane.path)
        else:
            resample(picture, plane, clip=True)
            picture.path.unlink()
        return plane

    def _coarse_picture(self) -> Plane:
        run = None if self._coarse is None else self._coarse.state
        image = self._content_at(self._plan.sizes[0]) if run is None else self._stylizer.optimization.picture(run)
        plane = Plane(self._folder / "coarse_picture.f32", tuple(image.shape[1:3])).create()
        plane.write(0, 0, image[0].numpy())
        return plane

    def _finished(self, painting: np.ndarray, content: np.ndarray, rows: tuple[int, int, int, int]) -> np.ndarray:
        masks = {name: tf.constant(plane.read(*rows)[np.newaxis]) for name, plane in self._masks.full().items()}
        shown = self._stylizer.shown(tf.constant(painting[np.newaxis]), tf.constant(content[np.newaxis]), masks)
        return np.clip(shown[0].numpy(), 0.0, 1.0)

    def _record(self, preset: str, seconds: float) -> dict[str, Any]:
        assert self.progress is not None
        return {
            **run_record(self._config, self._files, preset, self._choice, self._guides),
            "size": list(self._inputs.size),
            "tile_size": tile_side(self._config),
            "steps": self.progress.step,
            "objective_evaluations": self.progress.evaluations,
            "loss": self.progress.loss,
            "losses": self.progress.losses,
            "history": self.history,
            "seconds": seconds,
            "painting_seconds": self._painting_seconds,
        }


def _losses_of(history: list[dict[str, float]]) -> dict[str, float]:
    """The losses of the last step in a history."""
    last = history[-1] if history else {}
    return {name: value for name, value in last.items() if name not in ("step", "loss")}
