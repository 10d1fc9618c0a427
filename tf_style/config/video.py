"""The options of films (`tf-style video`), beside those of each picture."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import ConfigError, Options, option, size_option

FLOWS = ("dis_medium", "dis_fast", "farneback")
_MOST_FPS = 1000
VIDEO_CODECS = ("auto", "h264", "h265", "av1", "vp9", "prores", "ffv1")


@dataclasses.dataclass(frozen=True)
class VideoFiles(Options):
    """The film of one run of `tf-style video`, how it moves, and how it is written. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content: str = option("", "the film to paint, or numbered pictures: a folder, or frames/%05d.png", "files")
    style: tuple[str, ...] = option((), "the painting, or several separated by commas", "files")
    output: str = option(
        "", "where to write the painted film: .mp4, .mov, .mkv, .webm; .gif, .webp, .png, .apng; or frames/%05d.png",
        "files",
    )  # fmt: skip
    size: int = size_option(0, "long side of the painted film in pixels; 0: the film's own", "files")
    start: float = option(0.0, "begin at this second", "files", minimum=0)
    end: float = option(0.0, "end before this second; 0: at the end", "files", minimum=0)
    fps: float = option(
        0.0, "paint so many frames a second, never more than there are; 0: all. Numbered pictures: show so many; 0: 25",
        "files", minimum=0,
    )  # fmt: skip
    tonemap: bool = option(False, "convert HDR (PQ, HLG) to SDR, instead of refusing it", "files")
    max_pixels: int = option(100_000_000, "refuse pictures with more pixels", "files", minimum=1)

    consistency: float = option(
        0.5, "how closely each frame follows the one before, moved along: 0 (each is painted alone) to 1", "motion",
        minimum=0,
    )  # fmt: skip
    lags: tuple[int, ...] = option(
        (1,), "presets that optimise keep a frame close to those so many frames back, such as 1,2,4", "motion",
        minimum=1,
    )  # fmt: skip
    flow: str = option("dis_medium", "how motion is found", "motion", FLOWS)
    shots: str = option("auto", "where to begin anew: at cuts (auto), or nowhere (none)", "motion", ("auto", "none"))

    codec: str = option("auto", "how the film is compressed; auto: h264, in WebM vp9", "film", VIDEO_CODECS)
    crf: int = option(-1, "quality; smaller is better and larger; -1: hardly any loss", "film", minimum=-1)

    preview: str = option("", "write the latest frame here now and then, as PNG or JPEG", "report")
    json: str = option("", "write a record of the run: settings, versions, seconds, memory", "report")
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_share("consistency")
        if self.fps > _MOST_FPS:
            raise ConfigError(f"fps must be at most {_MOST_FPS}, but {self.fps:g} was given.")
        if self.end and self.end <= self.start:
            raise ConfigError(f"end must be after start={self.start:g}, but {self.end:g} was given.")
        self._require(
            ("content", "style", "output"),
            "tf-style video --content=clip.mp4 --style=painting.jpg --output=painted.mp4",
        )
