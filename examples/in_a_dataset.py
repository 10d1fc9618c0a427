"""The stylizer as a step of a `tf.data` pipeline.

Shows: one stylizer, built once, paints every picture of a dataset inside `dataset.map(...)`. The pictures have
different sizes, but the step is traced only once, because height and width are left open.

    python examples/in_a_dataset.py --output_dir=painted
"""

import argparse
from pathlib import Path

import tensorflow as tf

import tf_style

PICTURES = Path(__file__).parent / "pictures"
PHOTOS = ("lighthouse.jpg", "mountain_lake.jpg", "woman_with_hat.jpg")


def read_photo(path: tf.Tensor, size: int) -> tf.Tensor:
    """A JPEG file as float32 [H, W, 3] in [0, 1], its long side `size` pixels."""
    photo = tf.image.convert_image_dtype(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), tf.float32)
    photo = tf.image.resize(photo, [size, size], preserve_aspect_ratio=True, antialias=True)
    return tf.clip_by_value(photo, 0.0, 1.0)


def main() -> None:
    """Paints the photographs in the style of the Great Wave."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--size", type=int, default=256, help="long side of the paintings, pixels")
    parser.add_argument("--num_steps", type=int, default=40, help="steps at each scale")
    parser.add_argument("--output_dir", type=Path, required=True)
    options = parser.parse_args()

    config = tf_style.preset_config("draft").replace(num_steps=options.num_steps, first_steps=options.num_steps)
    stylizer = tf_style.build_stylizer(config)
    style = tf.constant(tf_style.read_image(PICTURES / "great_wave.jpg").pixels[tf.newaxis])

    dataset = tf.data.Dataset.from_tensor_slices([str(PICTURES / name) for name in PHOTOS])
    dataset = dataset.map(lambda path: read_photo(path, options.size))
    dataset = dataset.map(lambda photo: stylizer(photo[tf.newaxis], [style])[0])

    for name, painting in zip(PHOTOS, dataset, strict=True):
        path = options.output_dir / Path(name).with_suffix(".png").name
        tf_style.write_image(path, painting.numpy())
        print(f"Wrote {path}", flush=True)
    print(f"The step was traced {stylizer.optimization.num_traces} time(s) for {len(PHOTOS)} pictures.")


if __name__ == "__main__":
    main()
