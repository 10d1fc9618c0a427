"""`tf-style library`: list the style library, search it by words, show it on a sheet."""

from __future__ import annotations

from collections.abc import Sequence

from tf_style.cli import flags
from tf_style.config import LibraryOptions

_USAGE = (
    "usage: tf-style library [WORDS ...] [--sheet=FILE] [--style_library=DIR] [--count=N]\n\n"
    "Lists the paintings of the style library: name, title, artist, year. With words, those that come nearest:\n"
    "similarity, share, name, title, artist, and what is said about them. --style=library:NAME paints in that style."
)
FLAGS = flags.Flags((LibraryOptions,), rest="search")


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status. Raises ValueErrors meant for people."""
    if flags.asks_for_help(argv):
        print(flags.help_text(_USAGE, FLAGS, argv))
        return 0
    options: LibraryOptions = flags.take(LibraryOptions, flags.parse("library", FLAGS, argv))
    from tf_style.images import check_output_path
    from tf_style.words.catalog import read_library
    from tf_style.words.library import StyleLibrary

    if options.sheet:
        check_output_path(options.sheet)
    if options.search:
        found = StyleLibrary.open(options.style_library).search(options.search, options.count)
        pictures = [(one.path, one.style) for one in found]
        rows: list[tuple[str, ...]] = [
            (f"{one.similarity:.2f}", f"{one.share:.2f}", one.style, _titled(one.title, one.artist), one.caption)
            for one in found
        ]
    else:
        entries = read_library(options.style_library)
        pictures = [(entry.path, entry.style) for entry in entries]
        rows = [(entry.style, entry.title, entry.artist, entry.year) for entry in entries]
    _print_table(rows)
    if options.sheet:
        from tf_style.words.sheet import write_sheet

        write_sheet(options.sheet, pictures)
    return 0


def _titled(title: str, artist: str) -> str:
    return f"{title}, {artist}" if artist else title


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
