"""The options of training: of networks (`tf-style train`) and of narrow backbones (`tf-style distill`)."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import (
    BACKBONES,
    STYLE_STATISTICS,
    ConfigError,
    Options,
    backbone_option,
    dtype_option,
    option,
    weights_option,
)
from tf_style.config.stylize import STYLE_LAYERS

TRANSPORT_LAYERS = ("block3_conv1", "block4_conv1", "block5_conv1")

_BLOCKS = 5
_LAYERS = tuple(
    f"block{block}_conv{number}"
    for block, depth in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))
    for number in range(1, depth + 1)
)


@dataclasses.dataclass(frozen=True)
class TrainConfig(Options):
    """How to train a network, without the files. `tf-style train --help` is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    network: str = option(
        "arbitrary", "train a network for any style, or one for named styles", "network", ("arbitrary", "many_styles")
    )
    seed: int = option(0, "seed of weights, order and crops; same seed, same pictures", "network", minimum=0)

    num_steps: int = option(20_000, "training steps", "training", minimum=1)
    batch_size: int = option(8, "pictures per step", "training", minimum=1)
    neutral_share: float = option(
        0.1, "share of pictures that must stay unchanged, so that style_strength works", "training", minimum=0
    )
    crop_size: int = option(160, "side of the crops in pixels, a multiple of 8", "training", minimum=32)
    style_size: int = option(384, "long side of named styles in pixels (many_styles)", "training", minimum=32)
    learning_rate: float = option(1e-3, "Adam's learning rate; it falls to 0 along a cosine", "training", minimum=1e-7)
    warm_up_steps: int = option(200, "steps until the learning rate is reached", "training", minimum=0)
    average_decay: float = option(0.999, "decay of the running average of the weights", "training", minimum=0)
    gradient_norm: float = option(5.0, "clip gradients to this norm", "training", minimum=1e-6)

    content_weight: float = option(1.0, "weight of the content loss", "objective", minimum=0)
    content_start: float = option(
        3.0, "factor of the content loss at first; it falls to 1 in the first 40 % of the steps", "objective", minimum=0
    )
    style_weight: float = option(10.0, "weight of the style loss", "objective", minimum=0)
    transport_weight: float = option(
        4.0, "weight of the relaxed transport between features of places, both ways", "objective", minimum=0
    )
    color_transport_weight: float = option(8.0, "weight of the same between colours", "objective", minimum=0)
    reconstruction_weight: float = option(
        20.0, "weight of the pixel loss, for unchanged pictures and a teacher's", "objective", minimum=0
    )
    color_weight: float = option(
        0.0,
        "weight of the colour loss against the photo or a teacher's painting, at an eighth of the size",
        "objective",
        minimum=0,
    )
    total_variation_weight: float = option(2.0, "weight of smoothness between pixels", "objective", minimum=0)
    stability_weight: float = option(
        0.0, "weight of paintings that follow motion and ignore grain, for film (many_styles)", "objective", minimum=0
    )
    style_statistics: tuple[str, ...] = option(
        ("gram", "mean_std"), "statistics of the style's features to match", "objective", STYLE_STATISTICS
    )
    content_layers: tuple[str, ...] = option(
        ("block4_conv2", "block3_conv1"), "layers of the content loss", "objective"
    )
    content_layer_weights: tuple[float, ...] = option(
        (), "their weights; default: 1, and 0.25 for block3_conv1", "objective", minimum=0
    )
    style_layers: tuple[str, ...] = option(STYLE_LAYERS, "layers of the style loss", "objective")
    style_layer_weights: tuple[float, ...] = option((), "their weights; default: equal", "objective", minimum=0)
    transport_layers: tuple[str, ...] = option(TRANSPORT_LAYERS, "layers of the transport", "objective")

    backbone: str = backbone_option("compact_vgg19")
    weights: str = weights_option()
    compute_dtype: str = dtype_option()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.style_statistics:
            raise ConfigError("style_statistics is empty; name at least one, for example gram.")
        if not any(getattr(self, field.name) for field in dataclasses.fields(self) if field.name.endswith("_weight")):
            raise ConfigError("All loss weights are 0; give at least one a positive value.")
        if self.stability_weight and self.network != "many_styles":
            raise ConfigError("--stability_weight is for --network=many_styles; leave it out.")
        if self.crop_size % 8:
            raise ConfigError(f"crop_size must be a multiple of 8, but {self.crop_size} was given.")
        if self.neutral_share > 0.5:
            raise ConfigError(f"neutral_share must be 0 to 0.5, but {self.neutral_share:g} was given.")
        self._check_decay()
        self._check_layer_weights("content_layer_weights", self.content_layers)
        self._check_layer_weights("style_layer_weights", self.style_layers)


@dataclasses.dataclass(frozen=True)
class DistillConfig(Options):
    """How to make a narrow backbone, without the files. `tf-style distill --help` is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    teacher: str = option("vgg19", "the wide backbone", "backbones", BACKBONES[1:])
    weights: str = option("", "weights file for the teacher (Keras's `notop` file); default: its own", "backbones")
    layers: tuple[str, ...] = option(_LAYERS, "layers of the teacher to reproduce", "backbones")
    channels: tuple[int, ...] = option(
        (32, 64, 128, 256, 256), "channels, one number per layer or one per block (five)", "backbones", minimum=1
    )
    seed: int = option(0, "seed of crops and positions; same seed, same pictures", "backbones", minimum=0)

    fit_pictures: int = option(256, "crops used to fit the kernels before training", "fit", minimum=1)
    num_steps: int = option(6000, "training steps; 0: only fit", "training", minimum=0)
    batch_size: int = option(8, "crops per step", "training", minimum=1)
    crop_size: int = option(160, "side of the crops in pixels, a multiple of 16", "training", minimum=32)
    learning_rate: float = option(3e-4, "Adam's learning rate; it falls to 0 along a cosine", "training", minimum=1e-7)
    warm_up_steps: int = option(100, "steps until the learning rate is reached", "training", minimum=0)
    average_decay: float = option(0.999, "decay of the running average of the weights", "training", minimum=0)
    noise: float = option(0.05, "largest standard deviation of the noise added to crops", "training", minimum=0)
    feature_weight: float = option(1.0, "weight of the relative errors of features, all layers", "training", minimum=0)
    gram_weight: float = option(
        0.3, "weight of the relative errors of Gram matrices, all layers", "training", minimum=0
    )
    layer_weights: tuple[float, ...] = option((), "weight per layer in both; default: equal", "training", minimum=0)
    compute_dtype: str = dtype_option("training")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.layers:
            raise ConfigError("layers is empty; name at least one, for example block1_conv1.")
        if len(self.channels) not in (_BLOCKS, len(self.layers)):
            raise ConfigError(
                f"channels has {len(self.channels)} values for {len(self.layers)} layers; give one for each, or "
                f"{_BLOCKS}, one for each block."
            )
        self._check_layer_weights("layer_weights", self.layers)
        if self.layer_weights and not any(self.layer_weights):
            raise ConfigError("layer_weights are all 0; give at least one layer a positive weight.")
        if self.crop_size % 16:
            raise ConfigError(f"crop_size must be a multiple of 16, but {self.crop_size} was given.")
        self._check_decay()
        if self.num_steps and not self.feature_weight + self.gram_weight:
            raise ConfigError("feature_weight and gram_weight are both 0; give at least one a positive value.")


@dataclasses.dataclass(frozen=True)
class _TrainingFiles(Options):
    """The options that both commands share."""

    output_dir: str = option("", "where to write the result, checkpoints and TensorBoard logs", "files")
    leave_out: tuple[str, ...] = option((), "names of pictures, without suffix, to leave out", "files")

    validate_every: int = option(500, "steps between two validations", "report", minimum=1)
    log_every: int = option(50, "steps between two values for TensorBoard", "report", minimum=1)
    checkpoint_minutes: float = option(5.0, "minutes between two checkpoints", "report", minimum=0)
    quiet: bool = option(False, "print errors only", "report")


@dataclasses.dataclass(frozen=True)
class TrainFiles(_TrainingFiles):
    """The files of `tf-style train`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content_dir: str = option("", "folder of photos, or of TFRecords from tf-style prepare", "files")
    style_dir: str = option(
        "", "folder of paintings, or of TFRecords; for many_styles, its pictures are the styles", "files"
    )
    init_from: str = option("", "network to start from: the name of an embedded one, or a path", "files")
    encoder: str = option(
        "",
        "weights of the frozen encoder, a file from tf-style distill (arbitrary); default: those of --init_from, whose "
        "channels must be the same, or the embedded ones",
        "files",
    )
    teacher: str = option(
        "", "network for any style whose paintings many_styles learns from: an embedded one, or a path", "files"
    )
    validation_pairs: int = option(4, "pairs of photo and style held out for validation", "report", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(
            ("content_dir", "style_dir", "output_dir"),
            "tf-style train --content_dir=photos --style_dir=paintings --output_dir=my_network",
        )


@dataclasses.dataclass(frozen=True)
class DistillFiles(_TrainingFiles):
    """The files of `tf-style distill`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    picture_dirs: tuple[str, ...] = option(
        (), "folders of pictures, or of TFRecords from tf-style prepare; crops come from each in turn", "files"
    )
    validation_pictures: int = option(8, "pictures of each folder held out for validation", "report", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(
            ("picture_dirs", "output_dir"),
            "tf-style distill --picture_dirs=photos,paintings --output_dir=my_backbone",
        )
