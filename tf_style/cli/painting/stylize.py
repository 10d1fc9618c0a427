"""`tf-style stylize`: paint one picture, or many, in the style of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tf_style.cli import flags
from tf_style.cli.painting.profile import replace_profile
from tf_style.cli.painting.words import replace_words
from tf_style.config import FilesWithoutStyle, ProfileOptions, StylizeConfig, StylizeFiles, WordsOptions
from tf_style.jobs.run import places

_USAGE = (
    "usage: tf-style stylize --content=photo.jpg --style=painting.jpg --output=result.png [--flag=value ...]\n"
    "       tf-style stylize photo.jpg painting.jpg [result.png] [--flag=value ...]\n\n"
    "Without --output the painting goes beside the content, as photo-painting.png. - is standard input or output."
)
FLAGS = flags.Flags(
    (StylizeFiles, WordsOptions, ProfileOptions, StylizeConfig),
    flags.PRESET,
    positional=("content", "style", "output"),
    first=("content", "style", "style_text", *flags.PAINTING_FIRST[2:]),
)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    given = flags.parse("stylize", FLAGS, argv)
    replace_words(given)
    replace_profile(given)
    content, styles = given.get("content", ""), given.get("style", ())
    folders = [path for path in (content, *styles) if Path(path).is_dir()]
    named = styles or filter(None, [given.get("clip_text")])
    if content and (parts := tuple(named)) and not folders and "manifest" not in given:
        given.setdefault("output", places.default_output(given, content, *parts))
    with places.standard_streams(given):
        return _run(given)


def _run(given: dict[str, Any]) -> int:
    kind = StylizeFiles if "clip_text" not in given else FilesWithoutStyle
    config, files, preset, names = flags.stylization(given, kind)
    if files.manifest:
        from tf_style.jobs.folder import catalogue

        return catalogue.run(config, files, preset, names)
    if any(Path(style).is_dir() for style in files.style):
        from tf_style.jobs.folder import catalogue

        return catalogue.run_pairs(config, files, preset)
    if Path(files.content).is_dir():
        from tf_style.jobs.folder.run import run
    else:
        from tf_style.jobs.picture.run import run  # loads TensorFlow only after checking its inputs
    return run(config, files, preset)
