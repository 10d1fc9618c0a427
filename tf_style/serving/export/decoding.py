"""Decodes and encodes pictures in a graph: JPEG, PNG, WebP, GIF and BMP in, PNG or JPEG out."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tf_style.ops.orientation import orientation, upright
from tf_style.serving.export import guards
from tf_style.stylizers.scaling import MIN_SIDE, resize

#: Encoded pictures with more pixels are refused before they are decoded.
MAX_FILE_PIXELS = 50_000_000

_JPEG_QUALITY = 95


def decode(name: str, contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads an encoded picture.

    Applies the EXIF orientation of a JPEG. Ignores colour profiles: pixels are read as sRGB, CMYK JPEG too. Takes the
    first frame of an animation, and the upper 8 bits of a 16-bit PNG.

    Args:
      name: The input's name, for errors.
      contents: String scalar, the file.

    Returns:
      The picture, uint8 [H, W, 3], and its alpha, uint8 [H, W, 1]; 255 if the file has none.
    """
    contents = _without_bombs(name, contents)
    is_bmp = tf.equal(tf.strings.substr(contents, 0, 2), "BM")
    pixels = tf.io.decode_image(contents, channels=0, expand_animations=False)
    pixels = tf.ensure_shape(pixels, [None, None, None])
    channels = tf.shape(pixels)[2]
    # Grey and alpha, or RGB and alpha. A BMP's fourth byte is mostly unused.
    has_fourth = tf.equal(channels % 2, 0)
    alpha = tf.cond(
        has_fourth & ~is_bmp, lambda: pixels[:, :, -1:], lambda: tf.fill(_plane(pixels), tf.constant(255, tf.uint8))
    )
    colors = pixels[:, :, : channels - tf.cast(has_fourth, tf.int32)]
    colors = tf.cond(channels < 3, lambda: tf.repeat(colors, 3, axis=2), lambda: colors)
    both = upright(tf.concat([colors, alpha], axis=2), orientation(contents))
    return tf.ensure_shape(both[:, :, :3], [None, None, 3]), tf.ensure_shape(both[:, :, 3:], [None, None, 1])


def encode(picture: tf.Tensor, alpha: tf.Tensor, image_format: str = "png") -> tf.Tensor:
    """Encodes a picture.

    Args:
      picture: Uint8 [H, W, 3].
      alpha: Uint8 [H, W, 1]; left out if it is 255 everywhere, and for JPEG.
      image_format: "png" or "jpeg" (quality 95, colours at full resolution).

    Returns:
      The file, a string scalar.
    """
    if image_format == "jpeg":
        return tf.io.encode_jpeg(picture, quality=_JPEG_QUALITY, chroma_downsampling=False)
    opaque = tf.reduce_all(tf.equal(alpha, 255))
    return tf.cond(
        opaque,
        lambda: tf.io.encode_png(picture, compression=3),
        lambda: tf.io.encode_png(tf.concat([picture, alpha], axis=2), compression=3),
    )


def to_size(name: str, picture: tf.Tensor, long_side: int) -> tf.Tensor:
    """The picture as float32 [1, H, W, C] in [0, 1], reduced to a long side of `long_side` pixels; 0 keeps its size."""
    image = tf.cast(picture[tf.newaxis], tf.float32) / 255.0
    if long_side == 0:
        return image
    own = tf.shape(image)[1:3]
    longest = tf.reduce_max(own)
    long_side = tf.minimum(long_side, longest)
    size = (2 * own * long_side + longest) // (2 * longest)
    image = guards.require(
        tf.reduce_min(size) >= MIN_SIDE,
        f"each side of {name} must have at least {MIN_SIDE} pixels after it is reduced, but would have",
        size,
        image,
    )
    return resize(image, tf.unstack(size))


def _plane(pixels: tf.Tensor) -> tf.Tensor:
    return tf.concat([tf.shape(pixels)[:2], [1]], axis=0)


def _without_bombs(name: str, contents: tf.Tensor) -> tf.Tensor:
    """Checks that the file is of a known kind, and that its header does not claim too many pixels."""
    contents = guards.require(tf.strings.length(contents) > 0, f"{name} holds an empty file of bytes:", 0, contents)
    header = tf.io.decode_raw(tf.strings.substr(contents, 0, tf.minimum(tf.strings.length(contents), 32)), tf.uint8)
    header = tf.cast(tf.concat([header, tf.zeros([32 - tf.size(header)], tf.uint8)], axis=0), tf.int64)
    size = tf.stack([tf.constant(-1, tf.int64)] * 2)
    for is_kind, read_size in _KINDS:
        size = tf.cond(is_kind(header), lambda read_size=read_size: read_size(header, contents), lambda size=size: size)
    sentence = f"{name} must hold JPEG, PNG, WebP, GIF or BMP files, but one begins with the bytes"
    contents = guards.require(size[0] != -1, sentence, header[:8], contents)
    small = tf.reduce_max(size) < 2**31  # so that the product does not overflow
    sentence = f"{name} may have at most {MAX_FILE_PIXELS} pixels in a file, but one has the sides"
    return guards.require(small & (tf.reduce_prod(size) <= MAX_FILE_PIXELS), sentence, size, contents)


def _begins(*patterns: tuple[int, bytes]) -> Callable[[tf.Tensor], tf.Tensor]:
    """Tests whether a header has the given bytes at the given places."""

    def begins(header: tf.Tensor) -> tf.Tensor:
        return tf.reduce_all(
            [tf.reduce_all(tf.equal(header[at : at + len(text)], list(text))) for at, text in patterns]
        )

    return begins


def _little(header: tf.Tensor, at: int, count: int) -> tf.Tensor:
    """A number of `count` bytes, the lowest first."""
    return tf.reduce_sum(header[at : at + count] * [256**place for place in range(count)])


def _png_size(header: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    return tf.stack([_little(header[::-1], 12, 4), _little(header[::-1], 8, 4)])


def _jpeg_size(header: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.io.extract_jpeg_shape(contents)[:2], tf.int64)


def _gif_size(header: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    return tf.stack([_little(header, 6, 2), _little(header, 8, 2)])


def _bmp_size(header: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    height = _little(header, 22, 4)  # negative for rows from the top
    return tf.stack([_little(header, 18, 4), tf.minimum(height, 2**32 - height)])


def _lossy_webp_size(header: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    return tf.stack([_little(header, 26, 2) % 2**14, _little(header, 28, 2) % 2**14])


def _lossless_webp_size(header: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    both = _little(header, 21, 4)
    return tf.stack([both % 2**14 + 1, both // 2**14 % 2**14 + 1])


def _extended_webp_size(header: tf.Tensor, contents: tf.Tensor) -> tf.Tensor:
    return tf.stack([_little(header, 24, 3) + 1, _little(header, 27, 3) + 1])


#: How a kind of file begins, and where its sides are.
_KINDS = (
    (_begins((0, b"\xff\xd8")), _jpeg_size),
    (_begins((0, b"\x89PNG"), (12, b"IHDR")), _png_size),
    (_begins((0, b"GIF8")), _gif_size),
    (_begins((0, b"BM")), _bmp_size),
    (_begins((0, b"RIFF"), (8, b"WEBPVP8 ")), _lossy_webp_size),
    (_begins((0, b"RIFF"), (8, b"WEBPVP8L")), _lossless_webp_size),
    (_begins((0, b"RIFF"), (8, b"WEBPVP8X")), _extended_webp_size),
)
