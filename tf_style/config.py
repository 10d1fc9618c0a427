"""Every option of a stylization and its default, written here and only here.

Flags, presets and the Python API derive from these fields. A preset overrides a default, a flag overrides both.
"""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

#: Presets whose name is not given.
DEFAULT_PRESET = "fine"

_STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")


class ConfigError(ValueError):
    """An option that does not exist or has a value that is not allowed; the message says what is."""


def option(default: Any, help: str, group: str, choices: tuple[str, ...] = (), minimum: float | None = None) -> Any:
    """A dataclass field that is an option: its default, and what `check_option`, flags and help need to know."""
    metadata = {"help": help, "group": group, "choices": choices, "minimum": minimum}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class StylizeConfig:
    """One stylization, without its files. See `tf-style stylize --help`, which is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    size: int = option(512, "long side of the result in pixels; 0: exactly the content's size", "picture", minimum=0)
    seed: int = option(0, "seed of the noise start; same seed and machine, same bytes", "picture", minimum=0)
    init: str = option("content", "what the optimisation starts from", "picture", ("content", "noise", "style"))
    style_scale: float = option(
        1.0, "long side of the style relative to the content's; smaller gives finer strokes", "picture", minimum=0.05
    )
    style_blend: tuple[float, ...] = option((), "share of each style image; default: equal", "picture", minimum=0)

    content_weight: float = option(1.0, "weight of the content loss", "objective", minimum=0)
    style_weight: float = option(20.0, "weight of the style loss", "objective", minimum=0)
    total_variation_weight: float = option(10.0, "weight of the smoothness of pixels", "objective", minimum=0)
    total_variation: str = option("l2", "differences of pixels, absolute or squared", "objective", ("l1", "l2"))
    style_statistic: str = option(
        "wasserstein", "what of the style's features is matched", "objective", ("gram", "mean_std", "wasserstein")
    )
    loss_normalization: str = option(
        "target", "divide each layer's loss by the size of its target, or not", "objective", ("target", "none")
    )
    content_layers: tuple[str, ...] = option(("block4_conv2",), "layers of the content loss", "objective")
    content_layer_weights: tuple[float, ...] = option((), "their weights; default: equal", "objective", minimum=0)
    style_layers: tuple[str, ...] = option(_STYLE_LAYERS, "layers of the style loss", "objective")
    style_layer_weights: tuple[float, ...] = option((), "their weights; default: equal", "objective", minimum=0)

    optimizer: str = option("adam", "how pixels are moved", "optimisation", ("adam", "lbfgs"))
    learning_rate: float = option(0.02, "Adam's step, white is 1", "optimisation", minimum=1e-6)
    num_steps: int = option(100, "steps at each scale", "optimisation", minimum=1)
    first_steps: int = option(0, "steps at the coarsest scale; 0: num_steps", "optimisation", minimum=0)
    min_size: int = option(128, "long side of the coarsest scale; 0: one scale only", "optimisation", minimum=0)
    scale_factor: float = option(1.4142135623730951, "ratio between scales", "optimisation", minimum=1.05)
    average_decay: float = option(0.97, "decay of the running average of iterates; 0: none", "optimisation", minimum=0)
    relative_tolerance: float = option(
        0.0, "stop when the loss changes by no more than this share in 50 steps", "optimisation", minimum=0
    )

    backbone: str = option(
        "auto",
        "network that compares pictures; auto: vgg19 where its weights are at hand, else compact_vgg19",
        "backbone",
        ("auto", "vgg19", "vgg16", "compact_vgg19"),
    )
    weights: str = option("", "file of the backbone's weights (Keras's `notop` file)", "backbone")
    pooling: str = option("max", "how the backbone halves its maps", "backbone", ("max", "average"))
    padding: str = option(
        "replicate", "what lies beyond the picture's edge at the first layer", "backbone", ("zero", "replicate")
    )
    compute_dtype: str = option(
        "auto",
        "type of the convolutions; auto: bfloat16 where there are matrix units for it",
        "backbone",
        ("auto", "float32", "bfloat16"),
    )
    jit_compile: bool = option(False, "compile each size's step with XLA: slow start, maybe faster steps", "backbone")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        for kind in ("content", "style"):
            layers, weights = getattr(self, f"{kind}_layers"), getattr(self, f"{kind}_layer_weights")
            if not layers:
                raise ConfigError(f"{kind}_layers is empty; name at least one layer, for example block4_conv2.")
            if weights and len(weights) != len(layers):
                raise ConfigError(
                    f"{len(weights)} values came in {kind}_layer_weights for {len(layers)} layers; give one for each."
                )
        if self.average_decay >= 1:
            raise ConfigError(f"average_decay must be at least 0 and below 1, but {self.average_decay:g} came.")
        if self.style_blend and sum(self.style_blend) <= 0:
            raise ConfigError("style_blend must have a positive sum; give at least one style a share above 0.")
        if not (self.content_weight or self.style_weight):
            raise ConfigError("content_weight and style_weight are both 0; give at least one a positive value.")

    def replace(self, **overrides: Any) -> StylizeConfig:
        """A copy with other values; strings are read as flags are. Other layers reset their weights to equal ones.

        Raises:
          ConfigError: An unknown option or a value that is not allowed.
        """
        fields = {field.name: field for field in dataclasses.fields(self)}
        values: dict[str, Any] = {}
        for name, value in overrides.items():
            if name not in fields:
                close = difflib.get_close_matches(name, fields, 1)
                hint = f" Did you mean {close[0]!r}?" if close else f" There are: {', '.join(fields)}."
                raise ConfigError(f"Unknown option {name!r}.{hint}")
            values[name] = fields[name].default if value is None else parse_value(fields[name], value)
        for kind in ("content", "style"):  # a preset's weights are those of its layers
            if f"{kind}_layers" in values:
                values.setdefault(f"{kind}_layer_weights", ())
        return dataclasses.replace(self, **values)


@dataclasses.dataclass(frozen=True)
class StylizeFiles:
    """The files of one run of `tf-style stylize`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content: str = option("", "the picture to paint (JPEG, PNG, WebP, TIFF, GIF, BMP)", "files")
    style: tuple[str, ...] = option((), "the painting, or several with commas between", "files")
    output: str = option("", "where the painting goes; the suffix decides the format", "files")
    bit_depth: int = option(8, "bits a channel of the output, 8 or 16 (PNG and TIFF)", "files", minimum=8)
    quality: int = option(95, "of JPEG and WebP, 1 to 100", "files", minimum=1)
    max_pixels: int = option(100_000_000, "refuse larger input pictures", "files", minimum=1)

    save_every: int = option(0, "write the picture so far to the output every N steps; 0: never", "report", minimum=0)
    figure: str = option("", "content, style, result and loss curves side by side, as a picture", "report")
    json: str = option("", "a record of the run: settings, versions, losses, seconds, memory", "report")
    tensorboard_dir: str = option("", "scalars of every term and pictures for TensorBoard", "report")
    checkpoint_dir: str = option("", "save the state here; the same command goes on from it", "report")
    checkpoint_seconds: float = option(30.0, "seconds between two saves of the state", "report", minimum=0)
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        if self.bit_depth not in (8, 16):
            raise ConfigError(f"bit_depth must be 8 or 16, but {self.bit_depth} came.")
        if self.quality > 100:
            raise ConfigError(f"quality must be 1 to 100, but {self.quality} came.")
        missing = [f"--{name}" for name in ("content", "style", "output") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{', '.join(missing)} must be given: tf-style stylize --content=photo.jpg --style=painting.jpg "
                f"--output=result.png"
            )


def parse_value(field: dataclasses.Field, value: Any) -> Any:
    """The value of an option from a flag's or a preset's text, or from Python's own types.

    Raises:
      ConfigError: It cannot be read as the option's type.
    """
    default: Any = field.default
    try:
        if isinstance(default, tuple):
            items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
            kind = str if str(field.type).startswith("tuple[str") else float
            return tuple(kind(item) for item in items)
        if isinstance(default, bool):
            return _parse_bool(value)
        if isinstance(default, int) and float(value) != int(float(value)):
            raise ValueError
        if isinstance(default, int):
            return int(float(value))
        return type(default)(value)
    except (KeyError, OverflowError, TypeError, ValueError):
        kinds = {tuple: "comma-separated values", bool: "true or false", int: "a whole number", float: "a number"}
        kind_name = kinds.get(type(default), "text")
        raise ConfigError(f"{field.name} must be {kind_name}, but {value!r} came.") from None


def _parse_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]


def check_option(field: dataclasses.Field, value: Any) -> None:
    """Raises ConfigError unless the value is among the option's choices and not below its minimum."""
    choices, minimum = field.metadata["choices"], field.metadata["minimum"]
    if choices and value not in choices:
        close = difflib.get_close_matches(str(value), choices, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"{field.name} must be one of {', '.join(choices)}, but {value!r} came.{hint}")
    if minimum is not None:
        for item in value if isinstance(value, tuple) else (value,):
            if not minimum <= item < float("inf"):  # false for NaN too
                raise ConfigError(f"{field.name} must be a finite number of at least {minimum:g}, but {item:g} came.")
