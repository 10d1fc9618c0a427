"""Pictures seen at other places: moved along a flow, at another size, in patches askew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from tf_style.ops.noise import uniform
from tf_style.types import Image, Tensor

_CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))  # of a square, (x, y), around it


def warp(image: Image, flow: Tensor) -> Image:
    """The picture that shows at each pixel what lies where the flow points.

    The interpolation is Catmull-Rom's cubic: it is exact for straight lines and parabolas, and a picture that is moved
    again and again stays sharper than by bilinear interpolation. It is differentiable in the picture and in the flow.

    Args:
      image: Float32 [B, H, W, C].
      flow: Float32 [B or 1, H, W, 2]: steps right and down in pixels.

    Returns:
      Float32 [B, H, W, C]; beyond the edges, the pixels at the edges. Values may lie slightly outside the picture's.

    Reference:
      R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics, Speech,
      and Signal Processing 29(6), 1981, eq. 15 (a = -1/2).
    """
    batch, height, width, channels = ops.shape(image)
    columns = ops.arange(width, dtype="float32") + flow[..., 0]
    rows = ops.arange(height, dtype="float32")[:, None] + flow[..., 1]
    flat = ops.reshape(image, (batch * height * width, channels))
    first = ops.arange(batch, dtype="int32")[:, None, None] * (height * width)
    left, across = _neighbours(columns, width)
    top, down = _neighbours(rows, height)
    warped = ops.zeros_like(image)
    for row, row_weight in zip(top, down, strict=True):
        for column, column_weight in zip(left, across, strict=True):
            pixels = ops.take(flat, first + row * width + column, axis=0)
            warped = warped + (row_weight * column_weight)[..., None] * pixels
    return warped


def _neighbours(places: Tensor, size: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The four pixels around places on one axis, and their weights."""
    whole = ops.floor(places)
    t = places - whole
    first = ops.cast(whole, "int32") - 1
    weights = [
        t * (t * (1.0 - 0.5 * t) - 0.5),
        t * t * (1.5 * t - 2.5) + 1.0,
        t * (t * (2.0 - 1.5 * t) + 0.5),
        t * t * (0.5 * t - 0.5),
    ]
    return [ops.clip(first + offset, 0, size - 1) for offset in range(4)], weights


def resampled(image: Image, size: Sequence) -> Image:
    """The picture at another size, by antialiased cubic resampling.

    Args:
      image: Float32 [B, H, W, C].
      size: (height, width).

    Returns:
      Float32 [B, height, width, C]; values may lie slightly outside the picture's.

    Reference:
      Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE Transactions on Acoustics, Speech, and
      Signal Processing 29, 1981, equation 15.
    """
    rows, columns = (_cubic_matrix(ops.shape(image)[axis + 1], size[axis]) for axis in range(2))
    return ops.einsum("yh,bhwc,xw->byxc", rows, image, columns)


def _cubic_matrix(own: Tensor, wanted: Tensor) -> Tensor:
    """The weights [wanted, own] of pixels along one axis."""
    pixels, wanted_pixels = (ops.arange(number, dtype="float32") + 0.5 for number in (own, wanted))
    ratio = ops.cast(own, "float32") / ops.cast(wanted, "float32")
    places = wanted_pixels[:, None] * ratio - pixels
    distance = ops.abs(places) / ops.maximum(ratio, 1.0)
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    weights = ops.where(distance < 1.0, near, ops.where(distance < 2.0, far, 0.0))
    return weights / ops.sum(weights, 1, keepdims=True)


def random_patches(
    image: Image, seed: Sequence[Any] | Tensor, *, number: int, share: float = 0.25, tilt: float = 0.5, side: int = 224
) -> Image:
    """Square patches at random places, the same places in all pictures of a batch.

    Each corner of a patch moves inwards by a random amount, so that the patch is seen in perspective.

    Args:
      image: Float32 [B, H, W, 3].
      seed: Two integers, or int32 [2]; the same seed gives the same places.
      number: How many patches of each picture, N.
      share: A patch's side as a share of the picture's short side, in (0, 1].
      tilt: How far corners move, as a share of half a patch's side, in [0, 1).
      side: The side of the returned patches, in pixels, S.

    Returns:
      Float32 [B, N, S, S, 3], interpolated linearly.

    Reference:
      Kwon and Ye, "CLIPstyler: Image Style Transfer with a Single Text Condition", CVPR 2022, section 3.2
      (https://arxiv.org/abs/2112.00374). There the corners move in the patch that is returned, and what lies beyond
      them is black; here nothing is.
    """
    size = ops.stack([ops.cast(side, "float32") for side in ops.shape(image)[1:3]])
    random = ops.reshape(uniform((seed[0], seed[1]), number * 10), (number, 5, 2))
    long = share * ops.min(size)
    first = random[:, :1] * (size[::-1] - long)  # (x, y) of the top left corner
    corners = ops.convert_to_tensor(_CORNERS)
    inwards = (1.0 - 2.0 * corners) * (0.5 * tilt * random[:, 1:])
    places = _through_perspective(first + long * (corners + inwards), side)
    return _sampled(image, places - 0.5)


def _through_perspective(corners: Tensor, side: int) -> Tensor:
    """Where the pixels of a square lie in quadrilaterals [N, 4, 2], float32 [N, S, S, 2].

    Reference:
      P. Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3.
    """
    first, second, third, fourth = ops.unstack(corners, axis=1)
    across, down, rest = second - third, fourth - third, first - second + third - fourth
    scale = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    g = ((rest[:, 0] * down[:, 1] - rest[:, 1] * down[:, 0]) / scale)[:, None]
    h = ((across[:, 0] * rest[:, 1] - across[:, 1] * rest[:, 0]) / scale)[:, None]
    by_x, by_y = second - first + g * second, fourth - first + h * fourth
    steps = (ops.arange(side, dtype="float32") + 0.5) / side
    x, y = (grid[None, ..., None] for grid in ops.meshgrid(steps, steps))
    by_x, by_y, first = (value[:, None, None] for value in (by_x, by_y, first))
    g, h = (value[:, None, None] for value in (g, h))
    return (by_x * x + by_y * y + first) / (g * x + h * y + 1.0)


def _sampled(image: Image, places: Tensor) -> Image:
    """A picture's colours at places (x, y), [N, S, S, 2], in pixels from the middle of the first one."""
    batch, height, width, channels = ops.shape(image)
    flat = ops.reshape(image, (batch, height * width, channels))
    whole = ops.floor(places)
    x, y = ops.unstack(ops.cast(whole, "int32"), axis=-1)
    right, below = ops.split(places - whole, 2, axis=-1)

    def pixels(column: Tensor, row: Tensor) -> Tensor:
        column, row = ops.clip(column, 0, width - 1), ops.clip(row, 0, height - 1)
        return ops.take(flat, row * width + column, axis=1)

    upper = (1.0 - right) * pixels(x, y) + right * pixels(x + 1, y)
    lower = (1.0 - right) * pixels(x, y + 1) + right * pixels(x + 1, y + 1)
    return (1.0 - below) * upper + below * lower
