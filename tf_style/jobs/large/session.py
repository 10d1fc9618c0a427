"""An optimisation in tiles: coarse scales are painted whole, fine ones tile by tile on the disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tf_style.config import ConfigError
from tf_style.images.strips.planes import Plane
from tf_style.images.strips.resampling import resample
from tf_style.jobs.large.inputs import tile_side, whole_pixels
from tf_style.jobs.large.one_pass import paint_in_tiles
from tf_style.jobs.large.picture import LargePicture
from tf_style.jobs.large.plan import make_plan
from tf_style.jobs.large.scale import Count, TiledScale
from tf_style.jobs.run.model import model_headline
from tf_style.optimizers.adam import AdamRule
from tf_style.stylizers.feed_forward_tiles import TiledPass
from tf_style.stylizers.tiling import TiledObjective, make_tiles
from tf_style.types import Progress


class LargeSession(LargePicture):
    """A `LargePicture` that is optimised; it can be resumed.

    Raises:
      ConfigError: `init` needs a coarse scale, and there is none.
    """

    def _prepare(self) -> None:
        config, stylizer = self._config, self._stylizer
        self._resume, self.history = self._work.tiled, self._work.history
        self._coarse: Progress | None = None
        self._scale: TiledScale | None = None
        self._objective = TiledObjective(stylizer.optimization)
        self._plan = make_plan(
            stylizer.sizes(tf.constant([1, *self._inputs.size, 3])),
            stylizer.steps_at,
            tile_steps=config.tile_steps,
            whole_pixels=whole_pixels(config),
        )
        if self._plan.first_tiled == 0 and config.init not in ("content", "network"):
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
        styles = self._styles(lambda style: self._stylizer.style_at(style, tf.constant(self._inputs.size)))
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

    def save_checkpoint_on_interrupt(self) -> str:
        """Saves the state if asked to; returns a sentence that says how to resume."""
        if not self._files.checkpoint_dir:
            return "It cannot be resumed; with --checkpoint_dir=DIR an interrupted run can."
        if self._scale is None:
            self._save_coarse(now=True)
            return f"Repeat the same command to resume (the state is in {self._folder})."
        return f"Repeat the same command to resume from the last complete step (the state is in {self._folder})."

    # --- scales -------------------------------------------------------------------------------------------------------

    def _all_scales(self, styles: list[tf.Tensor]) -> Iterator[Progress]:
        first = self._plan.first_tiled
        before: TiledScale | None = None
        state: dict[str, np.ndarray] | None = None
        count = Count()
        if self._resume is not None:
            first, count = self._resume.scale, self._resume.count
        elif first:
            progress, sizes = None, self._plan.sizes[:first]
            content, masks = self._content_at(sizes[-1]), self._masks_at(sizes[-1])
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
            first = None
            if scale == 0 and config.init == "network":
                first = Plane(folder / "first.f32", size).create()
                for _ in self._first_pass(own, styles, first):
                    yield self._at(scale, own, 0.0)
                _mix(first, own.content, config.style_strength)
            own.start(before, state, count, first)
            if first is not None:
                first.path.unlink()
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

    def _first_pass(self, scale: TiledScale, styles: list[tf.Tensor], painting: Plane) -> Iterator[object]:
        """Paints what a first scale in tiles starts from; yields after each look and tile."""
        network, shape = self._stylizer.network, tf.constant([1, *scale.size, 3])
        parts = network.parts(styles, shape, by_region=self._guides.num_regions > 1)
        tiled = TiledPass(network, scale.size, tile_side(self._config), parts)
        return paint_in_tiles(tiled, scale.content, scale.masks_in, painting)

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

    def _at(self, scale: int, own: TiledScale, share: float) -> Progress:
        """The progress within a step of a scale in tiles."""
        losses = own.losses or (self.progress.losses if self.progress else {})
        return self._plan.progress(scale, own.count.step + share, losses, own.count.adam_steps, self._whole_picture)

    def _rebased(self, progress: Progress) -> Progress:
        """A coarse scale's progress as part of the whole run."""
        steps = progress.step - sum(self._plan.steps[: progress.scale])
        return self._plan.progress(progress.scale, steps, progress.losses, progress.evaluations, self._whole_picture)

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


def _mix(picture: Plane, content: Plane, share: float) -> None:
    """Leaves this share of a picture, and the rest of the content."""
    width = picture.size[1]
    for top, bottom in picture.strips() if share < 1.0 else ():
        base = content.read(top, 0, bottom, width)
        picture.write(top, 0, base + np.float32(share) * (picture.read(top, 0, bottom, width) - base))


def _losses_of(history: list[dict[str, float]]) -> dict[str, float]:
    """The losses of the last step in a history."""
    last = history[-1] if history else {}
    return {name: value for name, value in last.items() if name not in ("step", "loss")}
