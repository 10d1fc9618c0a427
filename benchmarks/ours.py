"""tf_style's side of `python -m benchmarks.run`: one measurement in a process of its own, written as JSON.

  python -m benchmarks.ours --mode=time --content=photo.jpg --style=painting.jpg --weights=NOTOP.h5 --json=out.json

`--mode=time` measures seconds per evaluation of the classic objective with its gradient. `--mode=race` paints until
that objective, in float32, is low enough; the time spent on checking does not count.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

from benchmarks.pictures import tensor
from benchmarks.record import add_options
from benchmarks.timing import milliseconds
from tf_style.build import build_stylizer
from tf_style.jobs.run.allocator import keep_freed_memory
from tf_style.jobs.run.record import peak_memory
from tf_style.presets import preset_config
from tf_style.stylizers import Optimization, PyramidStylizer

#: The classic recipe of the public scripts, as the peer writes it out: plain means, content 5, style 100, Gram matrices
#: divided by C*H*W (ours by H*W, so the C goes into the layer weights, 1/C^2), no total variation.
CLASSIC = {
    "loss_normalization": "none",
    "content_weight": 5,
    "style_weight": 100,
    "style_layer_weights": [1 / channels**2 for channels in (64, 128, 256, 512, 512)],
    "total_variation_weight": 0,
    "backbone": "vgg19",
    "compute_dtype": "float32",
}


def classic(args: argparse.Namespace, **overrides: Any) -> PyramidStylizer:
    """The preset gatys2016 with the peer's objective, and overrides."""
    return build_stylizer(preset_config("gatys2016").replace(**{"weights": args.weights, **CLASSIC, **overrides}))


def evaluation(optimization: Optimization, content: tf.Tensor, style: tf.Tensor) -> Callable[[], object]:
    """One step of Adam, which is one evaluation with its gradient; it waits for the result."""
    targets, state = optimization.targets(content, [style]), optimization.start(content)
    return lambda: optimization.step(state, targets, tf.constant(1)).image.numpy()


def measure_time(args: argparse.Namespace, content: tf.Tensor, style: tf.Tensor) -> dict[str, Any]:
    """Seconds per evaluation."""
    stylizer = classic(args, optimizer="adam", compute_dtype=args.dtype, jit_compile=args.jit_compile)
    step = evaluation(stylizer.optimization, content, style)
    return {"seconds_per_evaluation": milliseconds(step, args.repeats) / 1000.0}


def measure_race(args: argparse.Namespace, content: tf.Tensor, style: tf.Tensor) -> dict[str, Any]:
    """Paints with `--option` overrides until the classic float32 objective is at most `--target_loss`."""
    painter = classic(args, **{"compute_dtype": args.dtype, **dict(args.option)})
    judge = classic(args).optimization
    targets = judge.targets(content, [style])
    judged = tf.function(lambda image: judge.objective(judge.features(image), targets))
    judging, started, found = 0.0, time.monotonic(), {}
    for progress in painter.run(content, [style]):
        now = time.monotonic()
        last = progress.step == progress.num_steps
        if progress.size == tuple(content.shape[1:3]) and (progress.step % args.judge_every == 0 or last):
            loss = float(judged(progress.image)[0])
            found = {"seconds": now - started - judging, "evaluations": progress.evaluations, "loss": loss}
            judging += time.monotonic() - now
            print(found, flush=True)
            if loss <= args.target_loss:
                break
    return {**found, "reached": found["loss"] <= args.target_loss}


MODES = {"time": measure_time, "race": measure_race}


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=MODES, default="time")
    for name in ("content", "style", "weights", "json"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--jit_compile", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--target_loss", type=float, default=0.0)
    parser.add_argument("--judge_every", type=int, default=10)
    add_options(parser)
    args = parser.parse_args(arguments)
    keep_freed_memory()  # as the commands do
    found = MODES[args.mode](args, tensor(args.content, args.size), tensor(args.style, args.size))
    Path(args.json).write_text(json.dumps(found | {"peak_rss_bytes": peak_memory()["host"]}))


if __name__ == "__main__":
    main()
