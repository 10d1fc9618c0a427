"""`tf-style video`: paint a film in the style of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tf_style.cli import flags
from tf_style.cli.painting.profile import replace_profile
from tf_style.cli.painting.words import replace_words
from tf_style.config import ProfileOptions, StylizeConfig, VideoFiles
from tf_style.jobs.run import places

_USAGE = (
    "usage: tf-style video --content=clip.mp4 --style=painting.jpg --output=painted.mp4 [--flag=value ...]\n"
    "       tf-style video clip.mp4 painting.jpg [painted.mp4] [--flag=value ...]\n"
    "       tf-style video photo.jpg painting.jpg --audio=song.mp3 --react=pulse [--flag=value ...]\n\n"
    "Without --output the film goes beside the content, as clip-painting.mp4. Sound and subtitles are copied.\n"
    "GIF, WebP, PNG and numbered pictures (a folder, or frames/%05d.png) may stand for films, and with a song a\n"
    "single picture.\n"
    "With --shots_output alone, only the shots are found and written."
)
#: The preset of films.
PRESET = "instant"
#: Options of single pictures.
_WITHOUT = ("tileable", "tile_size", "tile_steps")
FLAGS = flags.Flags(
    (VideoFiles, ProfileOptions, StylizeConfig),
    {"preset": flags.PRESET["preset"].replace("[fine]", f"[{PRESET}]")},
    _WITHOUT,
    positional=("content", "style", "output"),
    first=(
        "content", "style", "style_text", "output", "start", "end", "fps", "size", "network", "style_strength",
        "preserve_color", "consistency", "shots", "audio", "react", "codec", "crf",
    ),
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    from tf_style.video import ANIMATIONS, CONTAINERS, is_pattern

    given = flags.parse("video", FLAGS, argv)
    given.setdefault("preset", PRESET)
    use_words(given)
    content, styles, shots = given.get("content", ""), given.get("style", ()), given.get("shots", "auto")
    if not styles and _lists_shots(given):
        styles = (shots,)  # the film is named after
    if content and styles:
        suffix = Path(content).suffix.lower()
        kept = CONTAINERS if given.get("audio") else (*CONTAINERS, *ANIMATIONS)  # animations have no sound
        suffix = suffix if suffix in kept else ".mp4"
        if is_pattern(content):
            content, suffix = str(Path(content).parent), ".mp4"
        given.setdefault("output", places.default_output(given, content, *styles, suffix=suffix.removeprefix(".")))
    config, files, preset, _ = flags.stylization(given, VideoFiles)
    from tf_style.jobs.film.run import run

    return run(config, files, preset)


def use_words(given: dict[str, Any]) -> None:
    """Replaces `--style_text` and `--profile`; a file of shots looks for its own styles."""
    if not _lists_shots(given):
        replace_words(given)
    replace_profile(given, with_styles=not _lists_shots(given))


def _lists_shots(given: dict[str, Any]) -> bool:
    return given.get("shots", "auto") not in ("auto", "none")
