"""The options of training a feed-forward network."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import BACKBONES, COMPUTE_DTYPES, STYLE_STATISTICS, ConfigError, check_option, option
from tf_style.config.stylize import STYLE_LAYERS


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How a network is trained, without its files. See `tf-style train --help`, which is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    network: str = option(
        "arbitrary",
        "what to train: a network for any style, or for named ones",
        "network",
        ("arbitrary", "many_styles"),
    )
    seed: int = option(0, "seed of weights, order and crops; same seed, same pictures", "network", minimum=0)

    num_steps: int = option(20_000, "steps of training", "training", minimum=1)
    batch_size: int = option(8, "pictures a step", "training", minimum=1)
    neutral_share: float = option(
        0.25, "share of pictures that are to stay as they are, so that style_strength works", "training", minimum=0
    )
    crop_size: int = option(160, "side of the crops in pixels, a multiple of 8", "training", minimum=32)
    style_size: int = option(384, "long side of named styles in pixels (many_styles)", "training", minimum=32)
    learning_rate: float = option(1e-3, "Adam's, falling to 0 along a cosine", "training", minimum=1e-7)
    warm_up_steps: int = option(200, "steps until the learning rate is reached", "training", minimum=0)
    average_decay: float = option(0.999, "decay of the running average of the weights", "training", minimum=0)
    gradient_norm: float = option(10.0, "longer gradients are shortened to this", "training", minimum=1e-6)

    content_weight: float = option(6.0, "weight of the content loss", "objective", minimum=0)
    style_weight: float = option(10.0, "weight of the style loss", "objective", minimum=0)
    reconstruction_weight: float = option(
        10.0, "weight of the pixels of neutral pictures, and of a teacher's", "objective", minimum=0
    )
    color_weight: float = option(
        0.0,
        "weight of the colours, an eighth in size, of the photo or of a teacher's painting",
        "objective",
        minimum=0,
    )
    total_variation_weight: float = option(1.0, "weight of the smoothness of pixels", "objective", minimum=0)
    style_statistics: tuple[str, ...] = option(
        ("gram", "mean_std"),
        "what of the style's features is matched",
        "objective",
        STYLE_STATISTICS,
    )
    content_layers: tuple[str, ...] = option(("block4_conv2",), "layers of the content loss", "objective")
    style_layers: tuple[str, ...] = option(STYLE_LAYERS, "layers of the style loss", "objective")
    style_layer_weights: tuple[float, ...] = option((), "their weights; default: equal", "objective", minimum=0)

    backbone: str = option(
        "compact_vgg19",
        "network that compares pictures; auto: vgg19 where its weights are at hand",
        "backbone",
        BACKBONES,
    )
    weights: str = option("", "file of the backbone's weights (Keras's `notop` file)", "backbone")
    compute_dtype: str = option(
        "auto",
        "type of the convolutions; auto: bfloat16 where there are matrix units for it",
        "backbone",
        COMPUTE_DTYPES,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        if not self.style_statistics:
            raise ConfigError("style_statistics is empty; name at least one, for example gram.")
        if not any(getattr(self, field.name) for field in dataclasses.fields(self) if field.name.endswith("_weight")):
            raise ConfigError("All weights of losses are 0; give at least one a positive value.")
        if self.crop_size % 8:
            raise ConfigError(f"crop_size must be a multiple of 8, but {self.crop_size} came.")
        if self.neutral_share > 0.5:
            raise ConfigError(f"neutral_share must be 0 to 0.5, but {self.neutral_share:g} came.")
        if self.average_decay >= 1:
            raise ConfigError(f"average_decay must be at least 0 and below 1, but {self.average_decay:g} came.")
        if self.style_layer_weights and len(self.style_layer_weights) != len(self.style_layers):
            raise ConfigError(
                f"{len(self.style_layer_weights)} values came in style_layer_weights for {len(self.style_layers)} "
                "layers; give one for each."
            )


@dataclasses.dataclass(frozen=True)
class TrainFiles:
    """The files of `tf-style train`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content_dir: str = option("", "folder of photos, or of TFRecords from tf-style prepare", "files")
    style_dir: str = option(
        "", "folder of paintings, or of TFRecords; many_styles: its pictures are the styles", "files"
    )
    output_dir: str = option("", "where network.npz, checkpoints and TensorBoard's logs go", "files")
    init_from: str = option("", "a network to start from: the name of an embedded one, or a path", "files")
    encoder: str = option(
        "",
        "weights of the frozen encoder, a file of tf-style distill (arbitrary); default: those of --init_from, whose "
        "channels it must have too, or the embedded ones",
        "files",
    )
    teacher: str = option(
        "", "a network for any style, embedded or a path, whose paintings many_styles is to match", "files"
    )
    leave_out: tuple[str, ...] = option((), "names of pictures, without suffix, to train without", "files")

    validation_pairs: int = option(4, "pictures and styles kept from training, to look at", "report", minimum=0)
    validate_every: int = option(500, "steps between two looks at them", "report", minimum=1)
    log_every: int = option(50, "steps between two values for TensorBoard", "report", minimum=1)
    checkpoint_minutes: float = option(5.0, "minutes between two checkpoints", "report", minimum=0)
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        missing = [f"--{name}" for name in ("content_dir", "style_dir", "output_dir") if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"{', '.join(missing)} must be given: tf-style train --content_dir=photos --style_dir=paintings "
                "--output_dir=my_network"
            )
