"""The options of a stylization and of its files."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any

from tf_style.config.options import (
    BACKBONES,
    COMPUTE_DTYPES,
    STYLE_STATISTICS,
    ConfigError,
    check_option,
    check_written,
    option,
    parse_value,
)
from tf_style.config.palette import parse_palette

#: Ways to match the colours of any picture.
COLOR_MATCHES = ("linear", "histogram")

#: Ways to keep colours.
PRESERVE_COLOR = ("none", "luminance", *COLOR_MATCHES)

#: Presets whose name is not given.
DEFAULT_PRESET = "fine"

#: Suffixes of the results of a folder.
FOLDER_FORMATS = ("png", "jpg", "webp", "tif", "tga")

#: Layers of the style loss.
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")


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
    style_strength: float = option(
        1.0, "0: the content, 1: the whole style, and evenly between, for every preset", "picture", minimum=0
    )
    style_blend: tuple[float, ...] = option((), "share of each style image; default: equal", "picture", minimum=0)
    preserve_color: str = option(
        "none",
        "keep the content's colours: take only lightness from the painting (luminance), or match the colours' mean and "
        "covariance (linear), or their whole distribution (histogram)",
        "picture",
        PRESERVE_COLOR,
    )
    color_stage: str = option(
        "auto",
        "when linear and histogram match: before, the style pictures, or after, the painting; auto: before, unless "
        "styles are named or served",
        "picture",
        ("auto", "before", "after"),
    )

    palette: tuple[str, ...] = option(
        (), "colours (#1a2b3c,#fff,...) that the result keeps to, each pixel to one of them", "picture"
    )
    palette_difference: float = option(5.0, "how far from them, CIEDE2000", "picture", minimum=1)

    tileable: bool = option(
        False,
        "the result repeats without a seam: its edges go on at the opposite ones; sides in steps of 16",
        "picture",
    )

    network: str = option(
        "",
        "paint in one pass with a network: arbitrary, or the file or folder of tf-style train; default: optimise",
        "network",
    )

    content_weight: float = option(1.0, "weight of the content loss", "objective", minimum=0)
    style_weight: float = option(20.0, "weight of the style loss", "objective", minimum=0)
    total_variation_weight: float = option(10.0, "weight of the smoothness of pixels", "objective", minimum=0)
    total_variation: str = option("l2", "differences of pixels, absolute or squared", "objective", ("l1", "l2"))
    style_statistic: str = option(
        "wasserstein", "what of the style's features is matched", "objective", STYLE_STATISTICS
    )
    loss_normalization: str = option(
        "target", "divide each layer's loss by the size of its target, or not", "objective", ("target", "none")
    )
    content_layers: tuple[str, ...] = option(("block4_conv2",), "layers of the content loss", "objective")
    content_layer_weights: tuple[float, ...] = option((), "their weights; default: equal", "objective", minimum=0)
    style_layers: tuple[str, ...] = option(STYLE_LAYERS, "layers of the style loss", "objective")
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

    keep_weight: float = option(
        20.0, "weight of the loss that keeps what a --keep_mask shows recognizable", "objective", minimum=0
    )

    tile_size: int = option(
        0,
        "paint larger pictures in tiles of about this side, by the statistics of the whole, in the memory of one; 0: "
        "1024 for those above 2 million pixels",
        "optimisation",
        minimum=0,
    )
    tile_steps: int = option(0, "steps at each scale that is painted in tiles; 0: num_steps", "optimisation", minimum=0)

    backbone: str = option(
        "auto",
        "network that compares pictures; auto: vgg19 where its weights are at hand, else compact_vgg19",
        "backbone",
        BACKBONES,
    )
    weights: str = option("", "file of the backbone's weights (Keras's `notop` file)", "backbone")
    pooling: str = option("max", "how the backbone halves its maps", "backbone", ("max", "average"))
    padding: str = option(
        "replicate",
        "what lies beyond the edge; replicate: its last pixels at the first layer, replicate_all: at every layer",
        "backbone",
        ("zero", "replicate", "replicate_all"),
    )
    compute_dtype: str = option(
        "auto",
        "type of the convolutions; auto: bfloat16 where there are matrix units for it",
        "backbone",
        COMPUTE_DTYPES,
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
        if parse_palette(self.palette) and self.preserve_color != "none":
            raise ConfigError(
                f"palette and preserve_color={self.preserve_color} came, but a picture has one kind of colors; leave "
                "one of them out."
            )
        if self.style_strength > 1:
            raise ConfigError(f"style_strength must be 0 to 1, but {self.style_strength:g} came.")
        if not (self.content_weight or self.scaled_style_weight or self.network):
            raise ConfigError(
                "content_weight and style_weight (times style_strength) are both 0; give at least one a positive value."
            )

    @property
    def scaled_style_weight(self) -> float:
        """The style loss's weight at this `style_strength`: three powers of ten down to almost nothing, and 0 at 0.

        So the style's distance falls evenly with the strength, through every preset.
        """
        return self.style_weight * 1000.0 ** (self.style_strength - 1.0) if self.style_strength else 0.0

    @property
    def side_multiple(self) -> int:
        """Of which the sides of the result are, in pixels."""
        return 16 if self.tileable else 1

    @property
    def matches_colors(self) -> bool:
        """Whether the colours of some picture are matched."""
        return self.preserve_color in COLOR_MATCHES

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

    content: str = option("", "the picture to paint (JPEG, PNG, WebP, TIFF, GIF, BMP, TGA), or a folder", "files")
    style: tuple[str, ...] = option((), "the painting, or several with commas between", "files")
    output: str = option("", "where the painting goes; the suffix decides the format; a folder for a folder", "files")
    color_from: str = option(
        "",
        "a picture whose colours are matched instead of the content's (--preserve_color=linear or histogram)",
        "files",
    )
    content_mask: str = option(
        "", "a grey picture in the content's aspect: white is painted, black stays as it is, to the byte", "masks"
    )
    style_masks: tuple[str, ...] = option(
        (), "one for each style, over the content: white is where it goes; where none goes, the content stays", "masks"
    )
    keep_mask: str = option("", "white is what stays recognizable, such as faces and text (see --keep_weight)", "masks")
    feather: float = option(
        0.01, "width of the soft edges of painted regions, inwards, as a share of the long side", "masks", minimum=0
    )

    bit_depth: int = option(8, "bits a channel of the output, 8 or 16 (PNG and TIFF)", "files", minimum=8)
    quality: int = option(95, "of JPEG and WebP, 1 to 100", "files", minimum=1)
    max_pixels: int = option(100_000_000, "refuse larger input pictures", "files", minimum=1)

    manifest: str = option(
        "", "a list of pictures (CSV or JSONL: content, style, output, options), instead of --content", "folder"
    )
    skip_existing: bool = option(False, "leave out pictures whose result exists: so a stopped run goes on", "folder")
    batch_size: int = option(4, "pictures of one size that are painted together", "folder", minimum=1)
    format: str = option("png", "suffix of the results", "folder", FOLDER_FORMATS)

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
        check_written(self.bit_depth, self.quality)
        if self.feather > 0.5:
            raise ConfigError(f"feather must be 0 to 0.5 of the long side, but {self.feather:g} came.")
        needed = ("output",) if self.manifest else ("content", "style", "output")
        missing = [f"--{name}" for name in needed if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{', '.join(missing)} must be given: tf-style stylize --content=photo.jpg --style=painting.jpg "
                f"--output=result.png"
            )
