"""All benchmarks in one command, side by side with the peer; the record goes to benchmarks/RESULTS.md.

  python -m benchmarks.run --weights=vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5

Every measurement is a process of its own, ours and the peer's in turn, so that what else the machine does hits both.
Figures are medians; what counts are the ratios. `--only=speed,memory` runs some of the sections.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "examples" / "pictures"
CONTENT, STYLE = PICTURES / "lighthouse.jpg", PICTURES / "starry_night.jpg"
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
#: How tf_style goes for a classic loss as fast as it can: coarse to fine, Adam.
RACE = {
    "optimizer": "adam",
    "init": "content",
    "min_size": "64",
    "num_steps": "150",
    "first_steps": "150",
    "learning_rate": "0.04",
}


def call(module: str, python: str, *flags: str) -> dict[str, Any]:
    """Runs one measurement and returns its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        command = [python, "-m", module, f"--json={path}", f"--content={CONTENT}", f"--style={STYLE}", *flags]
        print("  " + " ".join(command[2:3] + list(flags)), flush=True)
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return json.loads(path.read_text())


def ours(args: argparse.Namespace, *flags: str) -> dict[str, Any]:
    """A measurement of tf_style."""
    return call("benchmarks.ours", sys.executable, f"--weights={args.weights}", *flags)


def peer(args: argparse.Namespace, *flags: str) -> dict[str, Any]:
    """A measurement of the PyTorch peer."""
    return call("benchmarks.peer_pytorch", args.peer_python, f"--weights={args.weights}", *flags)


def has_bfloat16_units() -> bool:
    """Whether the CPU has matrix units for bfloat16; without them its figures say nothing."""
    path = Path("/proc/cpuinfo")
    return path.exists() and "amx_bf16" in path.read_text()


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def speed(args: argparse.Namespace) -> str:
    """Seconds per evaluation of the classic objective with gradient."""
    sides: dict[str, Any] = {
        "PyTorch float32": lambda: peer(args, "--mode=time", *size, "--repeats=3"),
        "PyTorch float32, channels last": lambda: peer(args, "--mode=time", *size, "--repeats=3", "--channels_last"),
        "tf_style float32": lambda: ours(args, "--mode=time", *size, "--repeats=3"),
        "tf_style float32, jit_compile": lambda: ours(args, "--mode=time", *size, "--repeats=3", "--jit_compile"),
    }
    if has_bfloat16_units():
        bfloat16 = ("--mode=time", "--dtype=bfloat16", "--repeats=5")
        sides["PyTorch bfloat16"] = lambda: peer(args, *bfloat16, *size, "--channels_last")
        sides["tf_style bfloat16"] = lambda: ours(args, *bfloat16, *size)
    size = (f"--size={args.size}",)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(args.rounds):
        for name, measure in sides.items():
            seconds[name].append(measure()["seconds_per_evaluation"]["median"])
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    rows = [
        [name, f"{value:.2f}", *(f"{medians[other] / value:.2f}" for other in list(sides)[:2])]
        for name, value in medians.items()
    ]
    text = table(["", "seconds per evaluation", "times PyTorch's speed", "times PyTorch channels last's"], rows)
    if not has_bfloat16_units():
        text += "\n\nbfloat16: not measured, this CPU has no matrix units for it."
    return f"## Seconds per evaluation, VGG-19, {args.size} px\n\n{text}"


def race(args: argparse.Namespace) -> str:
    """Time to the loss that PyTorch's L-BFGS has after its evaluations."""
    size = f"--size={args.race_size}"
    theirs = peer(args, "--mode=run", "--optimizer=lbfgs", f"--evaluations={args.race_evaluations}", size)
    target = min(theirs["evaluations"][-1]["loss"], theirs["loss"])
    options = [f"--option={name}={value}" for name, value in RACE.items()]
    if has_bfloat16_units():
        options.append("--dtype=bfloat16")
    mine = ours(args, "--mode=race", size, f"--target_loss={target}", *options)
    rows = [
        ["PyTorch L-BFGS, float32", f"{theirs['seconds']:.0f}", str(len(theirs["evaluations"])), f"{target:.4g}", "1"],
        [
            "tf_style, coarse to fine" + ("" if mine["reached"] else " (not reached)"),
            f"{mine['seconds']:.0f}",
            str(mine["curve"][-1]["evaluations"]),
            f"{mine['curve'][-1]['loss']:.4g}",
            f"{theirs['seconds'] / mine['seconds']:.1f}" if mine["reached"] else "-",
        ],
    ]
    text = table(["", "seconds", "evaluations (all sizes)", "classic loss in float32", "times as fast"], rows)
    return f"## Time to PyTorch's loss, VGG-19, {args.race_size} px\n\n{text}"


def memory(args: argparse.Namespace) -> str:
    """Peak resident memory of a process that evaluates the classic objective."""
    rows = []
    for size in args.memory_sizes:
        flags = ("--mode=time", f"--size={size}", "--repeats=1")
        theirs, mine = peer(args, *flags)["peak_rss_bytes"], ours(args, *flags)["peak_rss_bytes"]
        rows.append([str(size), f"{theirs / 2**20:.0f}", f"{mine / 2**20:.0f}", f"{mine / theirs:.2f}"])
    return "## Peak memory, VGG-19, float32\n\n" + table(["px", "PyTorch, MiB", "tf_style, MiB", "ratio"], rows)


def commands(args: argparse.Namespace) -> str:
    """Wall time of the command line, from start to file."""
    runs = {
        "tf-style --help": ["--help"],
        "tf-style stylize --help": ["stylize", "--help"],
        "draft, embedded backbone": paint("draft", args.size, "--backbone=compact_vgg19"),
        "fine, embedded backbone": paint("fine", args.size, "--backbone=compact_vgg19"),
    }
    if args.fine_vgg19:
        runs["fine, VGG-19"] = paint("fine", args.size, "--backbone=vgg19", f"--weights={args.weights}")
    rows = []
    for name, flags in runs.items():
        print(f"  {name}", flush=True)
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "tf_style.cli.main", *flags], cwd=ROOT, check=True, capture_output=True)
        rows.append([name, f"{time.monotonic() - started:.2f}"])
    return f"## The command line, {args.size} px, wall seconds\n\n" + table(["", "seconds"], rows)


def paint(preset: str, size: int, *flags: str) -> list[str]:
    """Arguments of one stylization."""
    output = Path(tempfile.gettempdir()) / "benchmark.png"
    files = [f"--content={CONTENT}", f"--style={STYLE}", f"--output={output}"]
    return ["stylize", f"--preset={preset}", f"--size={size}", *files, *flags]


SECTIONS = {"speed": speed, "memory": memory, "race": race, "commands": commands}


def machine() -> str:
    """What this was measured on."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    units = "with" if has_bfloat16_units() else "without"
    return f"{model}, {os.cpu_count()} cores, {units} bfloat16 matrix units, load {os.getloadavg()[0]:.1f} at the start"


def main() -> None:
    """Runs the sections and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    weights = os.environ.get("TF_STYLE_VGG19_WEIGHTS", "")
    parser.add_argument("--weights", default=weights, help="Keras's VGG-19 notop file [TF_STYLE_VGG19_WEIGHTS]")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter that has PyTorch, h5py and Pillow")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, with commas between")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--memory_sizes", type=lambda text: [int(part) for part in text.split(",")], default=[512, 1024]
    )
    parser.add_argument("--race_size", type=int, default=512)
    parser.add_argument("--race_evaluations", type=int, default=400)
    parser.add_argument("--fine_vgg19", action="store_true", help="time the preset fine through VGG-19 too")
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    if not Path(args.weights).is_file():
        parser.error(f"no VGG-19 weights at {args.weights!r}; give --weights=PATH (Keras's notop file)")
    parts = [f"# Results\n\n{datetime.date.today()}, {machine()}. Made by `python -m benchmarks.run`."]
    for name in args.only.split(","):
        print(name, flush=True)
        parts.append(SECTIONS[name](args))
        print(parts[-1], flush=True)
    args.output.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
