"""Masks of films: pictures, which stay, and films, which move along."""

import numpy as np
import pytest
from PIL import Image

from tests import command
from tests.jobs.folder.photos import write_tiny_network
from tests.materials import QUICK
from tests.video.clips import frames_of, make_clip
from tf_style.cli.main import main

SIZE = (48, 64)
OPTIMISE = [f"--{name}={','.join(v) if isinstance(v, tuple) else v}" for name, v in QUICK.items()]


def bar(height, width, place):
    """White from column 8 * place on, for 16 columns; nothing in the last frame."""
    picture = np.zeros((height, width, 3), np.uint8)
    if place < 5:
        picture[:, 8 * place : 8 * place + 16] = 255
    return picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("masks")
    write_tiny_network(folder / "network.npz")
    make_clip(folder / "clip.mkv", range(6), SIZE, codec="ffv1", pixel_format="yuv444p")
    make_clip(folder / "bar.mkv", range(6), SIZE, pictures=bar, codec="ffv1", pixel_format="yuv444p", sounds=())
    for name, mask in (("left", np.arange(64) < 32), ("right", np.arange(64) >= 32)):
        Image.fromarray(np.uint8(255) * np.tile(mask, (48, 1))).save(folder / f"{name}.png")
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    return folder


def painted(*flags, style="a", network=("--network=network.npz", "--compute_dtype=float32")):
    """The painted frames, as differences from the film's, [frames, H, W]."""
    files = ["--content=clip.mkv", f"--style={style}", "--output=out.mkv", "--codec=ffv1", "--quiet"]
    assert main(["video", *files, *network, *flags]) == 0
    before, after = frames_of("clip.mkv")[0], frames_of("out.mkv")[0]
    return np.stack([np.abs(a.astype(int) - b).max(-1) for a, b in zip(before, after, strict=True)])


@pytest.mark.parametrize("by", ["network", "optimisation"])
def test_what_is_black_stays(there, by):
    other = {"style": "style.jpg", "network": ["--preset=draft", *OPTIMISE]} if by == "optimisation" else {}
    changed = painted("--content_mask=left.png", "--feather=0", **other)
    assert changed[:, :, 34:].max() <= 2  # rounding of the codec
    assert changed[:, :, :30].mean() > 4


def test_a_mask_moves(there):
    changed = painted("--content_mask=bar.mkv", "--feather=0")
    for place in range(5):
        inside = np.zeros(64, bool)
        inside[8 * place + 2 : 8 * place + 14] = True
        assert changed[place][:, inside].mean() > 5
        inside[max(0, 8 * place - 2) : 8 * place + 18] = True
        assert changed[place][:, ~inside].max() <= 2
    assert changed[5].max() <= 2  # nothing is white


def test_a_mask_from_a_later_second_on(there):
    whole = painted("--content_mask=bar.mkv", "--feather=0", "--consistency=0")
    assert main(
        ["video", "--content=clip.mkv", "--style=a", "--output=late.mkv", "--codec=ffv1", "--quiet", "--consistency=0",
         "--network=network.npz", "--compute_dtype=float32", "--content_mask=bar.mkv", "--feather=0", "--start=0.08"]
    ) == 0  # fmt: skip
    before, after = frames_of("clip.mkv")[0], frames_of("late.mkv")[0]
    late = np.stack([np.abs(a.astype(int) - b).max(-1) for a, b in zip(before[2:], after, strict=True)])
    np.testing.assert_array_equal(late > 2, whole[2:] > 2)


def test_each_style_has_its_place(there):
    both = painted("--style_masks=left.png,right.png", "--feather=0", "--consistency=0", style="a,b")
    for style, columns in (("a", slice(0, 28)), ("b", slice(36, 64))):
        alone = painted("--consistency=0", style=style)
        assert np.abs(both - alone)[:, :, columns].max() <= 3


def test_what_is_kept_and_other_colours(there):
    plain = painted("--consistency=0")
    assert painted("--consistency=0", "--keep_mask=left.png").mean() != plain.mean()
    assert painted("--consistency=0", "--preserve_color=linear", "--color_from=style.jpg").mean() != plain.mean()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--content_mask=none.png"], "'none.png' does not exist"),
        (["--content_mask=none.mp4"], "There is no film 'none.mp4'"),
        (["--style_masks=left.png"], "style_masks has 1 masks for 2 styles"),
        (["--feather=0.1"], "feather needs a mask"),
        (["--color_from=style.jpg"], "needs --preserve_color"),
        (["--content_mask=out.mkv"], "--output=out.mkv is also an input of this run"),
    ],
)
def test_refused(there, capfd, flags, words):
    arguments = ["--content=clip.mkv", "--style=a,b", "--output=out.mkv", "--network=network.npz"]
    assert main(["video", *arguments, *flags]) == 2
    [line] = capfd.readouterr().err.splitlines()
    assert words in line
