"""`tf-style beam`: a manifest or a film on one machine or many, as an Apache Beam pipeline."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

from tf_style.cli import flags
from tf_style.cli.painting import video
from tf_style.cli.painting.profile import replace_profile
from tf_style.config import ConfigError, ProfileOptions, StylizeConfig, StylizeFiles, VideoFiles

_USAGE = (
    "usage: tf-style beam --manifest=jobs.csv --output=paintings [--flag=value ...] [-- --runner=FlinkRunner ...]\n"
    "       tf-style beam --content=clip.mp4 --style=painting.jpg --output=painted.mp4 [--flag=value ...] [-- ...]\n\n"
    "Paints the rows of a manifest like tf-style stylize --manifest, but as an Apache Beam pipeline. Arguments after\n"
    "-- go to Beam (see docs/embedding.md). Pictures that exist are skipped, so you can restart a stopped job.\n"
    "With --content a film is painted like by tf-style video, whose flags hold then (tf-style video --help): workers\n"
    "paint its shots. A repeated command paints only what is missing (see docs/film.md)."
)
#: Flags that mean nothing in a pipeline.
_WITHOUT = (
    "content", "json", "quiet", "skip_existing", "devices",
    *(field.name for field in dataclasses.fields(StylizeFiles) if field.metadata["group"] == "masks"),
    "figure", "save_every", "checkpoint_dir", "checkpoint_seconds", "tensorboard_dir",
)  # fmt: skip
_FILM_WITHOUT = ("json", "quiet", "preview", "tileable", "tile_size", "tile_steps")
#: Options of films that need the frames before, over cuts too.
_IN_ORDER = ("audio", "react", "bpm", "schedule", "schedule_output", "react_figure", "allow_flashes")
_LIST = flags.Flags((StylizeFiles, ProfileOptions, StylizeConfig), flags.PRESET, _WITHOUT, first=flags.PAINTING_FIRST)
_FILM = flags.Flags((VideoFiles, ProfileOptions, StylizeConfig), flags.PRESET, _FILM_WITHOUT)
_ALL = {field.name: field for known in (_LIST, _FILM) for field in known.fields}
FLAGS = flags.Flags(
    (VideoFiles, StylizeFiles, ProfileOptions, StylizeConfig),
    flags.PRESET,
    tuple({*_WITHOUT, *_FILM_WITHOUT} - set(_ALL)),
    first=flags.PAINTING_FIRST,
)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, _LIST, argv))
        return 0
    own, for_beam = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    given = flags.parse("beam", FLAGS, own)
    is_film = bool(given.get("content"))
    _check(given, is_film=is_film)
    if is_film:
        given.setdefault("preset", video.PRESET)
        video.use_words(given)
        config, files, _, options = flags.stylization(given, VideoFiles)
    else:
        flags.require(given, ("manifest", "output"), "tf-style beam --manifest=jobs.csv --output=paintings")
        replace_profile(given)
        config, files, _, options = flags.stylization(given)
    if importlib.util.find_spec("apache_beam") is None:
        raise ConfigError("Apache Beam is not installed; run pip install 'tf-style[beam]'.")
    from tf_style.jobs.run.quiet import quiet_tensorflow

    with quiet_tensorflow():  # Beam too prints notices at import
        from tf_style.jobs.beam import film, run
    return film.run(config, files, for_beam) if is_film else run.run(config, files, options, for_beam)


def _check(given: dict[str, Any], *, is_film: bool) -> None:
    """Raises ConfigError for a flag of lists beside a film, or the other way round."""
    known = {"preset", *(field.name for field in (_FILM if is_film else _LIST).fields)}
    for name in given:
        if name not in known and is_film:
            raise ConfigError(f"--{name} is for lists of pictures, but --content is a film; leave one of them out.")
        if name not in known:
            raise ConfigError(f"--{name} is for films, but no --content was given; leave --{name} out, or give a film.")
        if name in _IN_ORDER:
            raise ConfigError(
                f"--{name} is for tf-style video, which paints all frames in their order; use that instead."
            )
    if is_film:
        example = "tf-style beam --content=clip.mp4 --style=painting.jpg --output=painted.mp4"
        flags.require(given, ("output",), example)
