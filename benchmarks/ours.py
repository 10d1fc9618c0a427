"""tf_style's side of the benchmarks: one measurement a process, reported as JSON.

  python -m benchmarks.ours --mode=time --content=photo.jpg --style=painting.jpg --weights=NOTOP.h5 --json=out.json

Modes: `time` measures seconds per objective evaluation with gradient, `loss` prints the objective of given pixels, and
`race` paints and says when a loss was reached, judged in float32 outside of the time that counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

import numpy as np

from tf_style import images
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.jobs.run.allocator import keep_freed_memory
from tf_style.jobs.run.record import peak_memory
from tf_style.presets import preset_config
from tf_style.stylizers import PyramidStylizer
from tf_style.version import versions

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


def read(path: str, size: int) -> tf.Tensor:
    """A picture [1, H, W, 3] with its long side at `size`, never enlarged; .npy pixels as they are."""
    if path.endswith(".npy"):
        return tf.constant(np.load(path)[None])
    picture = images.read_image(path)
    wanted = min(size, max(picture.size)) if size else 0
    return tf.constant(images.resize(picture, images.fit_size(picture.size, wanted)).pixels[None])


def classic(args: argparse.Namespace, **overrides: Any) -> PyramidStylizer:
    """The preset gatys2016 as the peer has it, with overrides."""
    config: StylizeConfig = preset_config("gatys2016").replace(weights=args.weights, **{**CLASSIC, **overrides})
    return build_stylizer(config)


def measure_time(args: argparse.Namespace, content: tf.Tensor, style: tf.Tensor) -> dict[str, Any]:
    """Seconds of one Adam step (one evaluation with gradient), after two to warm up."""
    stylizer = classic(args, optimizer="adam", compute_dtype=args.dtype, jit_compile=args.jit_compile)
    optimization = stylizer.optimization
    started = time.monotonic()
    targets = optimization.targets(content, [style])
    state, _ = optimization.step(optimization.start(content), targets, tf.constant(1))
    setup = time.monotonic() - started
    state, _ = optimization.step(state, targets, tf.constant(1))
    seconds = []
    for _ in range(args.repeats):
        started = time.monotonic()
        state, losses = optimization.step(state, targets, tf.constant(1))
        float(losses["style"][0])
        seconds.append(time.monotonic() - started)
    return {
        "setup_seconds": setup,
        "seconds_per_evaluation": {"median": statistics.median(seconds), "min": min(seconds), "all": seconds},
    }


def measure_loss(args: argparse.Namespace, content: tf.Tensor, style: tf.Tensor) -> dict[str, Any]:
    """The classic objective of the pixels in --image."""
    optimization = classic(args, compute_dtype=args.dtype).optimization
    targets = optimization.targets(content, [style])
    losses = optimization.objective.losses(optimization.features(read(args.image, 0)), targets)
    terms = {name: float(loss[0]) for name, loss in losses.items()}
    return {"loss": sum(terms.values()), "terms": terms}


def measure_race(args: argparse.Namespace, content: tf.Tensor, style: tf.Tensor) -> dict[str, Any]:
    """Paints with --option overrides until the classic float32 objective of the picture is at most --target_loss."""
    overrides = dict(option.split("=", 1) for option in args.option)
    painter = classic(args, **{"compute_dtype": args.dtype, **overrides})
    judge = classic(args).optimization
    judge_targets = judge.targets(content, [style])
    judged = tf.function(lambda image: judge.objective(judge.features(image), judge_targets))
    curve, judging, started = [], 0.0, time.monotonic()
    for progress in painter.run(content, [style]):
        now = time.monotonic()
        last = progress.step == progress.num_steps
        if progress.size == tuple(content.shape[1:3]) and (progress.step % args.judge_every == 0 or last):
            loss = float(judged(progress.image)[0])
            curve.append({"seconds": now - started - judging, "evaluations": progress.evaluations, "loss": loss})
            judging += time.monotonic() - now
            print(f"{curve[-1]['seconds']:8.1f} s  {progress.evaluations} evaluations  loss {loss:.5g}", flush=True)
            if loss <= args.target_loss:
                break
    if args.output:
        images.write_image(args.output, progress.image[0].numpy())
    return {"curve": curve, "reached": curve[-1]["loss"] <= args.target_loss, "seconds": curve[-1]["seconds"]}


MODES = {"time": measure_time, "loss": measure_loss, "race": measure_race}


def main() -> None:
    """Runs one measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=MODES, default="time")
    for name in ("content", "style", "weights"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--image", default="")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--jit_compile", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--target_loss", type=float, default=0.0)
    parser.add_argument("--judge_every", type=int, default=10)
    parser.add_argument("--option", action="append", default=[], help="of StylizeConfig, name=value")
    parser.add_argument("--output", default="")
    parser.add_argument("--json", default="")
    args = parser.parse_args()
    keep_freed_memory()  # as the commands do
    content, style = read(args.content, args.size), read(args.style, args.size)
    record = MODES[args.mode](args, content, style)
    record |= {"settings": vars(args), "versions": versions(), "peak_rss_bytes": peak_memory()["host"]}
    if args.json:
        Path(args.json).write_text(json.dumps(record, indent=2))
    print(json.dumps({key: value for key, value in record.items() if key not in ("settings", "versions", "curve")}))


if __name__ == "__main__":
    main()
