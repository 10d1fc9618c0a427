"""Many pictures in one process beside as many commands: seconds, peak memory, traces.

python -m benchmarks.catalogue --pictures=200 --out=benchmarks/CATALOGUE.md

The separate commands are measured on a few pictures of each size, whole (model, compilation, painting, writing) and as
painting alone: what `painting_seconds` of their records hold, from the loaded model to the last step.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tf_style import images

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "examples" / "pictures"
SIZES = ((128, 192), (192, 128), (160, 160), (144, 224), (200, 150))
OPTIONS = ["--preset=draft", "--size=0", "--num_steps=8", "--first_steps=20", "--backbone=compact_vgg19", "--quiet"]


def run(folder: Path, *arguments: str) -> tuple[float, dict]:
    """Seconds of a whole command of tf-style stylize, and its record."""
    record, started = folder / "record.json", time.monotonic()
    command = [sys.executable, "-m", "tf_style.cli.main", "stylize", f"--json={record}", *OPTIONS, *arguments]
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - started, json.loads(record.read_text())


def make_pictures(folder: Path, count: int) -> list[Path]:
    """Crops of a photo, in five sizes by turns."""
    photo = images.read_image(PICTURES / "lighthouse.jpg").pixels
    paths = []
    for index in range(count):
        height, width = SIZES[index % len(SIZES)]
        top, left = (37 * index) % (photo.shape[0] - height), (53 * index) % (photo.shape[1] - width)
        paths.append(folder / f"{index:03}.png")
        images.write_image(paths[-1], photo[top : top + height, left : left + width])
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--batch_sizes", default="1,4")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    style = PICTURES / "starry_night.jpg"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        paths = make_pictures(folder, args.pictures)
        whole, painting = [], []
        for path in paths[: len(SIZES)]:
            seconds, record = run(folder, f"--content={path}", f"--style={style}", f"--output={folder}/single.png")
            whole.append(seconds)
            painting.append(record["painting_seconds"])
        separate, alone = (sum(times) / len(times) * args.pictures for times in (whole, painting))
        lines = [
            "# Many pictures in one process", "",
            f"`python -m benchmarks.catalogue --pictures={args.pictures}`: pictures of five sizes from "
            "128 x 192 to 200 x 150, `draft` with 8 steps a scale, one style.", "",
            "| how | seconds | separate commands / this | their painting alone / this | peak memory, GB |",
            "|---|---|---|---|---|",
            f"| {args.pictures} commands (from {len(SIZES)}) | {separate:.0f} | 1.00 | | |",
            f"| their painting alone | {alone:.0f} | | 1.00 | |",
        ]  # fmt: skip
        for count, batch in [(args.pictures // 4, 4), *((args.pictures, int(b)) for b in args.batch_sizes.split(","))]:
            rows = "\n".join(f"{path.name},{style}" for path in paths[:count])
            (folder / "jobs.csv").write_text(f"content,style\n{rows}\n")
            out = folder / f"out_{count}_{batch}"
            seconds, record = run(folder, f"--manifest={folder}/jobs.csv", f"--output={out}", f"--batch_size={batch}")
            assert len(list(out.iterdir())) == count
            share = count / args.pictures
            lines.append(
                f"| one manifest, {count} pictures, batches of {batch} | {seconds:.0f} | "
                f"{share * separate / seconds:.2f} | {share * alone / seconds:.2f} | "
                f"{record['peak_memory_bytes']['host'] / 1e9:.2f} |"
            )
            print(lines[-1], flush=True)
    args.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
