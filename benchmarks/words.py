"""Words: how often questions and names find the right paintings of the package's style library.

  python -m benchmarks.words

The questions are those of tests/words/queries.csv, written by someone who had not seen the captions. The record goes to
benchmarks/WORDS.md.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import record
from benchmarks.record import ROOT, table
from tf_style.words.catalog import Entry
from tf_style.words.library import StyleLibrary

QUESTIONS = ROOT / "tests" / "words" / "queries.csv"


class Answer(NamedTuple):
    """A question, the number it shares with another way to ask the same, its right styles, and what was found."""

    question: str
    pair: str
    right: list[str]
    found: list[str]


def answers(library: StyleLibrary) -> list[Answer]:
    """The first three pictures for each question, best first."""
    with QUESTIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        Answer(
            row["query"], row["pair"], row["answers"].split("|"), [one.style for one in library.search(row["query"])]
        )
        for row in rows
    ]


def agreements(found: Sequence[Answer]) -> list[bool]:
    """Of each two ways to ask the same, whether the first picture of each is among the first three of the other."""
    pairs = defaultdict(list)
    for answer in found:
        if answer.pair:
            pairs[answer.pair].append(answer.found)
    return [one[0] in other and other[0] in one for one, other in pairs.values()]


def name_ranks(entries: Sequence[Entry]) -> dict[str, list[float]]:
    """Where painters' pictures stand when a search names the painter, 0 first and 1 last, by what the library knows."""
    names = defaultdict(list)
    for entry in entries:
        names[entry.artist].append(entry.style)
    nameless = [entry._replace(title="", artist="") for entry in entries]
    one_nameless = [
        rank
        for place, entry in enumerate(entries)
        if len(names[entry.artist]) > 1
        for rank in _ranks([*entries[:place], nameless[place], *entries[place + 1 :]], {entry.artist: [entry.style]})
    ]
    return {
        "all that it knows": _ranks(entries, names),
        "descriptions, without titles and names": _ranks(nameless, names),
        "one picture without title and name, the painter's others with them": one_nameless,
    }


def _ranks(entries: Sequence[Entry], names: Mapping[str, Sequence[str]]) -> list[float]:
    library = StyleLibrary(entries)
    places = []
    for artist, styles in names.items():
        order = [one.style for one in library.search(artist, len(entries))]
        places += [order.index(style) / (len(order) - 1) for style in styles]
    return places


def main(argv: Sequence[str] | None = None) -> None:
    arguments = record.parser(__doc__, "WORDS.md").parse_args(argv)
    library = StyleLibrary.open()
    found = answers(library)
    first = [answer.found[0] in answer.right for answer in found]
    among = [any(style in answer.right for style in answer.found) for answer in found]
    agree = agreements(found)
    bars = [
        ["T1 the first picture is right", "at least .65", f"{sum(first)} of {len(first)}, {np.mean(first):.3f}"],
        ["T1 one of the first three is right", "at least .85", f"{sum(among)} of {len(among)}, {np.mean(among):.3f}"],
        ["T1 two ways to ask the same agree", "all", f"{sum(agree)} of {len(agree)}"],
    ]
    for known, ranks in name_ranks(library.entries).items():
        bars.append([f"T2 rank by a painter's name: {known}", "at most .25", f"{np.mean(ranks):.3f} ({len(ranks)})"])
    wrong = [[answer.question, ", ".join(answer.found)] for answer, hit in zip(found, first, strict=True) if not hit]
    record.write(
        arguments.output,
        "Words",
        "words",
        f"{len(library.entries)} paintings. Ranks are means over pictures, 0 first and 1 last; by chance they are .5. "
        "T3, that words paint what the printed flags paint, is in tests/words/test_command.py; T4, of CLIP, in "
        "tests/encoders.",
        table(["bar", "allowed", "measured"], bars),
        "Questions whose first picture is not right:",
        table(["question", "found"], wrong),
    )


if __name__ == "__main__":
    main()
