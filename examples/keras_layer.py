"""The stylizer as a Keras layer, in a model that is saved and loaded.

Shows: `StylizeLayer` works in a functional model like any other layer (here between one that turns bytes into floats
and one that turns the painting back). The saved file holds the backbone's weights and the options. To load it you need
tf_style but none of the settings, and you get the same pictures.

    python examples/keras_layer.py --output_dir=painted
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from PIL import Image

import tf_style

PICTURES = Path(__file__).parent / "pictures"


def build_model(num_steps: int) -> keras.Model:
    """The model takes two batches of pictures with values from 0 to 255, and returns paintings in the same form."""
    content = keras.Input((None, None, 3), name="content")
    style = keras.Input((None, None, 3), name="style")
    to_floats = keras.layers.Rescaling(1.0 / 255.0)
    options = {"num_steps": num_steps, "first_steps": num_steps}
    painting = tf_style.StylizeLayer("draft", options)([to_floats(content), to_floats(style)])
    return keras.Model([content, style], keras.layers.Rescaling(255.0)(painting))


def read(name: str, size: int) -> np.ndarray:
    """Reads a picture as float32 [1, H, W, 3] from 0 to 255."""
    with Image.open(PICTURES / name) as image:
        image.thumbnail((size, size), Image.Resampling.LANCZOS)
        return np.asarray(image.convert("RGB"), np.float32)[np.newaxis]


def main() -> None:
    """Paints a lake in the style of Composition VIII, with the model and with its copy loaded from a file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--size", type=int, default=256, help="long side of the painting, pixels")
    parser.add_argument("--num_steps", type=int, default=40, help="steps at each scale")
    parser.add_argument("--output_dir", type=Path, required=True)
    options = parser.parse_args()
    options.output_dir.mkdir(parents=True, exist_ok=True)

    pictures = [read("mountain_lake.jpg", options.size), read("composition_viii.jpg", options.size)]
    model = build_model(options.num_steps)
    painting = np.asarray(model(pictures))

    path = options.output_dir / "painter.keras"
    model.save(path)
    # In another program, `custom_objects` (or using `tf_style.StylizeLayer` first) tells Keras what the layer is.
    loaded = keras.saving.load_model(path, custom_objects={"StylizeLayer": tf_style.StylizeLayer})
    again = np.asarray(loaded(pictures))

    tf_style.write_image(options.output_dir / "keras_layer.png", again[0] / 255.0)
    print(f"Wrote {path} ({path.stat().st_size / 1e6:.0f} MB) and {options.output_dir / 'keras_layer.png'}")
    print(f"Largest difference between the two models: {np.abs(painting - again).max():.2g} of 255")


if __name__ == "__main__":
    main()
