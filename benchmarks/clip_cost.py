"""What words through CLIP cost: seconds and memory of a step's losses and gradient, by the number of patches.

  python -m benchmarks.clip_cost

The model has the sizes of ViT-B/32 and random weights: the cost does not depend on them. It needs keras-hub
(`pip install "tf-style[clip]"`). The record goes to benchmarks/CLIP.md.
"""

from __future__ import annotations

import resource
from typing import Any

import numpy as np

from benchmarks import record
from benchmarks.pictures import tensor
from benchmarks.record import CONTENT, listed, table
from benchmarks.timing import milliseconds

WIDTH, DEPTH, PATCH, SIDE, CHANNELS = 768, 12, 32, 224, 3  # of ViT-B/32


def vision(width: int, depth: int) -> Any:
    """The picture encoder, without the text encoder, which has no part in a step."""
    import keras_hub

    return keras_hub.models.CLIPVisionEncoder(
        patch_size=PATCH, hidden_dim=width, num_layers=depth, num_heads=width // 64, intermediate_dim=4 * width,
        image_shape=(SIDE, SIDE, CHANNELS),
    )  # fmt: skip


def gigaflops(width: int, depth: int) -> float:
    """Of one picture, forwards: a product and a sum are two operations."""
    places = (SIDE // PATCH) ** 2
    tokens = places + 1
    layer = 2 * tokens * 12 * width**2 + 4 * tokens**2 * width
    return (depth * layer + 2 * places * PATCH**2 * CHANNELS * width) / 1e9


def cost(encoder: Any, patches: int, size: int, repeats: int) -> tuple[float, float]:
    """Seconds of losses and gradient, and the most memory so far, in GB."""
    import tensorflow as tf

    from tf_style.losses import clip_direction_loss, clip_patch_loss
    from tf_style.types import References

    def encode(images: Any) -> Any:
        return encoder({"images": images})[:, 0]

    direction = np.random.default_rng(0).normal(size=encoder.hidden_dim).astype(np.float32)
    objective = clip_direction_loss(encode, direction, side=SIDE)
    objective += clip_patch_loss(encode, direction, side=SIDE, number=patches, threshold=0.0)
    image = tensor(CONTENT, size)
    targets = objective.targets(References({"image": image}, ()))

    @tf.function(autograph=False)
    def gradient(image: Any, step: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(image)
            loss = objective({"image": image, "step": step}, targets)
        return tape.gradient(loss, image)

    seconds = milliseconds(lambda: gradient(image, tf.constant(1)).numpy(), repeats) / 1000.0
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(argv: list[str] | None = None) -> None:
    """Measures and writes the record."""
    arguments = record.parser(__doc__, "CLIP.md")
    arguments.add_argument("--patches", type=listed(int), default=[8, 16, 64])
    arguments.add_argument("--size", type=int, default=512)
    arguments.add_argument("--repeats", type=int, default=3)
    arguments.add_argument("--width", type=int, default=WIDTH)
    arguments.add_argument("--depth", type=int, default=DEPTH)
    args = arguments.parse_args(argv)
    encoder, each = vision(args.width, args.depth), gigaflops(args.width, args.depth)
    rows = []
    for patches in sorted(args.patches):  # memory is the most so far
        seconds, memory = cost(encoder, patches, args.size, args.repeats)
        work = 2.0 * each * (patches + 1) / 1000.0  # forwards and back to the pixels; the weights get no gradient
        rows.append([str(patches), f"{work:.2f}", f"{seconds:.2f} s", f"{memory:.1f} GB"])
    record.write(
        args.output,
        "Words through CLIP: the cost of a step",
        "clip_cost",
        "A step's losses and gradient through a picture encoder of the sizes of ViT-B/32 with random weights, for a "
        f"picture of {args.size} px: the whole picture and patches, each at {SIDE} px. A picture takes {each:.1f} "
        "GFLOP forwards; TFLOP below count forwards and back. The painting's other losses come on top. No weights were "
        "at hand, so how paintings look has not been measured.",
        table(["patches", "TFLOP a step", "time of a step", "most memory"], rows),
    )


if __name__ == "__main__":
    main()
