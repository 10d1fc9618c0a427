"""Speed, memory and the command line beside the PyTorch peer; the record goes to benchmarks/RESULTS.md.

  python -m benchmarks.run --weights=vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5

Each measurement runs in a process of its own, ours and the peer's in turn, so that other work on the machine slows both
alike. Figures are medians; the ratios are what counts. `--only=speed,memory` runs some of the sections.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.record import CONTENT, STYLE, has_bfloat16, listed, table
from benchmarks.timing import in_turns

_NO_BFLOAT16 = "\n\nbfloat16: not measured, this CPU has no instructions for it."


def ours(args: argparse.Namespace, *flags: str) -> dict[str, Any]:
    """A measurement of tf_style."""
    return _measured(args, "benchmarks.ours", sys.executable, *flags)


def peer(args: argparse.Namespace, *flags: str) -> dict[str, Any]:
    """A measurement of the PyTorch peer."""
    return _measured(args, "benchmarks.peer_pytorch", args.peer_python, *flags)


def _measured(args: argparse.Namespace, module: str, python: str, *flags: str) -> dict[str, Any]:
    print("  " + " ".join((module, *flags)), flush=True)
    pictures = (f"--content={CONTENT}", f"--style={STYLE}", f"--weights={args.weights}")
    return record.measure(module, *pictures, *flags, python=python)[1]


def speed(args: argparse.Namespace) -> str:
    """Seconds per evaluation of the classic objective with its gradient."""
    flags = ("--mode=time", f"--size={args.size}", f"--repeats={args.repeats}")

    def seconds(side: Callable[..., dict[str, Any]], *more: str) -> Callable[[], float]:
        return lambda: side(args, *flags, *more)["seconds_per_evaluation"]

    sides = {
        "PyTorch float32": seconds(peer),
        "PyTorch float32, channels last": seconds(peer, "--channels_last"),
        "tf_style float32": seconds(ours),
        "tf_style float32, jit_compile": seconds(ours, "--jit_compile"),
    }
    if has_bfloat16():
        sides["PyTorch bfloat16"] = seconds(peer, "--dtype=bfloat16", "--channels_last")
        sides["tf_style bfloat16"] = seconds(ours, "--dtype=bfloat16")
    medians = in_turns(sides, args.rounds)
    rows = [
        [name, f"{value:.2f}", *(f"{medians[other] / value:.2f}" for other in list(sides)[:2])]
        for name, value in medians.items()
    ]
    text = table(["", "seconds per evaluation", "times PyTorch's speed", "times PyTorch channels last's"], rows)
    missing = "" if has_bfloat16() else _NO_BFLOAT16
    return f"## Seconds per evaluation, VGG-19, {args.size} px\n\n{text}{missing}"


def race(args: argparse.Namespace) -> str:
    """Time to the loss that PyTorch's L-BFGS has after its evaluations; both start from the photo, at one size."""
    size = f"--size={args.race_size}"
    theirs = peer(args, "--mode=run", f"--evaluations={args.race_evaluations}", size)
    flags = [size, f"--target_loss={theirs['loss']}", "--option=init=content", f"--option=num_steps={args.race_steps}"]
    rows = [_race_row("PyTorch L-BFGS, float32", theirs, "1")]
    for dtype in ("float32", "bfloat16") if has_bfloat16() else ("float32",):
        mine = ours(args, "--mode=race", f"--dtype={dtype}", *flags)
        times = f"{theirs['seconds'] / mine['seconds']:.1f}" if mine["reached"] else "not reached"
        rows.append(_race_row(f"tf_style L-BFGS without a line search, {dtype}", mine, times))
    text = table(["", "seconds", "evaluations", "classic loss in float32", "times as fast"], rows)
    return f"## Time to PyTorch's loss, VGG-19, {args.race_size} px\n\n{text}"


def _race_row(name: str, found: dict[str, Any], times: str) -> list[str]:
    return [name, f"{found['seconds']:.0f}", str(found["evaluations"]), f"{found['loss']:.4g}", times]


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
    with tempfile.TemporaryDirectory() as folder:
        files = [f"--content={CONTENT}", f"--style={STYLE}", f"--output={folder}/painting.png"]
        paint = ["stylize", f"--size={args.size}", "--quiet", *files]
        embedded = "--backbone=compact_vgg19"
        runs = {
            "tf-style --help": ["--help"],
            "tf-style stylize --help": ["stylize", "--help"],
            "instant": [*paint, "--preset=instant"],
            "draft, embedded backbone": [*paint, "--preset=draft", embedded],
            "fine, embedded backbone": [*paint, "--preset=fine", embedded],
        }
        if args.fine_vgg19:
            runs["fine, VGG-19"] = [*paint, "--preset=fine", "--backbone=vgg19", f"--weights={args.weights}"]
        rows = []
        for name, flags in runs.items():
            print(f"  {name}", flush=True)
            rows.append([name, f"{record.call('tf_style.cli.main', *flags):.2f}"])
    return f"## The command line, {args.size} px, wall seconds\n\n" + table(["", "seconds"], rows)


SECTIONS = {"speed": speed, "memory": memory, "race": race, "commands": commands}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the sections and writes the record."""
    parser = record.parser(__doc__, "RESULTS.md")
    record.add_vgg19(parser)
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter with PyTorch, h5py and Pillow")
    parser.add_argument("--only", type=listed(), default=list(SECTIONS), help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="evaluations timed in each process")
    parser.add_argument("--memory_sizes", type=listed(int), default=[512, 1024])
    parser.add_argument("--race_size", type=int, default=512)
    parser.add_argument("--race_evaluations", type=int, default=400, help="of the peer")
    parser.add_argument("--race_steps", type=int, default=500, help="at most, of ours")
    parser.add_argument("--fine_vgg19", action="store_true", help="time the preset fine through VGG-19 too")
    args = parser.parse_args(arguments)
    if not Path(args.weights).is_file():
        parser.error(f"There are no VGG-19 weights at {args.weights!r}; give Keras's notop file with --weights.")
    unknown = set(args.only) - set(SECTIONS)
    if unknown:
        parser.error(f"Unknown section {sorted(unknown)[0]!r} in --only; give some of {','.join(SECTIONS)}.")
    record.write(args.output, "Results", "run", *(SECTIONS[name](args) for name in args.only))


if __name__ == "__main__":
    main()
