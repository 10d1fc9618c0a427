"""The controls of paintings and films, and the options that they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from tf_style.config import StylizeConfig, VideoFiles
from tf_style.presets import preset_config

_FIRST_PRESET = "instant"
_PRESETS = [("Instant", "instant"), ("Draft", "draft"), ("Fine", "fine"), ("Finest", "finest")]
_COLORS = [
    ("Those of the painting", "none"),
    ("Those of the photo, painted lightness", "luminance"),
    ("Those of the photo, in the painting's contrasts", "histogram"),
]
_REACTIONS = [("No", ""), ("Calmly", "calm"), ("With its pulse", "pulse"), ("By its sections", "sections")]
_FILM_SIZE = 640


class Controls:
    """Components by the name of the option that each stands for; `preset` is one of them."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    @property
    def components(self) -> list[Any]:
        """Gradio's components."""
        return list(self.by_name.values())

    def read(self, values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        """The preset, and the options, from the components' values."""
        options = {name: value for name, value in zip(self.by_name, values, strict=True) if value not in (None, "")}
        return options.pop("preset", _FIRST_PRESET), options

    def updates(self, options: Mapping[str, Any], preset: str = "") -> dict[Any, Any]:
        """What the components should show.

        Args:
          options: Those that change.
          preset: The preset, if it changes; all other components then show its values.
        """
        values = dict(options)
        if preset:
            base = preset_config(preset)
            values = {name: getattr(base, name, None) for name in self.by_name} | {"preset": preset} | values
        return {part: _showing(part, values[name]) for name, part in self.by_name.items() if name in values}

    def _slider(self, name: str, label: str, least: float, most: float, step: float = 0.05, **given: Any) -> None:
        value = given.get("value", getattr(StylizeConfig(), name, None))
        self.by_name[name] = gr.Slider(least, most, value=value, step=step, label=label)

    def _colors_and_strokes(self) -> None:
        with gr.Accordion("Colours and strokes", open=False):
            self.by_name["preserve_color"] = gr.Dropdown(_COLORS, value="none", label="Colours")
            self._slider("saturation", "Saturation", 0, 2)
            self._slider("warmth", "Warmth", -1, 1)
            self._slider("style_scale", "Size of strokes", 0.25, 2)
            self.by_name["seed"] = gr.Number(value=0, precision=0, minimum=0, label="Seed")


def _showing(part: Any, value: Any) -> Any:
    """An update of a component; a slider ends at a value beyond its end, such as the size of a print."""
    if isinstance(part, gr.Slider) and value is not None:
        return gr.update(value=value, maximum=max(part.maximum, value))
    return gr.update(value=value)


class PictureControls(Controls):
    """Those of a picture.

    Args:
      served: The options that a model server takes; None: this machine paints.
    """

    def __init__(self, served: Sequence[str] | None = None) -> None:
        super().__init__()
        if served is None:
            self.by_name["preset"] = gr.Radio(_PRESETS, value=_FIRST_PRESET, label="Quality")
        self._slider("size", "Size: long side in pixels", 128, 2048, 32)
        if served is None or "style_strength" in served:
            self._slider("style_strength", "Strength", 0, 1)
        if served is None:
            self._colors_and_strokes()


class FilmControls(Controls):
    """Those of a film."""

    def __init__(self) -> None:
        super().__init__()
        self.by_name["preset"] = gr.Radio(_PRESETS[:2], value=_FIRST_PRESET, label="Quality")
        self._slider("size", "Size: long side in pixels", 128, 1920, 32, value=_FILM_SIZE)
        self._slider("style_strength", "Strength", 0, 1)
        self.by_name["react"] = gr.Dropdown(_REACTIONS, value="", label="Let the sound drive the painting")
        self._slider("consistency", "Steadiness from frame to frame", 0, 1, value=VideoFiles.consistency)
        self._colors_and_strokes()
