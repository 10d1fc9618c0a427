"""The signatures of a model that optimises: the engine's loop behind guards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_style.config import StylizeConfig
from tf_style.serving.export import guards
from tf_style.serving.export.guards import Limits
from tf_style.serving.export.pixels import FILES, INTEGERS, NUMBERS, PICTURES, to_float, to_uint8
from tf_style.serving.export.served import Served
from tf_style.serving.export.states import StateTensors
from tf_style.serving.export.style_code import StyleCode
from tf_style.stylizers import GraphLoop, PyramidState, PyramidStylizer
from tf_style.types import Nest

#: Targets of the terms that read the styles, from a scale's index and its (height, width).
StyleTargets = Callable[[tf.Tensor, Sequence[tf.Tensor]], Nest]


class ServedStylizer(Served):
    """A stylizer that optimises, as a module whose functions are signatures.

    All state is passed in and returned, and the only variables are the backbone's frozen weights, so requests share
    nothing.

    Args:
      stylizer: The engine.
      backbone: Its Keras model.
      config: See Served.
      limits: See Served.
      image_format: See Served.
    """

    def __init__(
        self,
        stylizer: PyramidStylizer,
        backbone: keras.Model,
        config: StylizeConfig,
        limits: Limits,
        image_format: str = "png",
    ) -> None:
        super().__init__("stylizer", config, limits, image_format)
        # Tracked, so that they are saved. Not the Keras model: it would save copies, and only those would be restored.
        first_pass = [] if stylizer.network is None else stylizer.network.network.all_layers
        holders = [backbone, *first_pass]
        self.weights = [variable.value for holder in holders for variable in holder.variables]
        self._stylizer = stylizer
        # The coarsest scale may take more steps than were asked for.
        most = limits.max_steps * config.num_steps // max(config.num_steps, stylizer.first_steps)
        self._asked = dataclasses.replace(limits, max_steps=most)
        self._loop = GraphLoop(stylizer)
        self._code = StyleCode(stylizer)
        self._states = StateTensors(stylizer.optimization)
        self._defaults = (
            tf.constant([config.num_steps]),
            tf.constant([config.seed]),
            tf.constant([config.content_weight]),
            tf.constant([config.scaled_style_weight]),
        )

    def signatures(self) -> dict[str, Any]:
        """Name -> `tf.function` with its input signature."""
        stylize = self._stylize_function()
        functions = {
            "serving_default": stylize,
            "stylize": stylize,
            "stylize_bytes": tf.function(self._stylize_bytes, input_signature=[FILES, FILES], autograph=False),
            "start": self._start_function(),
            "advance": self._advance_function(),
        }
        if self._stylizer.init != "style":  # else the run needs the style itself
            size = tf.TensorSpec([None], tf.int32, name="size")
            functions["encode_style"] = tf.function(
                self._encode_style, input_signature=[PICTURES, size], autograph=False
            )
            functions["stylize_encoded"] = self._stylize_encoded_function()
        return functions

    # Signatures --------------------------------------------------------------------------------------------------

    def _stylize_function(self) -> Any:
        steps, seed, content_weight, style_weight = self._defaults

        def stylize(content, style, num_steps=steps, seed=seed, content_weight=content_weight,
                    style_weight=style_weight):  # fmt: skip
            content, style = self._pair(content, style)
            options = self._options(content, num_steps, seed, content_weight, style_weight)
            return self._answer(content, self._run(content, [style], self._from(style), *options))

        return tf.function(
            stylize, input_signature=[PICTURES, PICTURES, INTEGERS, INTEGERS, NUMBERS, NUMBERS], autograph=False
        )

    def _stylize_encoded_function(self) -> Any:
        steps, seed, content_weight, style_weight = self._defaults
        code = tf.TensorSpec([None, None, self._code.length])

        def stylize_encoded(content, style_code, num_steps=steps, seed=seed, content_weight=content_weight,
                            style_weight=style_weight):  # fmt: skip
            content = self._content(content)
            style_code = self._style_code(style_code, code.shape, content)
            scales = tf.shape(self._stylizer.sizes(tf.shape(content)))[0]
            style_code = guards.require(
                tf.equal(tf.shape(style_code)[1], scales),
                "style_code must have as many scales as the content; scales of the content, of the code:",
                tf.stack([scales, tf.shape(style_code)[1]]),
                style_code,
            )
            options = self._options(content, num_steps, seed, content_weight, style_weight)

            def targets(scale: tf.Tensor, size: Sequence[tf.Tensor]) -> Nest:
                del size
                return self._code.unpack(style_code[:, scale])

            codes = self._code.for_network(style_code[:, 0])
            return self._answer(content, self._run(content, [], targets, *options, codes=codes))

        return tf.function(
            stylize_encoded, input_signature=[PICTURES, code, INTEGERS, INTEGERS, NUMBERS, NUMBERS], autograph=False
        )

    def _encode_style(self, style: tf.Tensor, size: tf.Tensor) -> dict[str, tf.Tensor]:
        """`size` is the (height, width) of the content to be painted."""
        style = to_float(guards.pictures("style", style, self._limits))
        size = guards.content_size(size, self._limits)
        sizes = self._stylizer.sizes(tf.stack([1, size[0], size[1], 3]))
        return {"style_code": self._code.encode(style, sizes)}

    def _start_function(self) -> Any:
        steps, seed, content_weight, style_weight = self._defaults

        def start(content, style, num_steps=steps, seed=seed, content_weight=content_weight,
                  style_weight=style_weight):  # fmt: skip
            content, style = self._pair(content, style)
            steps, seeds, weights = self._options(content, num_steps, seed, content_weight, style_weight)
            state = self._loop.start(content, [style], num_steps=steps, seeds=seeds)
            return self._states.to_tensors(state, weights)

        return tf.function(
            start, input_signature=[PICTURES, PICTURES, INTEGERS, INTEGERS, NUMBERS, NUMBERS], autograph=False
        )

    def _advance_function(self) -> Any:
        def advance(content: tf.Tensor, style: tf.Tensor, num_steps: tf.Tensor, state: dict[str, tf.Tensor]) -> dict:
            content, style = self._pair(content, style)
            budget = guards.scalar("num_steps", num_steps, 1, self._limits.max_steps)
            run, weights = self._states.from_tensors(state, content, self._stylizer, self._asked)
            run = self._loop.advance(content, self._from(style), run, budget=budget, weights=weights)
            return {
                **self._answer(content, run),
                **self._states.to_tensors(run, weights),
                "finished": self._loop.finished(content, run),
                "fraction": self._loop.fraction(content, run),
            }

        pictures = [
            tf.TensorSpec(spec.shape, spec.dtype, name)
            for name, spec in (("content", PICTURES), ("style", PICTURES), ("num_steps", INTEGERS))
        ]
        return tf.function(advance, input_signature=[*pictures, self._states.specs(self._stylizer)], autograph=False)

    # Shared ------------------------------------------------------------------------------------------------------

    def _pair(self, content: tf.Tensor, style: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        content = self._content(content)
        style = guards.pictures("style", style, self._limits)
        return content, to_float(guards.same_batch("style", style, tf.shape(content)[0]))

    def _options(
        self,
        content: tf.Tensor,
        num_steps: tf.Tensor,
        seed: tf.Tensor,
        content_weight: tf.Tensor,
        style_weight: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, dict[str, tf.Tensor]]:
        """Checked steps [B], seeds [B], and weights [B] by term."""
        batch = tf.shape(content)[0]
        known = {term.name for _, term in self._stylizer.optimization.objective.terms}
        weights = {
            # a term exported with weight 0 is not in the graph, so it can have no other weight
            "content": guards.weight("content_weight", content_weight, batch, "content" in known),
            "style": guards.weight("style_weight", style_weight, batch),
        }
        return (
            guards.num_steps(num_steps, batch, self._asked),
            guards.option("seed", seed, batch, 0, tf.int32.max),
            {name: weight for name, weight in weights.items() if name in known},
        )

    def _from(self, style: tf.Tensor) -> StyleTargets:
        return lambda scale, size: self._stylizer.style_targets([style], size)

    def _run(
        self,
        content: tf.Tensor,
        styles: list[tf.Tensor],
        style_targets: StyleTargets,
        num_steps: tf.Tensor | None = None,
        seeds: tf.Tensor | None = None,
        weights: dict[str, tf.Tensor] | None = None,
        codes: tf.Tensor | None = None,
    ) -> PyramidState:
        state = self._loop.start(content, styles, num_steps=num_steps, seeds=seeds, codes=codes)
        return self._loop.advance(content, style_targets, state, weights=weights)

    def _answer(self, content: tf.Tensor, state: PyramidState) -> dict[str, tf.Tensor]:
        """The picture so far, at the content's size, the losses and the steps."""
        picture = self._stylizer.picture(state.run, content)
        size = tf.shape(content)[1:3]
        picture = tf.cond(
            tf.reduce_all(tf.equal(tf.shape(picture)[1:3], size)),
            lambda: picture,
            lambda: tf.image.resize(picture, size, "bicubic"),
        )
        losses = {f"loss_{name}": loss for name, loss in state.run.losses.items()}
        return {"image": to_uint8(picture), "steps": state.steps, **losses}

    def _paint(self, content: tf.Tensor, style_file: tf.Tensor) -> tf.Tensor:
        style = self._style_picture(style_file)
        return self._stylizer.picture(self._run(content, [style], self._from(style)).run, content)
