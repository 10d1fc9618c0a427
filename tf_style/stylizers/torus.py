"""Pictures that tile: opposite edges are neighbours."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tf_style.ops.periodic import periodic_blur, periodic_component, wrap_pad
from tf_style.types import Image, Nest

#: Sides of tiles are multiples of it: then a backbone's four poolings leave nothing out.
TILE = 16

_FADE = 0.15  # of a side
_DETAIL = 1 / 32  # of a side: what a Gaussian of that standard deviation takes away
_ALONG = 8  # parts of a side
_MARGIN = 3  # sixteenths of a side around a picture that is enlarged: at 32 pixels, 6, and the widest kernel reaches 5


def on_a_torus(image: Image) -> Image:
    """The picture with neither a jump nor forms that end between opposite edges, in [0, 1].

    Raises:
      tf.errors.InvalidArgumentError: A side is no multiple of 16.
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
    """Towards the first row the picture fades into the mean of itself and its mirror image, so that forms meet there.

    The mirror lies in the middle of that row: one between the first and the last would make them equal, so that the
    edges would show as a smooth line. The mean of two pictures has less detail than either; so detail is blended with
    weights whose squares add up to 1, and with mirrored detail from a little further along the edge, which is another
    one at the mirror itself too (variance-preserving blending: Heitz and Neyret, "High-Performance By-Example Noise
    using a Histogram-Preserving Blending Operator", HPG 2018).
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
    """Brings pictures and what belongs to them to another size, as neighbours across the edges want it.

    Args:
      state: Tensors; those of rank 4 and more have height and width at axes -3 and -2.
      own: Height and width, multiples of 16.
      size: The new ones, multiples of 16.
      resize: (state, size) -> state, which knows nothing of the torus.
    """
    margins = [[_MARGIN * (side // TILE) for side in sides] for sides in (own, size)]  # of one ratio, whatever the size

    def pad(leaf: tf.Tensor) -> tf.Tensor:
        return wrap_pad(leaf, *margins[0]) if leaf.shape.rank >= 4 else leaf

    def crop(leaf: tf.Tensor) -> tf.Tensor:
        return without_margin(leaf, margins[1]) if leaf.shape.rank >= 4 else leaf

    padded = tuple(side + 2 * margin for side, margin in zip(size, margins[1], strict=True))
    return tf.nest.map_structure(crop, resize(tf.nest.map_structure(pad, state), padded))


def without_margin(tensor: tf.Tensor, margin: Sequence) -> tf.Tensor:
    """[..., H, W, C] without so many rows and columns on each side."""
    for axis, rows in zip((-3, -2), margin, strict=True):
        axis += len(tensor.shape)
        _, tensor, _ = tf.split(tensor, [rows, tf.shape(tensor)[axis] - 2 * rows, rows], axis)
    return tensor
