"""Seconds until our picture is as good as PyTorch's, from start to file.

  python -m benchmarks.time_to_picture --content=a.jpg,b.jpg --style=c.jpg,d.jpg --weights=vgg19_notop.h5

PyTorch paints each pair by the usual recipe (L-BFGS through VGG-19, `benchmarks/peer_pytorch.py`). Ours are commands
from `COMMANDS`, quickest first, until one is at least as near to the style and to the content, by VGG-19, as `tf-style
evaluate` measures. Seconds are those of whole processes. The record goes to benchmarks/TIME.md, a sheet of photo,
painting, PyTorch's picture and ours to docs/pictures.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import record
from benchmarks.painting_quality import DISTANCES, measure
from benchmarks.pictures import add_pairs, blank, pairs_of, picture, write_sheet
from benchmarks.record import ROOT, table

#: What ours shares with the judge: VGG-19 and Gram matrices. PyTorch's objective is not relative to the pictures, so it
#: weighs the content differently for each; hence two weights here.
_GRAM = ["--preset=draft", "--backbone=vgg19", "--style_statistic=gram", "--style_weight=20"]
#: Ours, by increasing cost.
COMMANDS: dict[str, list[str]] = {
    "instant": ["--preset=instant"],
    "draft": ["--preset=draft"],
    **{
        f"VGG-19, Gram, {steps} steps, content weight {weight}": [
            *_GRAM, f"--num_steps={steps}", f"--content_weight={weight}"
        ]
        for steps in (20, 40, 80)
        for weight in (1, 4)
    },
}  # fmt: skip
_CELL = 240  # of the sheet


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints, judges, writes the record and the sheet."""
    parser = record.parser(__doc__, "TIME.md")
    add_pairs(parser, styles_each=1)
    record.add_vgg19(parser)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--evaluations", type=int, default=400, help="of the peer")
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter with PyTorch, h5py and Pillow")
    parser.add_argument("--sheet", type=Path, default=ROOT / "docs" / "pictures" / "time_to_picture.jpg")
    args = parser.parse_args(arguments)
    if not Path(args.weights).is_file():
        parser.error(f"There are no VGG-19 weights at {args.weights!r}; give Keras's notop file with --weights.")
    rows, groups, ratios = [], [], []
    for pair in pairs_of(args.content, args.style, args.styles_each):
        content, style = map(os.path.abspath, pair)
        inputs = [f"--content={content}", f"--style={style}", f"--size={args.size}"]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            theirs, mine = folder / "peer.png", folder / "ours.png"
            seconds, _ = record.measure(
                "benchmarks.peer_pytorch",
                *inputs,
                f"--weights={args.weights}",
                f"--evaluations={args.evaluations}",
                f"--picture={theirs}",
                python=args.peer_python,
            )
            goal = measure([pair], [theirs], args.weights, args.size, folder)[0]
            rows.append([*(Path(path).stem for path in pair), "PyTorch", f"{seconds:.0f}", *_cells(goal), ""])
            for command, options in COMMANDS.items():
                options = [*options, f"--weights={args.weights}"] if "--backbone=vgg19" in options else options
                own = record.call("tf_style.cli.main", "stylize", *inputs, *options, "--quiet", f"--output={mine}")
                found = measure([pair], [mine], args.weights, args.size, folder)[0]
                reached = all(found[distance] <= goal[distance] for distance in DISTANCES)
                times = f"{seconds / own:.1f}" if reached else "not as good"
                rows.append(["", "", command, f"{own:.0f}", *_cells(found), times])
                print(rows[-1], flush=True)
                if reached:
                    break
            ratios.append(seconds / own if reached else 0.0)
            groups.append([picture(path, args.size) for path in (*pair, theirs)])
            groups[-1].append(picture(mine, args.size) if reached else blank(args.size))
    write_sheet(args.sheet, groups, _CELL)
    record.write(
        args.output,
        "Time to a picture",
        "time_to_picture",
        f"{len(groups)} pairs at {args.size} px. PyTorch: {args.evaluations} evaluations of L-BFGS through VGG-19. "
        "Distances are those of `tf-style evaluate` through VGG-19. Ours is as good in both on "
        f"{sum(ratio > 0.0 for ratio in ratios)} of {len(groups)} pairs, and in the median "
        f"{statistics.median(ratios):.1f} times sooner (0: not as good).",
        table(["content", "style", "", "seconds", "style distance", "content distance", "times sooner"], rows),
        f"![Photo, painting, PyTorch's picture, ours](../docs/pictures/{args.sheet.name})",
    )


def _cells(found: dict[str, float]) -> list[str]:
    return [f"{found[distance]:.3f}" for distance in DISTANCES]


if __name__ == "__main__":
    main()
