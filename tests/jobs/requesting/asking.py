"""A command line for the server without a model, and the picture that it should answer."""

import numpy as np
from PIL import Image

from tests.serving.client.fake_server import painting
from tf_style import images

FILES = ["--content=content.png", "--style=style.jpg", "--output=out.png", "--size=48"]


def line(server, *flags):
    own_style = any(flag.startswith("--style=") for flag in flags)  # else it would be a second one
    files = [flag for flag in FILES if not (own_style and flag.startswith("--style="))]
    return ["request", f"--server={server.address}", *files, *flags]


def levels(path, size=(36, 48)):
    """A picture as it is sent."""
    return images.to_uint8(images.resize(images.read_image(path), size).pixels)


def expected(content="content.png", share=1.0, size=(36, 48)):
    """What the server makes of it."""
    style = images.to_uint8(images.read_image("style.jpg").pixels)
    return painting(levels(content, size)[None], style.mean(axis=(0, 1))[None], [share])[0]


def painted(path="out.png"):
    with Image.open(path) as image:
        return np.asarray(image)
