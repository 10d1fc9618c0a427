"""The options of `tf-style stylize`."""

from __future__ import annotations

import dataclasses
import difflib
from typing import Any, ClassVar

from tf_style.config.options import (
    STYLE_STATISTICS,
    ConfigError,
    Options,
    backbone_option,
    check_written,
    dtype_option,
    option,
    parse_value,
    size_option,
    weights_option,
)
from tf_style.config.palette import parse_palette
from tf_style.config.words import ClipOptions
from tf_style.controls import Controls, style_factor

#: Ways to match the colours of another picture.
COLOR_MATCHES = ("linear", "histogram")

#: Ways to keep colours.
PRESERVE_COLOR = ("none", "luminance", *COLOR_MATCHES)

#: The preset to use when none is named.
DEFAULT_PRESET = "fine"

#: File formats for the results of a folder.
FOLDER_FORMATS = ("png", "jpg", "webp", "avif", "tif", "tga")

#: Layers of the style loss.
STYLE_LAYERS = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")


@dataclasses.dataclass(frozen=True)
class StylizeConfig(ClipOptions):
    """How to paint, without the files. `tf-style stylize --help` is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    size: int | str = size_option(512, "long side of the result in pixels; 0: the content's own size")
    seed: int = option(0, "seed of the noise; same seed and machine, same bytes", "picture", minimum=0)
    init: str = option(
        "content",
        "what the optimisation starts from; network: what a network paints in one pass",
        "picture",
        ("content", "noise", "style", "network"),
    )
    init_network: str = option(
        "arbitrary", "the network for --init=network, one for any style: arbitrary, or a file or folder", "picture"
    )
    style_scale: float = option(
        1.0, "long side of the style relative to the content; smaller gives finer strokes", "picture", minimum=0.05
    )
    style_strength: float = option(
        1.0, "0: the content, 1: the full style, with even steps between, in every preset", "picture", minimum=0
    )
    style_blend: tuple[float, ...] = option((), "share of each style image; default: equal", "picture", minimum=0)
    preserve_color: str = option(
        "none",
        "keep the content's colours: take only lightness from the painting (luminance), or match the colours' mean and "
        "covariance (linear) or full distribution (histogram)",
        "picture",
        PRESERVE_COLOR,
    )
    color_stage: str = option(
        "auto",
        "when linear and histogram match colours: before (in the style images) or after (in the painting); auto: "
        "before, unless styles are named or served",
        "picture",
        ("auto", "before", "after"),
    )

    saturation: float = option(
        1.0, "strength of the result's colours: 0 is grey, 1 leaves them, at most 4", "picture", minimum=0
    )
    warmth: float = option(
        0.0, "the result's colours: from blue (-1) to yellow (1); 0 leaves them", "picture", minimum=-1
    )
    palette: tuple[str, ...] = option((), "colours (#1a2b3c,#fff,...) to limit the result to", "picture")
    palette_difference: float = option(5.0, "how far pixels may differ from them (CIEDE2000)", "picture", minimum=1)

    tileable: bool = option(
        False, "make the result repeat without a seam: opposite edges join up; sides become multiples of 16", "picture"
    )

    tile_size: int = option(
        0,
        "paint larger pictures in tiles of about this side, in the memory of one tile; 0: 1024 for pictures above "
        "2 million pixels",
        "picture",
        minimum=0,
    )

    network: str = option(
        "",
        "paint in one pass with a network: arbitrary, many_styles, or a file or folder from tf-style train; default: "
        "optimise",
        "network",
    )
    noise: float = option(
        1.0, "noise that a network for any style makes strokes of in flat grounds; 0: none", "network", minimum=0
    )

    content_weight: float = option(1.0, "weight of the content loss", "objective", minimum=0)
    style_weight: float = option(20.0, "weight of the style loss", "objective", minimum=0)
    total_variation_weight: float = option(10.0, "weight of smoothness between pixels", "objective", minimum=0)
    total_variation: str = option("l2", "pixel differences, absolute or squared", "objective", ("l1", "l2"))
    style_statistic: str = option(
        "wasserstein", "statistic of the style's features to match", "objective", STYLE_STATISTICS
    )
    loss_normalization: str = option(
        "target", "divide each layer's loss by the size of its target, or not", "objective", ("target", "none")
    )
    content_layers: tuple[str, ...] = option(("block4_conv2",), "layers of the content loss", "objective")
    content_layer_weights: tuple[float, ...] = option((), "their weights; default: equal", "objective", minimum=0)
    style_layers: tuple[str, ...] = option(STYLE_LAYERS, "layers of the style loss", "objective")
    style_layer_weights: tuple[float, ...] = option((), "their weights; default: equal", "objective", minimum=0)

    optimizer: str = option("adam", "optimiser for the pixels", "optimisation", ("adam", "lbfgs"))
    line_search: str = option(
        "hager_zhang",
        "how L-BFGS finds the length of a step: by a search, at about 3 evaluations a step, or none, at 1",
        "optimisation",
        ("hager_zhang", "none"),
    )
    learning_rate: float = option(0.02, "Adam's step size, where white is 1", "optimisation", minimum=1e-6)
    num_steps: int = option(100, "steps at each scale", "optimisation", minimum=1)
    first_steps: int = option(0, "steps at the coarsest scale; 0: num_steps", "optimisation", minimum=0)
    min_size: int = option(128, "long side of the coarsest scale; 0: one scale only", "optimisation", minimum=0)
    scale_factor: float = option(1.4142135623730951, "ratio between scales", "optimisation", minimum=1.05)
    average_decay: float = option(0.97, "decay of the running average of iterates; 0: none", "optimisation", minimum=0)
    relative_tolerance: float = option(
        0.0, "stop when the loss changes by no more than this share in 50 steps", "optimisation", minimum=0
    )

    keep_weight: float = option(
        20.0, "weight of the loss that keeps the region of --keep_mask recognizable", "objective", minimum=0
    )

    tile_steps: int = option(0, "steps at each scale painted in tiles; 0: num_steps", "optimisation", minimum=0)

    backbone: str = backbone_option()
    weights: str = weights_option()
    pooling: str = option("max", "how the backbone downsamples", "backbone", ("max", "average"))
    padding: str = option(
        "replicate",
        "what lies beyond the edges: zeros, or edge pixels repeated at the first layer (replicate) or at every layer "
        "(replicate_all)",
        "backbone",
        ("zero", "replicate", "replicate_all"),
    )
    compute_dtype: str = dtype_option()
    jit_compile: bool | str = option(
        "auto",
        "compile the step for each size with XLA: slow to start, faster steps; auto: on GPUs",
        "backbone",
        switch=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for kind in ("content", "style"):
            layers = getattr(self, f"{kind}_layers")
            if not layers:
                raise ConfigError(f"{kind}_layers is empty; name at least one layer, for example block4_conv2.")
            self._check_layer_weights(f"{kind}_layer_weights", layers)
        self._check_decay()
        self._check_share("style_strength")
        try:
            Controls(saturation=self.saturation, warmth=self.warmth)
        except ValueError as error:
            raise ConfigError(str(error)) from None
        if self.style_blend and sum(self.style_blend) <= 0:
            raise ConfigError("style_blend must have a positive sum; give at least one style a share above 0.")
        if parse_palette(self.palette) and self.preserve_color != "none":
            raise ConfigError(
                f"palette and preserve_color={self.preserve_color} cannot be combined; leave one of them out."
            )
        if not (self.content_weight or self.scaled_style_weight or self.network):
            raise ConfigError(
                "content_weight and style_weight (times style_strength) are both 0; give at least one a positive value."
            )

    @property
    def scaled_style_weight(self) -> float:
        """The style loss's weight at this `style_strength`."""
        return self.style_weight * style_factor(self.style_strength)

    @property
    def needs_style(self) -> bool:
        """False if nothing looks at a style, as in a painting that only words guide."""
        return bool(self.network or self.scaled_style_weight or self.init in ("network", "style"))

    @property
    def side_multiple(self) -> int:
        """The sides of the result are multiples of this many pixels."""
        return 16 if self.tileable else 1

    @property
    def matches_colors(self) -> bool:
        """True if colours are matched to another picture's."""
        return self.preserve_color in COLOR_MATCHES

    def replace(self, **overrides: Any) -> StylizeConfig:
        """A copy with other values; strings are read like flags. New layers reset their weights to equal ones.

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
        for kind in ("content", "style"):  # a preset's weights belong to its own layers
            if f"{kind}_layers" in values:
                values.setdefault(f"{kind}_layer_weights", ())
        return dataclasses.replace(self, **values)


@dataclasses.dataclass(frozen=True)
class StylizeFiles(Options):
    """The files of one run of `tf-style stylize`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    _needed: ClassVar[tuple[str, ...]] = ("content", "style", "output")

    content: str = option("", "the picture to paint, or a folder of pictures", "files")
    style: tuple[str, ...] = option((), "the painting, several separated by commas, or a folder of them", "files")
    output: str = option("", "where to write the painting; its suffix sets the format; for a folder, a folder", "files")
    color_from: str = option(
        "", "match the colours of this picture, not the content's (--preserve_color=linear or histogram)", "files"
    )
    content_mask: str = option(
        "", "grey picture with the content's aspect: white is painted, black stays untouched", "masks"
    )
    style_masks: tuple[str, ...] = option(
        (), "one per style, laid over the content: white is where the style goes; elsewhere the content stays", "masks"
    )
    keep_mask: str = option("", "white is what stays recognizable, such as faces and text (see --keep_weight)", "masks")
    feather: float = option(
        0.01, "width of the soft inner edge of painted regions, as a share of the long side", "masks", minimum=0
    )

    bit_depth: int = option(8, "bits per channel of the output, 8 or 16 (PNG and TIFF)", "files", minimum=8)
    quality: int = option(95, "JPEG, WebP and AVIF quality, 1 to 100", "files", minimum=1)
    max_pixels: int = option(100_000_000, "refuse input pictures with more pixels", "files", minimum=1)

    manifest: str = option(
        "", "a list of pictures (CSV or JSONL: content, style, output, options), instead of --content", "folder"
    )
    skip_existing: bool = option(False, "skip pictures whose result exists; use it to resume a stopped run", "folder")
    batch_size: int = option(4, "how many pictures of one size to paint together", "folder", minimum=1)
    format: str = option("png", "file format of the results", "folder", FOLDER_FORMATS)
    devices: tuple[str, ...] = option(
        (), "GPUs that share the work, a process each, such as 0,1; or cpu; default: the first GPU", "folder"
    )

    save_every: int = option(0, "write the picture so far to --output every N steps; 0: never", "report", minimum=0)
    figure: str = option("", "write a picture of content, style, result and loss curves side by side", "report")
    json: str = option("", "write a record of the run: settings, versions, losses, seconds, memory", "report")
    tensorboard_dir: str = option("", "write every term's loss, and pictures, for TensorBoard", "report")
    checkpoint_dir: str = option("", "save the state here; repeat the same command to resume", "report")
    checkpoint_seconds: float = option(30.0, "seconds between two saves of the state", "report", minimum=0)
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_written(self.bit_depth, self.quality)
        for device in self.devices:
            if device != "cpu" and not device.isdecimal():
                raise ConfigError(f"devices are GPUs counted from 0, or cpu, such as 0,1, but {device!r} was given.")
        self._check_feather()
        self._require(
            ("output",) if self.manifest else self._needed,
            "tf-style stylize --content=photo.jpg --style=painting.jpg --output=result.png",
        )


@dataclasses.dataclass(frozen=True)
class FilesWithoutStyle(StylizeFiles):
    """`StylizeFiles` of a run that words guide, which needs no style."""

    _needed: ClassVar[tuple[str, ...]] = ("content", "output")
