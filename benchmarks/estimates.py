"""`tf-style estimate` beside what then happens: seconds and peak memory of whole commands, one after the other.

  python -m benchmarks.estimates

Other arguments go to every command, for example --weights=FILE. The record goes to benchmarks/ESTIMATES.md.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from benchmarks import record
from benchmarks.record import CONTENT, PICTURES, ROOT, STYLE, table

EMBEDDED = "--backbone=compact_vgg19"
#: Two styles, each in its half of the picture.
TWO_REGIONS = (
    f"--style={PICTURES / 'great_wave.jpg'}",  # besides the style of all cases
    f"--style_masks={ROOT / 'docs/pictures/mask_sky.png'},{ROOT / 'docs/pictures/mask_land.png'}",
)
CASES = {
    "draft, 512 px": ("--preset=draft", EMBEDDED),
    "draft, 1024 px": ("--preset=draft", EMBEDDED, "--size=1024"),
    "fine, 384 px, 40 steps a scale": (EMBEDDED, "--size=384", "--num_steps=40"),
    "draft, 640 px, two regions": ("--preset=draft", EMBEDDED, "--size=640", *TWO_REGIONS),
    "gatys2016-adam, 320 px, 100 steps": ("--preset=gatys2016-adam", EMBEDDED, "--size=320", "--num_steps=100"),
    "gatys2016 (L-BFGS), 256 px, 100 steps": ("--preset=gatys2016", EMBEDDED, "--size=256", "--num_steps=100"),
    "draft, 1536 px in tiles of 512": (
        *("--preset=draft", EMBEDDED, "--size=1536"),
        *("--tile_size=512", "--tile_steps=3"),
    ),
    "draft, 2500 px in tiles": ("--preset=draft", EMBEDDED, "--size=2500", "--tile_steps=2"),
    "instant, 1024 px": ("--preset=instant", "--size=1024"),
    "instant, 3000 px in tiles": ("--preset=instant", "--size=3000"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Estimates and runs each case, and writes the table."""
    parser = record.parser(__doc__, "ESTIMATES.md")
    parser.add_argument("--only", default="", help="cases whose names have this in them")
    args, others = parser.parse_known_args(arguments)
    rows = []
    for name, flags in CASES.items():
        if args.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            files = [f"--content={CONTENT}", f"--style={STYLE}", f"--output={folder}/out.png"]
            _, estimate = record.measure("tf_style.cli.main", "estimate", *files, *flags, *others)
            _, found = record.measure("tf_style.cli.main", "stylize", "--quiet", *files, *flags, *others)
        rows.append([name])
        for estimated, taken, unit, digits in (
            (estimate["seconds"], found["seconds"], 1, 0),
            (estimate["memory_bytes"], found["peak_memory_bytes"]["host"], 1e9, 2),
        ):
            rows[-1] += [f"{estimated / unit:.{digits}f}", f"{taken / unit:.{digits}f}", f"{estimated / taken:.2f}"]
        print(rows[-1], flush=True)
    header = ["run", "seconds, estimated", "taken", "ratio", "GB, estimated", "taken", "ratio"]
    note = "One command after the other."
    record.write(args.output, "Estimates beside what then happened", "estimates", note, table(header, rows))


if __name__ == "__main__":
    main()
