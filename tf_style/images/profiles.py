"""ICC profiles: convert a file's colours to sRGB.

The conversion is relative colorimetric with black point compensation, as usual in picture editors (for CMYK it keeps
black black; for RGB profiles it changes nothing). A profile that is broken or made for another colour space is ignored,
as in browsers.
"""

import io
from functools import cache

import numpy as np
from PIL import Image, ImageCms

from tf_style.images.picture import Array, FloatArray

INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
# 8-bit grey and CMYK would be off by up to 10 levels in LittleCMS's shortcut tables; its RGB shortcut is exact to one.
EXACT_FLAGS = FLAGS | ImageCms.Flags.NOOPTIMIZE
SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # mode of Pillow -> colour space of the profile
CHANNELS = {1: "L", 3: "RGB", 4: "CMYK"}
SAME_COLORS = 1  # of 255: a profile that changes no colour by more counts as sRGB

_BROKEN = (ImageCms.PyCMSError, OSError, ValueError, TypeError)


@cache
def srgb_profile() -> bytes:
    """An sRGB profile with always the same bytes (LittleCMS would write the current date into bytes 24 to 36)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    year_month_day = bytes([0x07, 0xD0, 0, 1, 0, 1])  # 2000-01-01
    return profile[:24] + year_month_day + bytes(6) + profile[36:]


def to_srgb8(image: Image.Image, profile: bytes | None) -> Array:
    """Converts an image of mode L, RGB, CMYK or LAB (without alpha) to sRGB, uint8 [H, W, 3]."""
    if image.mode == "LAB":
        return np.asarray(_convert(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))))
    if image.mode == "L" and profile and _space(profile) == "RGB":  # a grey file may carry its program's RGB profile
        image = image.convert("RGB")
    if profile and _is_usable(profile, image.mode):
        if image.mode == "L":
            ramp = np.asarray(_convert(_probe("L"), _open(profile)))
            return np.take(ramp[0], np.asarray(image), axis=0)
        return np.asarray(_convert(image, _open(profile)))
    return np.asarray(image.convert("RGB"))


def to_srgb_float(samples: FloatArray, profile: bytes | None) -> FloatArray:
    """Converts [H, W, 1 (grey), 3 (RGB) or 4 (CMYK, 1 is full ink)] to sRGB [H, W, 3]; both float32 in [0, 1]."""
    if samples.shape[-1] == 1 and profile and _space(profile) == "RGB":
        samples = np.repeat(samples, 3, axis=-1)
    mode = CHANNELS[samples.shape[-1]]
    if profile and _is_usable(profile, mode):
        return _convert_float(samples, profile, mode)
    if mode == "CMYK":
        return (1 - samples[..., :3]) * (1 - samples[..., 3:])
    return np.repeat(samples, 3, axis=-1) if mode == "L" else samples


def _convert_float(samples: FloatArray, profile: bytes, mode: str) -> FloatArray:
    import imagecodecs

    # Floats on both sides, because between 16-bit integers LittleCMS uses a coarse table (errors up to 0.05).
    scale = 100 if mode == "CMYK" else 1  # it takes ink in per cent
    samples = samples[..., 0] if mode == "L" else samples * np.float32(scale)
    converted = imagecodecs.cms_transform(
        np.ascontiguousarray(samples, np.float32),
        profile,
        srgb_profile(),
        colorspace={"L": "gray"}.get(mode, mode.lower()),
        outcolorspace="rgb",
        outdtype="float32",
        intent=int(INTENT),
        flags=int(FLAGS),
    )
    unit: FloatArray = np.clip(converted.reshape(*samples.shape[:2], 3), 0, 1)
    return unit


def changes_colors(profile: bytes) -> bool:
    """Whether a profile is for RGB, works, and does not amount to sRGB."""
    return _is_usable(profile, "RGB")


def _is_usable(profile: bytes, mode: str) -> bool:
    """Whether the profile fits the mode, works, and changes colours at all (sRGB to sRGB must stay exact)."""
    if _space(profile) != SPACES[mode]:
        return False
    try:
        after = np.asarray(_convert(_probe(mode), _open(profile)), np.int16)
    except _BROKEN:
        return False
    if mode == "CMYK":
        return True
    before = np.asarray(_probe(mode).convert("RGB"), np.int16)
    return bool(np.abs(after - before).max() > SAME_COLORS)


def _probe(mode: str) -> Image.Image:
    """Colours from all over the space: a grey ramp, or a lattice with 17 steps per channel (CMYK: 5)."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    steps = 5 if mode == "CMYK" else 17
    axes = [np.linspace(0, 255, steps).astype(np.uint8)] * len(mode)
    lattice = np.stack(np.meshgrid(*axes), axis=-1).reshape(1, -1, len(mode))
    return Image.frombytes(mode, (lattice.shape[1], 1), lattice.tobytes())


def _convert(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    flags = FLAGS if image.mode == "RGB" else EXACT_FLAGS
    converted = ImageCms.profileToProfile(image, source, _open(srgb_profile()), INTENT, "RGB", flags=flags)
    assert converted is not None  # it is None only for conversions in place
    return converted


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _space(profile: bytes) -> str:
    """The profile's colour space: "RGB", "GRAY", "CMYK" ...; "" for a broken profile."""
    try:
        return _open(profile).profile.xcolor_space.strip()
    except _BROKEN:
        return ""
