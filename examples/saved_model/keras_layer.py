"""An exported model as a Keras layer.

Shows: `keras.layers.TFSMLayer` puts a SavedModel into a Keras model, like any other layer (here before one that turns
the painting into floats from 0 to 1). TFSMLayer passes one input, but `stylize` takes several by name, so a subclass
passes them in its own `call`. The exported folder is read when the layer is made; tf_style is not needed.

    tf-style export --output=models/tf_style
    python examples/saved_model/keras_layer.py --model=models/tf_style/1 --output_dir=painted
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

PICTURES = Path(__file__).parent.parent / "pictures"


class StylizeLayer(keras.layers.TFSMLayer):
    """Takes `[content, style]`, uint8 batches (the style may be a batch of one), and returns a uint8 batch."""

    def __init__(self, model: Path, num_steps: int):
        super().__init__(str(model), call_endpoint="serving_default", trainable=False)
        # Python must pass every input: only TensorFlow Serving uses a signature's defaults. The card holds them too.
        config = json.loads((model / "assets.extra" / "tf_style.json").read_text(encoding="utf-8"))["config"]
        weights = {name: [config[name]] for name in ("seed", "content_weight", "style_weight")}
        self.options = {"num_steps": [num_steps], **weights}

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        content, style = inputs
        options = {name: tf.constant(value) for name, value in self.options.items()}
        return self.call_endpoint_fn(content=content, style=style, **options)["image"]


def build_model(model: Path, num_steps: int) -> keras.Model:
    """The model takes two uint8 batches of pictures and returns float32 paintings from 0 to 1."""
    content = keras.Input((None, None, 3), name="content", dtype="uint8")
    style = keras.Input((None, None, 3), name="style", dtype="uint8")
    painting = StylizeLayer(model, num_steps)([content, style])
    return keras.Model([content, style], keras.layers.Rescaling(1.0 / 255.0)(painting))


def read(name: str, size: int) -> np.ndarray:
    """Reads a picture as uint8 [1, H, W, 3]."""
    with Image.open(PICTURES / name) as image:
        image.thumbnail((size, size), Image.Resampling.LANCZOS)
        return np.asarray(image.convert("RGB"))[np.newaxis]


def main() -> None:
    """Paints a lake in the style of Composition VIII, alone and in a batch of two."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the folder of one exported version")
    parser.add_argument("--size", type=int, default=256, help="long side of the painting, pixels")
    parser.add_argument("--num_steps", type=int, default=40, help="steps at each scale")
    parser.add_argument("--output_dir", type=Path, required=True)
    options = parser.parse_args()
    options.output_dir.mkdir(parents=True, exist_ok=True)

    lake, style = read("mountain_lake.jpg", options.size), read("composition_viii.jpg", options.size)
    model = build_model(options.model, options.num_steps)
    alone = np.asarray(model([lake, style]))
    batch = np.asarray(model([np.concatenate([lake, lake[:, :, ::-1]]), style]))

    path = options.output_dir / "keras_layer.png"
    Image.fromarray(np.rint(alone[0] * 255.0).astype(np.uint8)).save(path)
    print(f"Wrote {path}")
    difference = np.abs(alone[0] - batch[0]).max() * 255.0
    print(f"Largest difference between alone and in a batch: {difference:.2g} of 255")


if __name__ == "__main__":
    main()
