"""Your own stylizer, made of the public objects, run eagerly and inside a `tf.function`.

Shows: a backbone, an objective (terms are weighted and added like numbers), an optimiser and the loop around them are
separate objects. Called eagerly, the loop reports every step to `on_step`. Inside a `tf.function` it runs as a
`tf.while_loop`, so it can be part of a larger graph or a SavedModel. Both give the same picture.

    python examples/in_a_function.py --output_dir=painted
"""

import argparse
from pathlib import Path

import tensorflow as tf

import tf_style

PICTURES = Path(__file__).parent / "pictures"
CONTENT_LAYERS = ["conv3_2"]
STYLE_LAYERS = ["conv1_1", "conv2_1", "conv3_1"]


def build_stylizer(num_steps: int) -> tf_style.PyramidStylizer:
    """Two scales with Adam, with options set in Python that otherwise come from a preset."""
    backbone = tf_style.compact_vgg19(CONTENT_LAYERS + STYLE_LAYERS, padding="replicate")
    objective = (
        tf_style.content_loss(CONTENT_LAYERS)
        + 20.0 * tf_style.style_loss(STYLE_LAYERS, statistic="gram")
        + 10.0 * tf_style.total_variation_loss("l2")
    )
    print(f"Objective: {objective}")
    optimization = tf_style.Optimization(backbone, objective, tf_style.adam(learning_rate=0.03), average_decay=0.9)
    return tf_style.PyramidStylizer(optimization, num_steps=num_steps, min_size=32, scale_factor=2.0)


def show(progress: tf_style.Progress) -> None:
    """Prints a line for each step."""
    height, width = progress.size
    terms = ", ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
    print(f"step {progress.step}/{progress.num_steps} at {width}x{height}: {terms}", flush=True)


def main() -> None:
    """Paints the lighthouse in the style of The Starry Night, twice."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--size", type=int, default=256, help="long side of the painting, pixels")
    parser.add_argument("--num_steps", type=int, default=60, help="steps at each scale")
    parser.add_argument("--output_dir", type=Path, required=True)
    options = parser.parse_args()

    photo = tf_style.read_image(PICTURES / "lighthouse.jpg").pixels
    content = tf.image.resize(photo[tf.newaxis], [options.size] * 2, preserve_aspect_ratio=True, antialias=True)
    content = tf.clip_by_value(content, 0.0, 1.0)
    styles = [tf.constant(tf_style.read_image(PICTURES / "starry_night.jpg").pixels[tf.newaxis])]
    stylizer = build_stylizer(options.num_steps)

    eager = stylizer(content, styles, on_step=show)
    tf_style.write_image(options.output_dir / "eager.png", eager[0].numpy())

    any_picture = tf.TensorSpec([None, None, None, 3], tf.float32)

    @tf.function(input_signature=[any_picture, any_picture])
    def paint(content: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        return stylizer(content, [style])

    in_graph = paint(content, *styles)
    tf_style.write_image(options.output_dir / "in_a_function.png", in_graph[0].numpy())
    difference = float(tf.reduce_max(tf.abs(in_graph - eager)))
    print(f"Largest difference between the two: {difference:.2g}, where white is 1")


if __name__ == "__main__":
    main()
