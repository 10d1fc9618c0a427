"""The kinds of files that phones, games and editors write: AVIF, HEIC, JPEG 2000, PPM, ICO, DDS and PSD."""

import struct
import sys
import warnings

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image, features

from tests.images.files import DISPLAY_P3, LEVEL, SRGB, H, W, noise, p3_to_srgb, refused, save, smooth
from tf_style import images
from tf_style.images import PictureWarning, read_image, read_size, to_float, to_uint8, write_image


def heic(path, image, **options):
    pillow_heif.from_pillow(image).save(path, quality=95, chroma=444, **options)
    return path


def psd(path, pixels):
    """A PSD of one flat picture: 8 bits, RGB or RGBA, not compressed."""
    height, width, channels = pixels.shape
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, height, width, 8, 3)
    path.write_bytes(header + bytes(12) + struct.pack(">H", 0) + np.moveaxis(pixels, -1, 0).tobytes())
    return path


def jp2_with_profile(data, profile):
    """The JP2 file, with a colour box that holds a profile instead of a number."""
    place = data.index(b"colr") - 4
    length = int.from_bytes(data[place : place + 4], "big")
    box = struct.pack(">I", 11 + len(profile)) + b"colr" + bytes([2, 0, 0]) + profile
    header = data.index(b"jp2h") - 4
    grown = int.from_bytes(data[header : header + 4], "big") + len(box) - length
    data = data[:place] + box + data[place + length :]
    return data[:header] + struct.pack(">I", grown) + data[header + 4 :]


WRITERS = {  # name -> how to write an RGB picture, and how far it may be off
    "a.avif": (lambda path, image: save(path, image, quality=95, subsampling="4:4:4"), 0.05),
    "a.heic": (heic, 0.05),
    "a.jp2": (lambda path, image: save(path, image), 0),
    "a.j2k": (lambda path, image: save(path, image), 0),
    "a.ppm": (lambda path, image: save(path, image), 0),
    "a.ico": (lambda path, image: save(path, image, sizes=[image.size, (16, 16)]), 0),
    "a.dds": (lambda path, image: save(path, image), 0),
    "a.psd": (lambda path, image: psd(path, np.asarray(image)), 0),
}


@pytest.mark.parametrize("name", WRITERS)
def test_colours_size_and_damage(tmp_path, name):
    write, tolerance = WRITERS[name]
    path = write(tmp_path / name, Image.fromarray(to_uint8(smooth())))
    picture = read_image(path)
    assert picture.size == read_size(path) == (H, W) and picture.bit_depth == 8
    assert np.abs(picture.pixels - to_float(to_uint8(smooth()))).max() <= tolerance
    assert "is 56 x 40 pixels (2,240), but at most 2,239 are allowed" in refused(read_image, path, max_pixels=2239)
    assert "but each side must have at least 41" in refused(read_image, path, min_side=41)
    hidden = path.rename(tmp_path / "a.img")  # the bytes tell, not the suffix
    assert np.array_equal(read_image(hidden).pixels, picture.pixels)
    whole = hidden.read_bytes()
    for length in (20, len(whole) // 2):
        hidden.write_bytes(whole[:length])
        assert "a.img'" in refused(read_image, hidden)


@pytest.mark.parametrize("name", ["a.avif", "a.heic", "a.jp2", "a.ico", "a.dds", "a.psd"])
def test_alpha(tmp_path, name):
    alpha = np.zeros((H, W, 1), np.uint8)
    alpha[:, 20:] = 255
    rgba = np.concatenate([to_uint8(smooth()), alpha], -1)
    picture = read_image(WRITERS[name][0](tmp_path / name, Image.fromarray(rgba)))
    np.testing.assert_allclose(picture.alpha, alpha[..., 0] / 255, atol=2 * LEVEL)
    np.testing.assert_allclose(picture.pixels[:, 22:], smooth()[:, 22:], atol=0.05)


@pytest.mark.parametrize("name", ["a.avif", "a.heic", "a.jp2", "b.jp2"])
def test_profiles(tmp_path, name):
    levels = to_uint8(smooth())
    path = tmp_path / name
    if name == "a.jp2":
        path.write_bytes(jp2_with_profile(imagecodecs.jpeg2k_encode(levels, level=0, codecformat="jp2"), DISPLAY_P3))
    elif name == "b.jp2":
        deep = levels.astype(np.uint16) * 257
        path.write_bytes(jp2_with_profile(imagecodecs.jpeg2k_encode(deep, level=0, codecformat="jp2"), DISPLAY_P3))
    elif name == "a.heic":
        image = Image.fromarray(levels)
        image.info["icc_profile"] = DISPLAY_P3
        heic(path, image)
    else:
        save(path, Image.fromarray(levels), quality=95, subsampling="4:4:4", icc_profile=DISPLAY_P3)
    np.testing.assert_allclose(read_image(path).pixels, p3_to_srgb(to_float(levels)), atol=0.1)
    assert np.abs(read_image(path).pixels - to_float(levels)).max() > 0.2


@pytest.mark.parametrize("name", ["a.avif", "a.heic"])
def test_upright(tmp_path, name):
    stored = np.zeros((H, W, 3), np.uint8)
    stored[:8, :8] = [255, 0, 0]
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"quality": 95} if name == "a.avif" else {}
    (save if name == "a.avif" else heic)(tmp_path / name, Image.fromarray(stored), exif=exif.tobytes(), **options)
    picture = read_image(tmp_path / name)
    assert picture.size == read_size(tmp_path / name) == (W, H)
    np.testing.assert_allclose(picture.pixels[3, -3], [1, 0, 0], atol=0.05)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_jpeg_2000(tmp_path, channels):
    samples = noise(H, W, channels, dtype=np.uint16)
    path = tmp_path / "a.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(np.squeeze(samples), level=0, codecformat="jp2"))
    picture = read_image(path)
    colors = samples[..., : 1 if channels < 3 else 3]
    assert np.array_equal(picture.pixels, to_float(colors)) and picture.bit_depth == 16
    if channels in (2, 4):
        assert np.array_equal(picture.alpha, to_float(samples[..., -1:])[..., 0])


@pytest.mark.parametrize(("top", "channels"), [(65535, 1), (65535, 3), (1023, 3), (1023, 1)])
def test_16_bit_ppm(tmp_path, top, channels):
    samples = (noise(H, W, channels, dtype=np.uint16).astype(int) % (top + 1)).astype(">u2")
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P%d\n# a remark\n%d %d\n%d\n" % (5 if channels == 1 else 6, W, H, top) + samples.tobytes())
    picture = read_image(path)
    expected = np.broadcast_to(samples / np.float32(top), (H, W, 3))
    assert picture.bit_depth == 16
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)
    path.write_bytes(path.read_bytes()[:-1])
    assert "a.ppm' cannot be read as PPM" in refused(read_image, path)


def test_plain_pgm_and_pbm(tmp_path):
    (tmp_path / "a.pgm").write_text(f"P2\n{W} {H}\n255\n" + "\n".join(["128 " * W] * H))
    np.testing.assert_allclose(read_image(tmp_path / "a.pgm").pixels, 128 / 255, atol=1e-6)
    (tmp_path / "a.pbm").write_text(f"P1\n{W} {H}\n" + "\n".join(["1 " * W] * H))
    assert read_image(tmp_path / "a.pbm").pixels.max() == 0


def test_compressed_dds(tmp_path):
    """As games have them: blocks of 4 x 4 pixels."""
    image = Image.new("RGBA", (W, H), (255, 0, 0, 255))
    path = save(tmp_path / "a.dds", image, pixel_format="DXT5")
    np.testing.assert_allclose(read_image(path).pixels[5, 5], [1, 0, 0], atol=0.02)


def test_a_psd_with_16_bits_is_refused(tmp_path):
    path = psd(tmp_path / "a.psd", to_uint8(smooth()))
    data = bytearray(path.read_bytes())
    data[22:24] = struct.pack(">H", 16)
    path.write_bytes(data)
    assert "a.psd' cannot be read as PSD" in refused(read_image, path)


def test_what_must_be_installed_is_named(tmp_path, monkeypatch):
    image = Image.fromarray(to_uint8(smooth()))
    one, other = heic(tmp_path / "a.heic", image), save(tmp_path / "a.avif", image)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    message = refused(read_image, one)
    assert message.endswith(
        "a.heic' is HEIC, which cannot be read here; run pip install 'tf-style[heic]', or convert it"
    )
    monkeypatch.setattr(features, "get_supported_modules", lambda: ["jpg"])
    assert "is AVIF, which cannot be read here; run pip install --upgrade 'pillow>=11.3'" in refused(read_image, other)
    assert "this Pillow has no AVIF" in refused(images.check_output_path, other)
    assert read_size(one) is None and read_size(other) is None


@pytest.mark.parametrize("alpha", [False, True])
def test_avif_is_written(tmp_path, alpha):
    opacity = to_float(noise(H, W, 1) // 2 + 128)[..., 0] if alpha else None
    write_image(tmp_path / "a.avif", smooth(), alpha=opacity)
    write_image(tmp_path / "b.avif", smooth(), alpha=opacity)
    assert (tmp_path / "a.avif").read_bytes() == (tmp_path / "b.avif").read_bytes()
    picture = read_image(tmp_path / "a.avif")
    assert np.abs(picture.pixels - smooth()).max() < 0.05
    assert (np.abs(picture.alpha - opacity).max() < 0.05) if alpha else picture.alpha is None
    with Image.open(tmp_path / "a.avif") as image:
        assert image.info["icc_profile"] and len(image.info["icc_profile"]) == len(SRGB)
    write_image(tmp_path / "c.avif", smooth(), quality=20)
    assert (tmp_path / "c.avif").stat().st_size < (tmp_path / "a.avif").stat().st_size
    assert "a.avif' cannot hold 16 bits" in refused(write_image, tmp_path / "a.avif", smooth(), bit_depth=16)


# --- more than one picture in a file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_an_animation_gives_its_first_frame_and_says_so(tmp_path, kind):
    first, second = (Image.new("RGB", (W, H), color) for color in ("#ff0000", "#0000ff"))
    path = save(tmp_path / "a", first, format=kind, save_all=True, append_images=[second, first])
    with pytest.warns(PictureWarning, match="a' has 3 frames; the first one is used.$"):
        picture = read_image(path)
    np.testing.assert_allclose(picture.pixels[0, 0], [1, 0, 0], atol=0.02)


def test_a_tiff_gives_its_first_page_and_says_so(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(to_uint8(smooth()), photometric="rgb")
        tiff.write(to_uint8(smooth())[::2, ::2], photometric="rgb", subfiletype=1)  # a small copy is no page
        tiff.write(noise(H, W, 3), photometric="rgb")
    with pytest.warns(PictureWarning, match="has 2 pages; the first one is used.$"):
        assert np.array_equal(read_image(path).pixels, to_float(to_uint8(smooth())))


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.heic", "a.psd", "a.ico"])
def test_one_picture_is_no_animation(tmp_path, name):
    image = Image.fromarray(to_uint8(smooth()))
    path = WRITERS[name][0](tmp_path / name, image) if name in WRITERS else save(tmp_path / name, image)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(path)


def test_a_strange_tiff_is_read_with_one_sentence_of_ours(tmp_path, capfd):
    path = save(tmp_path / "a.tif", Image.fromarray(to_uint8(smooth())), compression="tiff_lzw")
    data = bytearray(path.read_bytes())
    directory = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[directory : directory + 2], "little")
    last = directory + 2 + 12 * (count - 1)
    data[last : last + 12] = struct.pack("<HHII", 60000, 2, 5, 0xFFFFF0)  # a tag whose text lies behind the end
    path.write_bytes(data)
    with pytest.warns(PictureWarning) as caught:
        assert np.array_equal(read_image(path).pixels, to_float(to_uint8(smooth())))
    assert len(caught) == 1 and "a.tif' is damaged or of a rare kind" in str(caught[0].message)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_orientation_in_xmp_alone(tmp_path, kind):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    path, image = tmp_path / "a", Image.new("RGB", (W, H))
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(path, kind, pnginfo=info)
    else:
        image.save(path, kind, xmp=xmp)
    assert read_image(path).size == read_size(path) == (W, H)
