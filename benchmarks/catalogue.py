"""Many pictures in one process beside as many commands: seconds and peak memory.

  python -m benchmarks.catalogue --pictures=200

The separate commands are measured on one picture of each size: as a whole (model, compilation, painting, writing), and
their painting alone, which is `painting_seconds` in their records. Other arguments go to every command, for example
--weights=FILE. The record goes to benchmarks/CATALOGUE.md.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.record import CONTENT, STYLE, listed, table
from tf_style import images

SHAPES = ((128, 192), (192, 128), (160, 160), (144, 224), (200, 150))
OPTIONS = ["--preset=draft", "--size=0", "--num_steps=8", "--first_steps=20", "--backbone=compact_vgg19", "--quiet"]


def make_pictures(folder: Path, count: int) -> list[Path]:
    """Crops of a photo, in each of the shapes in turn."""
    photo = images.read_image(CONTENT).pixels
    paths = []
    for index in range(count):
        height, width = SHAPES[index % len(SHAPES)]
        top, left = (37 * index) % (photo.shape[0] - height), (53 * index) % (photo.shape[1] - width)
        paths.append(folder / f"{index:03}.png")
        images.write_image(paths[-1], photo[top : top + height, left : left + width])
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and writes the table."""
    parser = record.parser(__doc__, "CATALOGUE.md")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--batch_sizes", type=listed(int), default=[1, 4])
    args, others = parser.parse_known_args(arguments)

    def stylize(*flags: str) -> tuple[float, dict[str, Any]]:
        return record.measure("tf_style.cli.main", "stylize", *OPTIONS, *others, *flags)

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = make_pictures(folder, args.pictures)
        singles = [
            stylize(f"--content={path}", f"--style={STYLE}", f"--output={folder}/single.png")
            for path in paths[: len(SHAPES)]
        ]
        separate = args.pictures * statistics.mean(seconds for seconds, _ in singles)
        alone = args.pictures * statistics.mean(found["painting_seconds"] for _, found in singles)
        rows = [
            [f"{args.pictures} commands (from {len(singles)})", f"{separate:.0f}", "1.00", "", ""],
            ["their painting alone", f"{alone:.0f}", "", "1.00", ""],
        ]
        for count, batch in [(args.pictures // 4, 4), *((args.pictures, batch) for batch in args.batch_sizes)]:
            manifest, out = folder / "jobs.csv", folder / f"out_{count}_{batch}"
            with open(manifest, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("content", "style"), *((path.name, STYLE) for path in paths[:count])])
            seconds, found = stylize(f"--manifest={manifest}", f"--output={out}", f"--batch_size={batch}")
            if len(list(out.iterdir())) != count:
                raise SystemExit(f"Only {len(list(out.iterdir()))} of {count} pictures were painted.")
            times = [f"{count / args.pictures * other / seconds:.2f}" for other in (separate, alone)]
            memory = f"{found['peak_memory_bytes']['host'] / 1e9:.2f}"
            rows.append([f"one manifest, {count} pictures, batches of {batch}", f"{seconds:.0f}", *times, memory])
            print(rows[-1], flush=True)
    shapes = ", ".join(f"{height} x {width}" for height, width in SHAPES)
    note = f"Pictures of {shapes} pixels, one style, with `{' '.join([*OPTIONS, *others])}`."
    header = ["how", "seconds", "separate commands / this", "their painting alone / this", "peak memory, GB"]
    record.write(args.output, "Many pictures in one process", "catalogue", note, table(header, rows))


if __name__ == "__main__":
    main()
