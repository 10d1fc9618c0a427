"""Pictures seen at other places: moved along a flow, at another size, in patches askew."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tf_style.types import Image

_CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))  # of a square, (x, y), around it


def warp(image: Image, flow: tf.Tensor) -> Image:
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
    shape = tf.shape(image)
    height, width = shape[1], shape[2]
    columns = tf.cast(tf.range(width), tf.float32) + flow[..., 0]
    rows = tf.cast(tf.range(height)[:, tf.newaxis], tf.float32) + flow[..., 1]
    flat = tf.reshape(image, [shape[0], height * width, image.shape[-1]])
    left, across = _neighbours(columns, width)
    top, down = _neighbours(rows, height)
    warped = tf.zeros_like(image)
    for row, row_weight in zip(top, down, strict=True):
        for column, column_weight in zip(left, across, strict=True):
            places = tf.broadcast_to(row * width + column, shape[:3])
            pixels = tf.gather(flat, places, axis=1, batch_dims=1)
            warped += (row_weight * column_weight)[..., tf.newaxis] * pixels
    return tf.ensure_shape(warped, image.shape)


def _neighbours(places: tf.Tensor, size: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """The four pixels around places on one axis, and their weights."""
    whole = tf.floor(places)
    t = places - whole
    first = tf.cast(whole, tf.int32) - 1
    weights = [
        t * (t * (1.0 - 0.5 * t) - 0.5),
        t * t * (1.5 * t - 2.5) + 1.0,
        t * (t * (2.0 - 1.5 * t) + 0.5),
        t * t * (0.5 * t - 0.5),
    ]
    return [tf.clip_by_value(first + offset, 0, size - 1) for offset in range(4)], weights


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
    rows, columns = (_cubic_matrix(tf.shape(image)[axis + 1], size[axis]) for axis in range(2))
    return tf.einsum("yh,bhwc,xw->byxc", rows, image, columns)


def _cubic_matrix(own: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """The weights [wanted, own] of pixels along one axis."""
    own, wanted = tf.cast(own, tf.float32), tf.cast(wanted, tf.float32)
    places = (tf.range(wanted) + 0.5)[:, tf.newaxis] * (own / wanted) - (tf.range(own) + 0.5)
    distance = tf.abs(places) / tf.maximum(own / wanted, 1.0)
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    weights = tf.where(distance < 1.0, near, tf.where(distance < 2.0, far, 0.0))
    return weights / tf.reduce_sum(weights, 1, keepdims=True)


def random_patches(
    image: Image, seed: tf.Tensor, *, number: int, share: float = 0.25, tilt: float = 0.5, side: int = 224
) -> Image:
    """Square patches at random places, the same places in all pictures of a batch.

    Each corner of a patch moves inwards by a random amount, so that the patch is seen in perspective.

    Args:
      image: Float32 [B, H, W, 3].
      seed: Int32 [2]; the same seed gives the same places.
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
    size = tf.cast(tf.shape(image)[1:3], tf.float32)
    random = tf.random.stateless_uniform([number, 5, 2], seed, alg="philox")  # the same under XLA
    long = share * tf.reduce_min(size)
    first = random[:, :1] * (size[::-1] - long)  # (x, y) of the top left corner
    corners = tf.constant(_CORNERS)
    inwards = (1.0 - 2.0 * corners) * (0.5 * tilt * random[:, 1:])
    places = _through_perspective(first + long * (corners + inwards), side)
    return _sampled(image, places - 0.5)


def _through_perspective(corners: tf.Tensor, side: int) -> tf.Tensor:
    """Where the pixels of a square lie in quadrilaterals [N, 4, 2], float32 [N, S, S, 2].

    Reference:
      P. Heckbert, "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3.
    """
    first, second, third, fourth = tf.unstack(corners, axis=1)
    across, down, rest = second - third, fourth - third, first - second + third - fourth
    scale = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    g = ((rest[:, 0] * down[:, 1] - rest[:, 1] * down[:, 0]) / scale)[:, tf.newaxis]
    h = ((across[:, 0] * rest[:, 1] - across[:, 1] * rest[:, 0]) / scale)[:, tf.newaxis]
    by_x, by_y = second - first + g * second, fourth - first + h * fourth
    steps = (tf.range(side, dtype=tf.float32) + 0.5) / side
    x, y = (grid[tf.newaxis, ..., tf.newaxis] for grid in tf.meshgrid(steps, steps))
    by_x, by_y, first = (value[:, tf.newaxis, tf.newaxis] for value in (by_x, by_y, first))
    g, h = (value[:, tf.newaxis, tf.newaxis] for value in (g, h))
    return (by_x * x + by_y * y + first) / (g * x + h * y + 1.0)


def _sampled(image: Image, places: tf.Tensor) -> Image:
    """A picture's colours at places (x, y), [N, S, S, 2], in pixels from the middle of the first one."""
    shape = tf.shape(image)
    height, width = shape[1], shape[2]
    flat = tf.reshape(image, [shape[0], height * width, image.shape[-1]])
    whole = tf.floor(places)
    x, y = tf.unstack(tf.cast(whole, tf.int32), axis=-1)
    right, below = tf.split(places - whole, 2, axis=-1)

    def pixels(column: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        column, row = tf.clip_by_value(column, 0, width - 1), tf.clip_by_value(row, 0, height - 1)
        return tf.gather(flat, row * width + column, axis=1)

    upper = (1.0 - right) * pixels(x, y) + right * pixels(x + 1, y)
    lower = (1.0 - right) * pixels(x, y + 1) + right * pixels(x + 1, y + 1)
    return (1.0 - below) * upper + below * lower
