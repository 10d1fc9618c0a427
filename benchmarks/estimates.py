"""`tf-style estimate` beside what then happens: seconds and peak memory of whole commands, one after the other.

python -m benchmarks.estimates --out=benchmarks/ESTIMATES.md [--weights=VGG-19's notop file]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "examples" / "pictures"
CASES = {
    "draft, 512 px": ["--preset=draft"],
    "draft, 1024 px": ["--preset=draft", "--size=1024"],
    "fine, 384 px, 40 steps a scale": ["--size=384", "--num_steps=40"],
    "draft, 640 px, two regions": ["--preset=draft", "--size=640", "two"],
    "gatys2016-adam, 320 px, 100 steps": ["--preset=gatys2016-adam", "--size=320", "--num_steps=100"],
    "gatys2016 (L-BFGS), 256 px, 100 steps": ["--preset=gatys2016", "--size=256", "--num_steps=100"],
    "draft, 1536 px in tiles of 512": ["--preset=draft", "--size=1536", "--tile_size=512", "--tile_steps=3"],
    "draft, 2500 px in tiles": ["--preset=draft", "--size=2500", "--tile_steps=2"],
    "instant, 1024 px": ["--preset=instant", "--size=1024"],
}
WITH_WEIGHTS = {"draft through VGG-19, 384 px": ["--preset=draft", "--size=384"]}


def command(name: str, arguments: list[str]) -> dict:
    """Runs a command of tf-style; returns the JSON that it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record.json"
        given = [f"--json={record}", f"--output={folder}/out.png", *arguments]
        subprocess.run([sys.executable, "-m", "tf_style.cli.main", name, *given], check=True, capture_output=True)
        return json.loads(record.read_text())


def arguments_of(options: list[str]) -> list[str]:
    """Flags of a case; "two" stands for two styles, each in its half."""
    styles = [PICTURES / "starry_night.jpg"]
    flags = [option for option in options if option != "two"]
    if len(flags) < len(options):
        styles.append(PICTURES / "great_wave.jpg")
        flags.append(f"--style_masks={ROOT / 'docs/pictures/mask_sky.png'},{ROOT / 'docs/pictures/mask_land.png'}")
    return [f"--content={PICTURES / 'lighthouse.jpg'}", f"--style={','.join(map(str, styles))}", *flags]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", default="")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    cases = {name: [*options, "--backbone=compact_vgg19"] for name, options in CASES.items()}
    cases["instant, 1024 px"].pop()
    if args.weights:
        cases |= {name: [*options, f"--weights={args.weights}"] for name, options in WITH_WEIGHTS.items()}
    lines = [
        "# Estimates beside what then happened", "",
        "`python -m benchmarks.estimates` on one machine, one command after the other.", "",
        "| run | seconds, estimated | taken | ratio | GB, estimated | taken | ratio |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, options in cases.items():
        if args.only not in name:
            continue
        estimate = command("estimate", arguments_of(options))
        record = command("stylize", [*arguments_of(options), "--quiet"])
        seconds, memory = record["seconds"], record["peak_memory_bytes"]["host"]
        ratios = estimate["seconds"] / seconds, estimate["memory_bytes"] / memory
        lines.append(
            f"| {name} | {estimate['seconds']:.0f} | {seconds:.0f} | {ratios[0]:.2f} | "
            f"{estimate['memory_bytes'] / 1e9:.2f} | {memory / 1e9:.2f} | {ratios[1]:.2f} |"
        )
        print(lines[-1], flush=True)
    args.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
