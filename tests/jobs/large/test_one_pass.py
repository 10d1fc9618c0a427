"""Large pictures through a network, from files to a file: as whole ones, stopped, refused."""

import json
import signal
import time

import numpy as np
import pytest

from tests import command
from tests.materials import assert_refused, colorful, picture
from tf_style import images
from tf_style.config import StylizeConfig, StylizeFiles
from tf_style.jobs.large.inputs import disk_bytes, large_size

pytestmark = pytest.mark.usefixtures("at_their_size")

SIZE = (180, 260)
BASE = ["stylize", "--preset=instant", "--compute_dtype=float32", "--content=content.png", "--style=style.png",
        "--size=0",
        "--quiet"]  # fmt: skip
TILED = [*BASE, "--tile_size=96"]
MASKS = ["--style=style.png,content.png", "--style_masks=left.png,right.png", "--feather=0"]
RUNS = {
    "whole": [*BASE, "--output=whole.png"],
    "tiled": [*TILED, "--output=tiled.png", "--json=tiled.json"],
    "regions whole": command.over(BASE, [*MASKS, "--preserve_color=linear", "--output=regions_whole.png"]),
    "regions": command.over(TILED, [*MASKS, "--preserve_color=linear", "--output=regions.png"]),
    "sprite whole": [*BASE, "--content=sprite.png", "--preserve_color=luminance", "--output=sprite_whole.png"],
    "sprite": [
        *TILED, "--content=sprite.png", "--preserve_color=luminance", "--bit_depth=16",
        "--output=sprite_out.png",
    ],
    "estimate": ["estimate", *BASE[1:-1], "--tile_size=96", "--json=estimate.json"],
}  # fmt: skip
REFUSED = {
    "named styles": (["--network=many_styles", "--style=starry_night"], "tile_size is for"),
    "steps": (["--tile_steps=3"], "tile_steps is for optimisation"),
    "checkpoint": (["--checkpoint_dir=state"], "checkpoint_dir is for optimisation"),
    "colours after": (["--preserve_color=linear", "--color_stage=after"], "--color_stage=before"),
    "format": (["--output=refused.bmp"], "piece by piece"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("one_pass")
    pixels = picture(*SIZE, seed=1)[0].numpy()
    images.write_image(place / "content.png", pixels)
    images.write_image(place / "style.png", colorful(2, (80, 100))[0].numpy())
    mask = np.zeros((*SIZE, 3), np.float32)
    mask[:, 130:] = 1.0
    images.write_image(place / "right.png", mask)
    images.write_image(place / "left.png", 1.0 - mask)
    alpha = np.ones(SIZE, np.float32)
    alpha[:40] = 0.0
    images.write_image(place / "sprite.png", pixels, alpha=alpha)
    return place


@pytest.fixture(scope="module")
def outcomes(folder):
    refused = {name: command.over([*TILED, "--output=refused.png"], more) for name, (more, _) in REFUSED.items()}
    with command.eagerly():
        return command.run_lines({**RUNS, **refused}, folder)


@pytest.mark.parametrize(
    ("tiled", "whole"), [("tiled", "whole"), ("regions", "regions_whole"), ("sprite_out", "sprite_whole")]
)
def test_the_file_is_that_of_the_whole(outcomes, folder, tiled, whole):
    """But for a level of rounding; colours measured from a reduced content may differ by a few."""
    assert all(outcomes[name].status == 0 for name in RUNS), [outcomes[name].stderr for name in RUNS]
    painting, expected = (images.read_image(folder / f"{name}.png") for name in (tiled, whole))
    difference = np.abs(painting.pixels - expected.pixels)
    assert difference.max() <= (6 if tiled == "regions" else 1.5) / 255
    if expected.alpha is not None:
        np.testing.assert_array_equal(painting.alpha, expected.alpha)


def test_tiles_of_a_small_picture_are_painted_at_their_size_by_styles_that_fit(folder, monkeypatch):
    """Whole, it would be painted at twice the size, by a style of twice the size."""
    images.write_image(folder / "large.png", colorful(3, (300, 400))[0].numpy())
    paintings = []
    for small in (0, 384 * 384):
        monkeypatch.setattr("tf_style.build.stylizer._SMALL", small)
        arguments = command.over(TILED, ["--style=large.png", f"--output={small}.png"])
        with command.eagerly():
            assert command.run_lines({"run": arguments}, folder)["run"].status == 0
        paintings.append(images.read_image(folder / f"{small}.png").pixels)
    np.testing.assert_array_equal(*paintings)


def test_nothing_is_left_beside_the_result(outcomes, folder):
    assert outcomes["tiled"].status == 0
    assert not [path for path in folder.iterdir() if path.name.startswith(".") or "tiles" in path.name]
    assert not (folder / "refused.png").exists()


def test_the_record_tells_of_tiles(outcomes, folder):
    record = json.loads((folder / "tiled.json").read_text())
    assert record["tile_size"] == 96
    assert record["size"] == list(SIZE)
    assert record["steps"] == 3 * 6
    assert 0 < record["painting_seconds"] < record["seconds"]


def test_the_estimate_knows_tiles(outcomes, folder):
    estimate = json.loads((folder / "estimate.json").read_text())
    assert (estimate["first_tiled"], estimate["steps"]) == (0, [1])
    files = StylizeFiles(str(folder / "content.png"), ("style.png",), "out.png")
    assert estimate["disk_bytes"] == disk_bytes(StylizeConfig(network="arbitrary"), files, SIZE)
    assert "tiles   of 96 pixels" in outcomes["estimate"].stdout


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, outcomes):
    assert_refused(outcomes[name], REFUSED[name][1])


def test_which_are_large(folder):
    files = StylizeFiles(str(folder / "content.png"), ("style.png",), "out.png")
    named = StylizeConfig(size=3000, network="arbitrary")
    assert large_size(named, files) == (2077, 3000)
    assert large_size(named.replace(size=0), files) is None
    assert large_size(named.replace(network="many_styles"), files) is None


@pytest.mark.slow
def test_stopped_it_leaves_the_picture_so_far(outcomes, folder):
    """The content where no tile was painted yet."""
    process = command.fork([*TILED[:-1], "--quiet=false", "--tile_size=32", "--output=stopped.png"], folder)
    while process.poll() is None and "step" not in process.errors():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "cannot be resumed" in errors
    assert images.read_image(folder / "stopped.png").size == SIZE
