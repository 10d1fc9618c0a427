"""A folder of photos, the commands that paint it, and what they leave."""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

from tests import command
from tests.materials import network_weights, tiny_encoder
from tf_style.build.network import make_network
from tf_style.cli.main import main
from tf_style.networks.archive import write_network

LANDSCAPE, PORTRAIT = (36, 48), (48, 36)
#: name -> painting size at --size=48
PICTURES = {
    "a.jpg": LANDSCAPE,
    "b.png": PORTRAIT,
    "c.webp": LANDSCAPE,
    "sub/d.JPEG": PORTRAIT,
    "sub/deeper/e.e.tif": LANDSCAPE,
    "turned.jpg": PORTRAIT,
}
SECONDS = 200  # longer than any of these runs takes on a slow machine


def target(name):
    return Path(name).with_suffix(".png").as_posix()


def write_pictures(folder):
    """A content folder `photos`, two styles, and things in the folder that are no pictures."""
    photos = folder / "photos"
    (photos / "sub" / "deeper").mkdir(parents=True)
    (photos / ".thumbnails").mkdir()
    command.write_picture(photos / "a.jpg", 45, 60)
    command.write_picture(photos / "b.png", 48, 36, seed=3, mode="RGBA")
    command.write_picture(photos / "c.webp", 36, 48, seed=4)
    command.write_picture(photos / "sub" / "d.JPEG", 60, 45, seed=5)
    command.write_picture(photos / "sub" / "deeper" / "e.e.tif", 39, 52, seed=6)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    with Image.open(command.write_picture(folder / "turned.png", 45, 60, seed=7)) as image:
        image.save(photos / "turned.jpg", exif=exif)
    command.write_picture(photos / ".hidden.png")
    command.write_picture(photos / ".thumbnails" / "a.jpg")
    (photos / "notes.txt").write_text("no picture\n")
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    command.write_picture(folder / "other.jpg", 40, 64, seed=2)


def write_tiny_network(path, kind="many_styles"):
    keras.utils.set_random_seed(0)
    styles = ("a", "b") if kind == "many_styles" else ()
    encoder = tiny_encoder() if kind == "arbitrary" else None
    network = make_network(kind, "float32", styles, encoder)
    rng = np.random.default_rng(0)
    for variable in network.table.weights if styles else ():
        variable.assign(rng.normal(0.0, 0.3, variable.shape))
    write_network(path, {"kind": kind, "styles": list(styles)}, network_weights(network, encoder))


OPTIMIZE = ("--style=style.jpg", *command.SHORT)
NETWORK = ("--network=network.npz", "--compute_dtype=float32", "--style=a,b", "--style_blend=0.7,0.3", "--size=48")


def stylize(*flags, content="photos"):
    return main(["stylize", f"--content={content}", *map(str, flags)])


def levels(path):
    with Image.open(path) as image:
        return np.asarray(image, np.int32)


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
