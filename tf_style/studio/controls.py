"""The controls of a painting, and the options that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from tf_style.config import StylizeConfig
from tf_style.presets import preset_config

_FIRST_PRESET = "instant"
_PRESETS = [
    ("Instant", "instant"),
    ("Draft", "draft"),
    ("Fine", "fine"),
    ("Finest", "finest"),
    ("Gatys 2016", "gatys2016"),
]
_COLORS = [
    ("From the painting", "none"),
    ("From the photo", "luminance"),
    ("From the photo, matched in the painting", "histogram"),
]
_OWN_SIZE = "size"


class Controls:
    """Sliders and choices.

    Args:
      served: The options that a model server takes; None: this machine paints.
    """

    def __init__(self, served: Sequence[str] | None = None) -> None:
        self._made: dict[str, Any] = {}
        if served is None:
            self._made["preset"] = gr.Radio(
                _PRESETS, value=_FIRST_PRESET, label="How", info="Instant takes a second; Fine and Finest look better."
            )
        self._slider("size", "Size", 128, 2048, 32, "Long side in pixels.")
        if served is None or "style_strength" in served:
            self._slider("style_strength", "Strength", 0, 1, 0.05, "0 is the photo.")
        if served is not None:
            return
        with gr.Accordion("Colours and strokes", open=False):
            self._made["preserve_color"] = gr.Dropdown(_COLORS, value="none", label="Colours")
            self._slider("saturation", "Saturation", 0, 2, 0.05)
            self._slider("warmth", "Warmth", -1, 1, 0.05)
            self._slider("style_scale", "Strokes", 0.25, 2, 0.05, "Size of strokes; smaller is finer.")
            self._made["seed"] = gr.Number(value=0, precision=0, minimum=0, label="Seed")

    @property
    def components(self) -> list[Any]:
        """Gradio's components."""
        return list(self._made.values())

    def read(self, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        """The preset, and the options, from the components' values."""
        options = dict(zip(self._made, values, strict=True))
        return options.pop("preset", _FIRST_PRESET), {name: value for name, value in options.items() if value is not None}

    def updates(self, options: Mapping[str, Any], preset: str = "", *, all_of_them: bool = False) -> list[Any]:
        """What the components should show.

        Args:
          options: Those that change.
          preset: The preset, if it changes.
          all_of_them: Whether the others show the preset's values.
        """
        base = preset_config(preset or _FIRST_PRESET)
        values = {"preset": preset, **options} if preset else dict(options)
        if all_of_them:
            values = {**{name: getattr(base, name) for name in self._made if name != "preset"}, **values}
        return [gr.update(value=values[name]) if name in values else gr.skip() for name in self._made]

    def _slider(self, name: str, label: str, least: float, most: float, step: float, info: str | None = None) -> None:
        value = getattr(StylizeConfig(), name)
        self._made[name] = gr.Slider(least, most, value=value, step=step, label=label, info=info)
