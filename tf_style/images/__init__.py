"""Reads, writes and resizes image files; all access to them goes through here.

Nothing here imports TensorFlow, so a program can check its inputs before it loads anything heavy.
"""

from tf_style.images.arrays import from_pil, to_float, to_pil, to_uint8, to_uint16
from tf_style.images.encoded import decode_uint8, encode_jpeg, encode_png
from tf_style.images.formats import READABLE, READABLE_SUFFIXES
from tf_style.images.geometry import fill_transparent, fit_size, painting_size, resize, resize_plane
from tf_style.images.header import read_size
from tf_style.images.masks import (
    Masks,
    check_mask,
    check_mask_count,
    check_painted,
    grey_of,
    has_colors,
    make_masks,
    read_mask,
    resize_mask,
    stack_masks,
    warn_of_colors,
    without_rest,
)
from tf_style.images.picture import DEFAULT_MAX_PIXELS, MIN_SIDE, ImageError, Picture, PictureWarning, WriteError
from tf_style.images.reading import read_image
from tf_style.images.visible import read_visible, with_own_alpha
from tf_style.images.writing import check_output_path, remove_leftovers, replacing, write_image

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "MIN_SIDE",
    "READABLE",
    "READABLE_SUFFIXES",
    "ImageError",
    "Masks",
    "Picture",
    "PictureWarning",
    "WriteError",
    "check_mask",
    "check_mask_count",
    "check_painted",
    "check_output_path",
    "decode_uint8",
    "encode_jpeg",
    "encode_png",
    "fill_transparent",
    "fit_size",
    "from_pil",
    "grey_of",
    "has_colors",
    "make_masks",
    "painting_size",
    "read_image",
    "read_mask",
    "read_size",
    "read_visible",
    "remove_leftovers",
    "replacing",
    "resize",
    "resize_plane",
    "resize_mask",
    "stack_masks",
    "to_float",
    "to_pil",
    "to_uint8",
    "to_uint16",
    "warn_of_colors",
    "with_own_alpha",
    "write_image",
    "without_rest",
]
