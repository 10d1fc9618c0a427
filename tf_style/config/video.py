"""The options of films (`tf-style video`), beside those of each picture."""

from __future__ import annotations

import dataclasses

from tf_style.config.options import ConfigError, Options, option, size_option
from tf_style.config.words import any_option, style_library_option, style_text_option

FLOWS = ("dis_medium", "dis_fast", "dis_fast_half", "farneback")
_MOST_FPS = 1000
_SLOWEST, _FASTEST = 20, 400  # beats a minute
VIDEO_CODECS = ("auto", "h264", "h265", "av1", "vp9", "prores", "ffv1")


@dataclasses.dataclass(frozen=True)
class VideoFiles(Options):
    """The film of one run of `tf-style video`, how it moves, and how it is written. Every field is a flag.

    Raises:
      ConfigError: A value that is not allowed.
    """

    content: str = option(
        "", "the film to paint, numbered pictures (a folder, or frames/%05d.png), or with --audio a single picture",
        "files",
    )  # fmt: skip
    style: tuple[str, ...] = option((), "the painting, or several separated by commas", "files")
    output: str = option(
        "", "where to write the painted film: .mp4, .mov, .mkv, .webm; .gif, .webp, .png, .apng; or frames/%05d.png",
        "files",
    )  # fmt: skip
    size: int | str = size_option(
        0, "long side of the painted film in pixels; 0: the film's own, of a single picture the preset's", "files"
    )
    start: float = option(0.0, "begin at this second", "files", minimum=0)
    end: float = option(0.0, "end before this second; 0: at the end", "files", minimum=0)
    fps: float = option(
        0.0, "paint so many frames a second, never more than there are; 0: all. Pictures: show so many; 0: 25",
        "files", minimum=0,
    )  # fmt: skip
    tonemap: bool = option(False, "convert HDR (PQ, HLG) to SDR, instead of refusing it", "files")
    max_pixels: int = option(100_000_000, "refuse pictures with more pixels", "files", minimum=1)

    style_text: str = style_text_option()
    style_library: str = style_library_option()
    any: bool = any_option()

    color_from: str = option(
        "", "match the colours of this picture, not the film's (--preserve_color=linear or histogram)", "files"
    )
    content_mask: str = option(
        "", "grey picture or film with the content's aspect: white is painted, black stays untouched", "masks"
    )
    style_masks: tuple[str, ...] = option(
        (), "one per style, a picture or a film: white is where the style goes; elsewhere the film stays", "masks"
    )
    keep_mask: str = option("", "white is what stays recognizable, such as faces and text (see --keep_weight)", "masks")
    feather: float = option(
        0.01, "width of the soft inner edge of painted regions, as a share of the long side", "masks", minimum=0
    )

    consistency: float = option(
        0.5, "how closely each frame follows the one before, moved along: 0 (each is painted alone) to 1", "motion",
        minimum=0,
    )  # fmt: skip
    lags: tuple[int, ...] = option(
        (1,), "presets that optimise keep a frame close to those so many frames back, such as 1,2,4", "motion",
        minimum=1,
    )  # fmt: skip
    flow: str = option("dis_medium", "how motion is found", "motion", FLOWS)
    shots: str = option(
        "auto", "where to begin anew: at cuts (auto), nowhere (none), or where a file says, which may name styles, too",
        "motion",
    )  # fmt: skip

    audio: str = option(
        "", "the sound of the painted film, which --react listens to: a song or another film; default: the film's own",
        "sound",
    )  # fmt: skip
    react: str = option(
        "", "let sound drive the painting: calm, pulse, sections, or rows such as onset:blend:.35,loudness:strength:.3",
        "sound",
    )  # fmt: skip
    bpm: float = option(0.0, "beats a minute, for reactions to beats; 0: they are found", "sound", minimum=0)
    schedule: str = option(
        "", "a CSV file that says what to paint with when: seconds,style_strength,share_1,share_2 and so on", "sound"
    )
    allow_flashes: bool = option(
        False, "do not soften flashes, which could cause seizures, in films with --react or --schedule", "sound"
    )

    codec: str = option("auto", "how the film is compressed; auto: h264, in WebM vp9", "film", VIDEO_CODECS)
    crf: int = option(-1, "quality; smaller is better and larger; -1: hardly any loss", "film", minimum=-1)

    shots_output: str = option(
        "", "write the shots that are found to this file, for --shots; without --style, paint nothing", "report"
    )
    schedule_output: str = option("", "write what --react decides to this file, to edit it for --schedule", "report")
    react_figure: str = option("", "draw what is heard and what it drives: .png, .svg, .pdf", "report")
    preview: str = option("", "write the latest frame here now and then, as PNG or JPEG", "report")
    json: str = option("", "write a record of the run: settings, versions, seconds, memory", "report")
    quiet: bool = option(False, "print errors only", "report")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_share("consistency")
        self._check_feather()
        if self.fps > _MOST_FPS:
            raise ConfigError(f"fps must be at most {_MOST_FPS}, but {self.fps:g} was given.")
        if self.end and self.end <= self.start:
            raise ConfigError(f"end must be after start={self.start:g}, but {self.end:g} was given.")
        if self.shots_output and self.shots != "auto":
            raise ConfigError(
                f"shots_output needs shots=auto, but shots={self.shots} was given; leave one of them out."
            )
        self._check_sound()
        if self.style and self.style_text:
            raise ConfigError(f"style={','.join(self.style)} and style_text were both given; leave one of them out.")
        needed = ("content", "output") if self.lists_shots or self.style_text else ("content", "style", "output")
        self._require(
            needed[: 1 if self.only_finds_shots else None],
            "tf-style video --content=clip.mp4 --style=painting.jpg --output=painted.mp4",
        )

    def _check_sound(self) -> None:
        if self.react and self.schedule:
            raise ConfigError("react and schedule both say what to paint with; leave one of them out.")
        for name in ("bpm", "schedule_output", "react_figure"):
            if getattr(self, name) and not self.react:
                raise ConfigError(f"{name} is for films that react to sound; give react as well, such as react=pulse.")
        if self.bpm and not _SLOWEST <= self.bpm <= _FASTEST:
            raise ConfigError(f"bpm must be {_SLOWEST} to {_FASTEST}, or 0 to find it, but is {self.bpm:g}.")
        if self.allow_flashes and not (self.react or self.schedule):
            raise ConfigError("allow_flashes is for films with react or schedule; give one of them as well.")

    @property
    def lists_shots(self) -> bool:
        """Whether `shots` is a file."""
        return self.shots not in ("auto", "none")

    @property
    def only_finds_shots(self) -> bool:
        """Whether nothing is painted."""
        return bool(self.shots_output) and not (self.style or self.style_text or self.output)
