"""The options of `tf-style evaluate`."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import COMPUTE_DTYPES, ConfigError, Options, backbone_option, option, weights_option

#: Layers of the content distance.
CONTENT_LAYERS = ("block4_conv2",)

_LISTS = ("content", "style", "painting")
_EXAMPLE = "tf-style evaluate --content=photo.jpg --style=painting.jpg --painting=result.png"


@dataclasses.dataclass(frozen=True)
class EvaluateConfig(Options):
    """How to measure paintings, without the files. `tf-style evaluate --help` is made from these fields.

    Raises:
      ConfigError: A value that is not allowed.
    """

    size: int = option(512, "long side in pixels at which to compare pictures", "picture", minimum=32)

    backbone: str = backbone_option()
    weights: str = weights_option()
    compute_dtype: str = option(
        "float32",
        "type for convolutions; float32 gives the same numbers on every machine, up to rounding",
        "backbone",
        COMPUTE_DTYPES,
    )


@dataclasses.dataclass(frozen=True)
class EvaluateFiles(Options):
    """The files of `tf-style evaluate`, and how it reports. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed, or lists that do not pair up.
    """

    content: tuple[str, ...] = option((), "the photo of each painting, or one for all", "files")
    style: tuple[str, ...] = option((), "the style image of each painting, or one for all", "files")
    painting: tuple[str, ...] = option((), "the paintings to measure, made by any method", "files")
    pairs: str = option(
        "", "instead: a CSV file with the columns content, style, painting; paths are relative to it", "files"
    )
    video: bool = option(False, "content and paintings are films: measure how calm they are as well", "files")
    max_pixels: int = option(100_000_000, "refuse input pictures with more pixels", "files", minimum=1)

    json: str = option("", "write all numbers, for each layer as well, with settings and versions", "report")
    quiet: bool = option(False, "print only the table and errors", "report")

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [f"--{name}" for name in _LISTS if getattr(self, name)]
        if self.pairs and given:
            raise ConfigError(f"--pairs cannot be combined with {', '.join(given)}; give either the file or the lists.")
        if not self.pairs:
            self._check_lists([f"--{name}" for name in _LISTS if f"--{name}" not in given])

    def _check_lists(self, missing: list[str]) -> None:
        if missing:
            raise ConfigError(f"{', '.join(missing)} must be given (or --pairs=FILE): {_EXAMPLE}")
        count = len(self.painting)
        for name in ("content", "style"):
            found = len(getattr(self, name))
            if found not in (1, count):
                raise ConfigError(
                    f"--{name} has {found} pictures for {_paintings(count)} in --painting; give one for all, or "
                    "one for each in the same order."
                )


def _paintings(count: int) -> str:
    return "1 painting" if count == 1 else f"{count} paintings"
