"""Reads and writes picture files piece by piece (libvips), so they need not fit in memory."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tf_style.images.geometry import MIN_VISIBLE_ALPHA, fill_transparent
from tf_style.images.picture import ImageError, Picture, PictureWarning, WriteError, one_line
from tf_style.images.profiles import changes_colors, srgb_profile
from tf_style.images.strips.planes import LINEAR, Plane, resized, save_plane, vips
from tf_style.images.writing import DEEP_FORMATS, FORMATS, MAX_SIDE, OPAQUE_FORMATS, replacing

if TYPE_CHECKING:
    import pyvips

_MM_PER_INCH = 25.4
_USUAL_DPI = (72.0, 72.0)
_STREAMED_FORMATS = ("PNG", "JPEG", "TIFF", "WebP")
_LOADERS = ("jpeg", "png", "webp", "tiff", "gif")  # others read some files otherwise than read_image
_HIDDEN = MIN_VISIBLE_ALPHA
_IN_ORDER = (0, 1, 2)  # EXIF orientations that keep the order of rows
_NEAR = 16  # rows above and below a strip from which invisible pixels may take their colours


@dataclasses.dataclass(frozen=True)
class StreamedSource:
    """A picture file's metadata.

    `profile` is its ICC profile if that is for RGB and does not amount to sRGB; `dpi` is its pixels per inch, if given.
    """

    profile: bytes | None
    dpi: tuple[float, float] | None
    has_alpha: bool
    bit_depth: int


@dataclasses.dataclass(frozen=True)
class Original:
    """A picture file whose own levels are kept where all masks are 0.

    Args:
      path: The file.
      masks: Planes of 1 channel, at the size that is written.
    """

    path: Path
    masks: tuple[Plane, ...]


def read_source(path: str | os.PathLike[str]) -> StreamedSource:
    """Reads a picture file's metadata from its header.

    Raises:
      ImageError: The file cannot be read.
    """
    with _one_sentence(path):
        return _source_of(vips().Image.new_from_file(str(path), access="sequential", fail_on="error"))


def is_streamable(path: str | os.PathLike[str]) -> bool:
    """Whether this module reads the file as `read_image` does: of a usual kind, grey or RGB, with 8 or 16 bits."""
    try:
        image = vips().Image.new_from_file(str(path), access="sequential")
    except vips().Error:
        return False
    usual = image.interpretation in ("srgb", "rgb", "rgb16", "b-w", "grey16")
    usual = usual and image.get("vips-loader").removesuffix("load") in _LOADERS
    return usual and image.format in ("uchar", "ushort") and image.bands <= 4


def decode_to_plane(
    path: str | os.PathLike[str], target: Plane, alpha: Plane | None = None, *, smooth: bool = True
) -> StreamedSource:
    """Reads a picture file, upright and in sRGB, into a plane, resized to its size.

    Invisible pixels get their nearest visible neighbours' colours, as in `fill_transparent`, strip by strip.

    Args:
      path: The picture.
      target: The plane to create, float32 with 3 channels: sRGB in [0, 1].
      alpha: The plane to create for the opacity if the picture has one, float32 with 1 channel.
      smooth: Resize by bicubic and Lanczos filters. Otherwise, and always with an alpha, linear filters are used, which
        make no rings.

    Raises:
      ImageError: The picture cannot be read.
    """
    with _one_sentence(path):
        image, source = _upright(path)
        if source.profile is not None or _has_other_space(image):
            depth = 8 if image.format == "uchar" else 16
            image = image.icc_transform("srgb", embedded=True, depth=depth, intent="relative")
        elif image.interpretation not in ("srgb", "rgb16"):
            image = image.colourspace("rgb16" if source.bit_depth == 16 else "srgb")
        unit = image.cast("float") / (65535.0 if image.format == "ushort" else 255.0)
        if not source.has_alpha:
            save_plane(_clipped(resized(unit[0:3], target.size, *(() if smooth else LINEAR))), target)
            return source
        opacity = resized(unit[3], target.size, *LINEAR)
        colors = resized(unit[0:3] * unit[3], target.size, *LINEAR)
        save_plane(_clipped((opacity > _HIDDEN).ifthenelse(colors / opacity, colors)), target)
    own = alpha or Plane(target.path.with_suffix(".alpha"), target.size, 1)
    with _one_sentence(path):
        again, _ = _upright(path)
        deepest = 65535.0 if again.format == "ushort" else 255.0
        save_plane(_clipped(resized(again[again.bands - 1].cast("float") / deepest, target.size, *LINEAR)), own)
    for top, bottom in target.strips():
        target.write(top, 0, filled_rows(target, own, top, bottom))
    if alpha is None:
        own.path.unlink()
    return source


def filled_rows(colors: Plane, alpha: Plane, top: int, bottom: int) -> np.ndarray:
    """Rows of a picture, [h, W, 3], whose invisible pixels take the nearest visible colour if it is near enough."""
    height, width = colors.size
    first, last = max(0, top - _NEAR), min(bottom + _NEAR, height)
    pixels, opacities = colors.read(first, 0, last, width), alpha.read(first, 0, last, width)[..., 0]
    if opacities.min() <= _HIDDEN < opacities.max():
        pixels = fill_transparent(Picture(pixels, opacities)).pixels
    return pixels[top - first : bottom - first]


def _upright(path: str | os.PathLike[str]) -> tuple[pyvips.Image, StreamedSource]:
    image = vips().Image.new_from_file(str(path), access="sequential", fail_on="error")
    turned = image.get("orientation") if image.get_typeof("orientation") else 0
    if turned not in _IN_ORDER:  # libvips then decodes into a temporary file first
        image = vips().Image.new_from_file(str(path), access="random", fail_on="error")
    return image.autorot(), _source_of(image)


def _source_of(image: pyvips.Image) -> StreamedSource:
    profile = image.get("icc-profile-data") if image.get_typeof("icc-profile-data") else None
    if image.get_typeof("n-pages") and image.get("n-pages") > 1:
        pages = f"'{image.filename}' has {image.get('n-pages')} frames or pages; the first one is used."
        warnings.warn(pages, PictureWarning, stacklevel=2)
    usable = profile is not None and not _has_other_space(image) and changes_colors(profile)
    depth = 8 if image.format == "uchar" else 16
    return StreamedSource(profile if usable else None, _dpi_of(image), image.hasalpha(), depth)


def _dpi_of(image: pyvips.Image) -> tuple[float, float] | None:
    """Pixels per inch, if the file gives them; libvips itself assumes 72 otherwise."""
    loader = image.get("vips-loader")
    if loader.startswith("pngload"):
        with Image.open(image.filename) as header:
            return header.info.get("dpi")
    stated = image.get_typeof("resolution-unit") != 0 or (image.xres != 1.0 and not loader.startswith("jpegload"))
    return (image.xres * _MM_PER_INCH, image.yres * _MM_PER_INCH) if stated else None


def _has_other_space(image: pyvips.Image) -> bool:
    """Whether an image has a profile, and colours other than red, green and blue."""
    return bool(image.get_typeof("icc-profile-data")) and image.interpretation not in ("srgb", "rgb16", "rgb")


def encode_plane(
    path: str | os.PathLike[str],
    levels: Plane,
    *,
    profile: bytes | None = None,
    dpi: tuple[float, float] | None = None,
    quality: int = 95,
    original: Original | None = None,
) -> None:
    """Writes a plane as a picture file, by its suffix: TIFF (BigTIFF if needed), PNG, JPEG or WebP.

    Args:
      path: The file; it appears completely or not at all.
      levels: sRGB, uint8 or uint16, with 3 channels, or 4 with an alpha.
      profile: An RGB profile to convert the colours to; None: sRGB.
      dpi: Pixels per inch; None: 72, which programs assume if a file does not say (libvips always writes a value).
      quality: Quality of JPEG and WebP.
      original: A file whose levels are kept outside the masks, if `profile` is given and the file has the plane's size
        and depth.

    Raises:
      WriteError: The file cannot be written.
    """
    kind = FORMATS[Path(path).suffix.lower()]
    image = levels.as_vips().copy(interpretation="srgb" if levels.dtype == "uint8" else "rgb16")
    image = _with_profile(image, profile)
    if original is not None and profile is not None:  # without a profile, levels stay the same anyway
        image = _kept(image, original)
    across, down = dpi or _USUAL_DPI
    image = image.copy(xres=across / _MM_PER_INCH, yres=down / _MM_PER_INCH)
    options: Any = {
        "TIFF": {"compression": "deflate", "predictor": "horizontal", "bigtiff": levels.num_bytes > 2_000_000_000,
                 "tile": True, "tile_width": 256, "tile_height": 256, "resunit": "inch"},
        "JPEG": {"Q": quality, "subsample_mode": "off", "background": [255, 255, 255]},
        "PNG": {},
        "WebP": {"Q": quality},
    }[kind]  # fmt: skip
    try:
        with replacing(path) as temporary:
            image.write_to_file(str(temporary), **options)
    except (OSError, vips().Error) as error:
        raise WriteError(
            f"'{path}' cannot be written ({one_line(error)}); choose another place or free disk space"
        ) from None


def check_streamed_output(path: str | os.PathLike[str], size: tuple[int, int], bit_depth: int) -> None:
    """Raises ImageError unless `encode_plane` can write a picture of that size there."""
    kind = FORMATS[Path(path).suffix.lower()]
    allowed = [suffix for suffix, name in FORMATS.items() if name in _STREAMED_FORMATS]
    if kind not in _STREAMED_FORMATS:
        raise ImageError(
            f"'{path}' cannot be written piece by piece, as a picture painted in tiles must be; choose one of "
            f"{', '.join(allowed)}."
        )
    if bit_depth == 16 and kind not in DEEP_FORMATS:
        raise ImageError(f"'{path}' cannot hold 16 bits; choose .png or .tif, or a bit depth of 8.")
    if max(size) > MAX_SIDE.get(kind, max(size)):
        raise ImageError(
            f"'{path}' would be {size[1]} x {size[0]} pixels, but {kind} holds at most {MAX_SIDE[kind]} a side; write "
            "a .tif."
        )


def holds_alpha(path: str | os.PathLike[str]) -> bool:
    """Whether the file's format can hold an alpha."""
    return FORMATS[Path(path).suffix.lower()] not in OPAQUE_FORMATS


def _with_profile(image: pyvips.Image, profile: bytes | None) -> pyvips.Image:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "srgb.icc"
        own.write_bytes(srgb_profile())
        if profile is None:
            image = image.copy()
            image.set_type(vips().GValue.blob_type, "icc-profile-data", srgb_profile())
            return image
        other = Path(folder) / "own.icc"
        other.write_bytes(profile)
        depth = 16 if image.format == "ushort" else 8
        converted = image.icc_transform(str(other), input_profile=str(own), depth=depth, intent="relative")
        converted = converted.copy()
        converted.set_type(vips().GValue.blob_type, "icc-profile-data", profile)
        return converted


def _kept(image: pyvips.Image, original: Original) -> pyvips.Image:
    own, _ = _upright(original.path)
    if (own.width, own.height, own.format) != (image.width, image.height, image.format) or own.bands < 3:
        return image
    painted = original.masks[0].as_vips() > 0
    for mask in original.masks[1:]:
        painted |= mask.as_vips() > 0
    colors = painted.ifthenelse(image[0:3], own[0:3])
    return colors.bandjoin(image[3]) if image.bands == 4 else colors


def _clipped(image: pyvips.Image) -> pyvips.Image:
    image = (image > 0).ifthenelse(image, 0)
    return (image < 1).ifthenelse(image, 1)


@contextmanager
def _one_sentence(path: str | os.PathLike[str]) -> Iterator[None]:
    import pyvips

    try:
        yield
    except pyvips.Error as error:
        raise ImageError(
            f"'{path}' cannot be read piece by piece ({one_line(error)}): it is damaged, cut short or of a rare kind; "
            "copy or export it again."
        ) from None
