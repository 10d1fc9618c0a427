"""The options of making a narrow backbone."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import BACKBONES, COMPUTE_DTYPES, ConfigError, check_option, option

_BLOCKS = 5
_LAYERS = tuple(
    f"block{block}_conv{number}"
    for block, depth in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))
    for number in range(1, depth + 1)
)


@dataclasses.dataclass(frozen=True)
class DistillConfig:
    """How a narrow backbone is made, without its files. See `tf-style distill --help`, which is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    teacher: str = option("vgg19", "the wide backbone", "backbones", BACKBONES[1:])
    weights: str = option("", "file of its weights (Keras's `notop` file); default: its own", "backbones")
    layers: tuple[str, ...] = option(_LAYERS, "layers of the teacher that the narrow one has too", "backbones")
    channels: tuple[int, ...] = option(
        (32, 64, 128, 256, 256),
        "channels, one number for each layer, or else for each of the five blocks",
        "backbones",
        minimum=1,
    )
    seed: int = option(0, "seed of crops and places; same seed, same pictures", "backbones", minimum=0)

    fit_pictures: int = option(256, "crops from which kernels are fitted, before training", "fit", minimum=1)
    num_steps: int = option(6000, "steps of training; 0: only fit", "training", minimum=0)
    batch_size: int = option(8, "crops a step", "training", minimum=1)
    crop_size: int = option(160, "side of the crops in pixels, a multiple of 16", "training", minimum=32)
    learning_rate: float = option(3e-4, "Adam's, falling to 0 along a cosine", "training", minimum=1e-7)
    warm_up_steps: int = option(100, "steps until the learning rate is reached", "training", minimum=0)
    average_decay: float = option(0.999, "decay of the running average of the weights", "training", minimum=0)
    noise: float = option(0.05, "largest deviation of the noise that is added to crops", "training", minimum=0)
    feature_weight: float = option(1.0, "weight of the features' errors, relative, all layers", "training", minimum=0)
    gram_weight: float = option(0.3, "weight of the Gram matrices' errors, relative, all layers", "training", minimum=0)
    layer_weights: tuple[float, ...] = option(
        (), "weights of the layers in both; default: equal", "training", minimum=0
    )
    compute_dtype: str = option(
        "auto",
        "type of the convolutions; auto: bfloat16 where there are matrix units for it",
        "training",
        COMPUTE_DTYPES,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        if not self.layers:
            raise ConfigError("layers is empty; name at least one, for example block1_conv1.")
        if len(self.channels) not in (_BLOCKS, len(self.layers)):
            raise ConfigError(
                f"{len(self.channels)} values came in channels for {len(self.layers)} layers; give one for each, or "
                f"{_BLOCKS}, one for each block."
            )
        if self.layer_weights and (len(self.layer_weights) != len(self.layers) or not any(self.layer_weights)):
            raise ConfigError(
                f"{len(self.layer_weights)} values came in layer_weights for {len(self.layers)} layers; give one for "
                "each, not all of them 0."
            )
        if self.crop_size % 16:
            raise ConfigError(f"crop_size must be a multiple of 16, but {self.crop_size} came.")
        if self.average_decay >= 1:
            raise ConfigError(f"average_decay must be at least 0 and below 1, but {self.average_decay:g} came.")
        if self.num_steps and not self.feature_weight + self.gram_weight:
            raise ConfigError("feature_weight and gram_weight are both 0; give at least one a positive value.")


@dataclasses.dataclass(frozen=True)
class DistillFiles:
    """The files of `tf-style distill`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    picture_dirs: tuple[str, ...] = option(
        (), "folders of pictures, or of TFRecords from tf-style prepare; a crop from each in turn", "files"
    )
    output_dir: str = option("", "where backbone.npz, checkpoints and TensorBoard's logs go", "files")
    leave_out: tuple[str, ...] = option((), "names of pictures, without suffix, to do without", "files")

    validation_pictures: int = option(
        8, "pictures of each folder kept from training, to measure with", "report", minimum=1
    )
    validate_every: int = option(500, "steps between two looks at them", "report", minimum=1)
    log_every: int = option(50, "steps between two values for TensorBoard", "report", minimum=1)
    checkpoint_minutes: float = option(5.0, "minutes between two checkpoints", "report", minimum=0)
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        missing = [f"--{name}" for name in ("picture_dirs", "output_dir") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{', '.join(missing)} must be given, as in tf-style distill --picture_dirs=photos,paintings "
                "--output_dir=my_backbone."
            )
