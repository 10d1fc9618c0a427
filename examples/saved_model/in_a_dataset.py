"""An exported model as a step of a `tf.data` pipeline.

Shows: `tf.saved_model.load` returns the signatures as functions, and one of them paints every picture of a dataset
inside `dataset.map(...)`. You need only TensorFlow and the exported folder, not tf_style.

    tf-style export --output=models/tf_style
    python examples/saved_model/in_a_dataset.py --model=models/tf_style/1 --output_dir=painted
"""

import argparse
import json
import sys
from pathlib import Path

import tensorflow as tf

PICTURES = Path(__file__).parent.parent / "pictures"
PHOTOS = ("lighthouse.jpg", "mountain_lake.jpg", "woman_with_hat.jpg")


def read_photo(path: tf.Tensor, size: int) -> tf.Tensor:
    """A JPEG file as uint8 [H, W, 3], its long side `size` pixels."""
    photo = tf.cast(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), tf.float32)
    photo = tf.image.resize(photo, [size, size], preserve_aspect_ratio=True, antialias=True)
    return tf.saturate_cast(tf.round(photo), tf.uint8)


def main() -> None:
    """Paints the photographs in the style of the Great Wave."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the folder of one exported version")
    parser.add_argument("--size", type=int, default=256, help="long side of the paintings, pixels")
    parser.add_argument("--num_steps", type=int, default=40, help="steps at each scale")
    parser.add_argument("--output_dir", type=Path, required=True)
    options = parser.parse_args()
    options.output_dir.mkdir(parents=True, exist_ok=True)

    model = tf.saved_model.load(str(options.model))  # keep it: the signatures do not hold the weights
    stylize = model.signatures["stylize"]
    style = read_photo(tf.constant(str(PICTURES / "great_wave.jpg")), options.size)[tf.newaxis]

    # Python must pass every input: only TensorFlow Serving uses a signature's defaults. The card holds the same values.
    config = json.loads((options.model / "assets.extra" / "tf_style.json").read_text(encoding="utf-8"))["config"]
    inputs = {name: tf.constant([config[name]]) for name in ("seed", "content_weight", "style_weight")}
    inputs["num_steps"] = tf.constant([options.num_steps])

    def paint(photo: tf.Tensor) -> tf.Tensor:
        return stylize(content=photo[tf.newaxis], style=style, **inputs)["image"][0]

    dataset = tf.data.Dataset.from_tensor_slices([str(PICTURES / name) for name in PHOTOS])
    dataset = dataset.map(lambda path: read_photo(path, options.size), num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.map(paint)  # one at a time: a painting keeps all cores busy
    dataset = dataset.map(tf.io.encode_png).prefetch(1)

    for name, painting in zip(PHOTOS, dataset, strict=True):
        path = options.output_dir / Path(name).with_suffix(".png").name
        path.write_bytes(painting.numpy())
        print(f"Wrote {path}", flush=True)
    ours = sum(module.partition(".")[0] == "tf_style" for module in sys.modules)
    print(f"Modules of tf_style in this process: {ours}")


if __name__ == "__main__":
    main()
