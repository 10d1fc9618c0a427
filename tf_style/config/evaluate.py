"""The options of measuring paintings."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import BACKBONES, COMPUTE_DTYPES, ConfigError, check_option, option

#: Layers of the content distance.
CONTENT_LAYERS = ("block4_conv2",)

_LISTS = ("content", "style", "painting")
_EXAMPLE = "tf-style evaluate --content=photo.jpg --style=painting.jpg --painting=result.png"


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
    """How paintings are measured, without their files. See `tf-style evaluate --help`, made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    size: int = option(512, "long side in pixels at which pictures are compared", "picture", minimum=32)

    backbone: str = option(
        "auto",
        "network that compares pictures; auto: vgg19 where its weights are at hand, else compact_vgg19",
        "backbone",
        BACKBONES,
    )
    weights: str = option("", "file of the backbone's weights (Keras's `notop` file)", "backbone")
    compute_dtype: str = option(
        "float32",
        "type of the convolutions; float32 gives the same numbers on every machine, but for rounding",
        "backbone",
        COMPUTE_DTYPES,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))


@dataclasses.dataclass(frozen=True)
class EvaluateFiles:
    """The files of `tf-style evaluate`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed, or lists that do not pair up.
    """

    content: tuple[str, ...] = option((), "the photo of each painting; one serves for all", "files")
    style: tuple[str, ...] = option((), "the style image of each painting; one serves for all", "files")
    painting: tuple[str, ...] = option((), "the paintings to measure, made by any method", "files")
    pairs: str = option(
        "", "instead of the three: a CSV file with the columns content, style, painting; paths from its folder", "files"
    )
    max_pixels: int = option(100_000_000, "refuse larger pictures", "files", minimum=1)

    json: str = option("", "all numbers, also for each layer, with settings and versions", "report")
    quiet: bool = option(False, "print the table and errors only", "report")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            check_option(field, getattr(self, field.name))
        given = [f"--{name}" for name in _LISTS if getattr(self, name)]
        if self.pairs and given:
            raise ConfigError(f"--pairs came together with {', '.join(given)}; give either the file or the lists.")
        if not self.pairs:
            self._check_lists([f"--{name}" for name in _LISTS if f"--{name}" not in given])

    def _check_lists(self, missing: list[str]) -> None:
        if missing:
            raise ConfigError(f"{', '.join(missing)} must be given (or --pairs=FILE): {_EXAMPLE}")
        count = len(self.painting)
        for name in ("content", "style"):
            came = len(getattr(self, name))
            if came not in (1, count):
                raise ConfigError(
                    f"{came} pictures came in --{name} for {_paintings(count)} in --painting; give one for all, or one "
                    "for each in the same order."
                )


def _paintings(count: int) -> str:
    return "1 painting" if count == 1 else f"{count} paintings"
