"""Pictures that tile: opposite edges are neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tf_style.ops.periodic import periodic_blur, periodic_component, wrap_pad
from tf_style.types import Image, Nest

#: Sides of tileable pictures are multiples of this, so that a backbone's four poolings leave nothing out.
TILE = 16

_FADE = 0.15  # share of a side over which the mirror image fades in
_DETAIL = 1 / 32  # share of a side: standard deviation of the Gaussian that separates forms from detail
_ALONG = 8  # detail is mirrored from an eighth of a side further along
_MARGIN = 3  # sixteenths of a side around a picture to enlarge: 6 of 32 pixels, and the widest kernel reaches 5


def on_a_torus(image: Image) -> Image:
    """Changes a picture near its edges so that neither colours nor forms break off there; in [0, 1].

    Raises:
      tf.errors.InvalidArgumentError: A side is not a multiple of 16.
    """
    check = tf.debugging.assert_equal(
        tf.shape(image)[1:3] % TILE, 0, f"Sides of tileable pictures must be multiples of {TILE} pixels."
    )
    with tf.control_dependencies([] if check is None else [check]):
        image = periodic_component(image)
    for axis in (1, 2):
        image = _mirrored_at_the_edges(image, axis)
    return tf.clip_by_value(image, 0.0, 1.0)


def _mirrored_at_the_edges(image: Image, axis: int) -> Image:
    """Fades the picture, towards the first row, into the mean of itself and its mirror image, so that forms meet there.

    The mirror axis is the middle of that row. Between the first and the last row it would make the two equal, and the
    edge would show as a smooth line. A mean of two pictures has less detail than either, so detail is blended with
    weights whose squares add up to 1, and with mirrored detail from further along the edge, which differs at the axis
    too (variance-preserving blending: Heitz and Neyret, "High-Performance By-Example Noise using a
    Histogram-Preserving Blending Operator", HPG 2018).
    """
    side = tf.cast(tf.shape(image)[axis], tf.float32)
    place = tf.range(side)
    nearness = 1.0 - tf.minimum(tf.minimum(place, side - place) / (_FADE * side), 1.0)
    share = tf.reshape(0.5 * tf.sin(0.5 * math.pi * nearness) ** 2, [-1, *[1] * (3 - axis)])

    def mirrored(picture: Image) -> Image:
        return tf.roll(tf.reverse(picture, [axis]), 1, axis)

    forms = periodic_blur(image, _DETAIL * side)
    detail = image - forms
    other = tf.roll(mirrored(detail), tf.shape(image)[3 - axis] // _ALONG, 3 - axis)
    forms = (1.0 - share) * forms + share * mirrored(forms)
    return forms + ((1.0 - share) * detail + share * other) / tf.sqrt((1.0 - share) ** 2 + share**2)


def resize_on_a_torus(state: Nest, own: Sequence, size: Sequence, resize: Callable[[Nest, tuple], Nest]) -> Nest:
    """Resizes pictures and their state as if opposite edges were neighbours.

    Args:
      state: Tensors; those of rank 4 or more have height and width at axes -3 and -2.
      own: The present height and width, multiples of 16.
      size: The new height and width, multiples of 16.
      resize: (state, size) -> state, an ordinary resize.
    """
    margins = [[_MARGIN * (side // TILE) for side in sides] for sides in (own, size)]  # in the same ratio at any size

    def pad(leaf: tf.Tensor) -> tf.Tensor:
        return wrap_pad(leaf, *margins[0]) if leaf.shape.rank >= 4 else leaf

    def crop(leaf: tf.Tensor) -> tf.Tensor:
        return without_margin(leaf, margins[1]) if leaf.shape.rank >= 4 else leaf

    padded = tuple(side + 2 * margin for side, margin in zip(size, margins[1], strict=True))
    return tf.nest.map_structure(crop, resize(tf.nest.map_structure(pad, state), padded))


def without_margin(tensor: tf.Tensor, margin: Sequence) -> tf.Tensor:
    """Crops `margin` rows and columns from each side of [..., H, W, C]."""
    for axis, rows in zip((-3, -2), margin, strict=True):
        axis += len(tensor.shape)
        _, tensor, _ = tf.split(tensor, [rows, tf.shape(tensor)[axis] - 2 * rows, rows], axis)
    return tensor
