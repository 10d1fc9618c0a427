"""What every benchmark needs: example pictures, processes that measure, tables, and the record in Markdown."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "examples" / "pictures"
CONTENT, STYLE = PICTURES / "lighthouse.jpg", PICTURES / "starry_night.jpg"
STARTING_LOAD = os.getloadavg()[0]
#: The version that is measured.
COMMIT = subprocess.run(
    ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
).stdout.strip()


def parser(doc: str, record: str) -> argparse.ArgumentParser:
    """A benchmark's arguments: so far the place of its record, by default in this folder."""
    result = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--output", type=Path, default=ROOT / "benchmarks" / record, help="where the record goes")
    return result


def add_vgg19(arguments: argparse.ArgumentParser) -> None:
    """`--weights`, of VGG-19."""
    default = os.environ.get("TF_STYLE_VGG19_WEIGHTS", "")
    arguments.add_argument("--weights", default=default, help="Keras's VGG-19 notop file [TF_STYLE_VGG19_WEIGHTS]")


def add_options(arguments: argparse.ArgumentParser) -> None:
    """`--option=name=value`, pairs of a name and a text."""
    arguments.add_argument(
        "--option",
        action="append",
        type=lambda text: tuple(text.split("=", 1)),
        default=[],
        metavar="NAME=VALUE",
        help="an option of tf-style stylize",
    )


def listed(kind: Callable[[str], Any] = str) -> Callable[[str], list]:
    """The type of an argument that takes several values, separated by commas."""
    return lambda text: [kind(part) for part in text.split(",") if part]


def call(module: str, *flags: str, python: str = sys.executable) -> float:
    """Runs `python -m module` in a process of its own; returns the seconds it took."""
    started = time.monotonic()
    subprocess.run([python, "-m", module, *flags], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def measure(module: str, *flags: str, python: str = sys.executable) -> tuple[float, dict[str, Any]]:
    """The same for a program that takes `--json`; returns what it wrote there too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.json"
        seconds = call(module, *flags, f"--json={path}", python=python)
        return seconds, json.loads(path.read_text())


def has_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16; without them its figures say nothing."""
    path = Path("/proc/cpuinfo")
    return path.exists() and any(flag in path.read_text() for flag in ("amx_bf16", "avx512_bf16"))


def machine() -> str:
    """What this was measured on."""
    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    instructions = "with" if has_bfloat16() else "without"
    return (
        f"{model}, {os.cpu_count()} cores, {instructions} bfloat16 instructions, load {STARTING_LOAD:.1f} at the start"
    )


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(path: Path, title: str, command: str, *parts: str) -> None:
    """Prints the record and writes it: the title, when, where and how it was made, then the parts."""
    when = f"{datetime.date.today().isoformat()}, commit {COMMIT}"
    made = f"{when}, {machine()}. Made by `python -m benchmarks.{command}`."
    text = "\n\n".join([f"# {title}", made, *parts]) + "\n"
    path.write_text(text, encoding="utf-8")
    print(text)
