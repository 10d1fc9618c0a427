"""Large pictures from files to a file: as whole ones, with what a file carries, stopped and gone on with, refused."""

import json
import shutil
import signal
import time

import numpy as np
import pytest
import tifffile

from tests import command
from tests.materials import assert_one_sentence, assert_refused, colorful, picture
from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.large import inputs as large_inputs
from tf_style.jobs.large.inputs import disk_bytes, large_size, read_large_inputs
from tf_style.jobs.large.scale import Count
from tf_style.jobs.large.work import WorkFolder

SIZE = (96, 144)


# --- from the command line --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("large")
    pixels = images.to_uint8(picture(*SIZE, seed=1)[0].numpy())
    tifffile.imwrite(place / "content.tif", pixels, photometric="rgb", resolution=(240, 240), resolutionunit="INCH")
    images.write_image(place / "style.png", colorful(2, (80, 100))[0].numpy())
    mask = np.zeros((*SIZE, 3), np.float32)
    mask[:, 72:] = 1.0
    images.write_image(place / "right.png", mask)
    images.write_image(place / "left.png", 1.0 - mask)
    images.write_image(place / "black.png", 0.0 * mask)
    alpha = np.ones(SIZE, np.float32)
    alpha[:40] = 0.0
    images.write_image(place / "sprite.png", pixels / np.float32(255), alpha=alpha)
    return place


BASE = ["stylize", "--content=content.tif", "--style=style.png", *command.SHORT, "--size=0", "--quiet"]
TILED = [*BASE, "--tile_size=48"]
LONGER = [*TILED, "--min_size=36", "--scale_factor=2", "--num_steps=6", "--bit_depth=16"]
COARSE = [*LONGER, "--tile_size=64", "--num_steps=1", "--first_steps=150"]
NETWORK = ["--init=network", "--learning_rate=1e-6", "--num_steps=1", "--style_strength=0.9"]
RUNS = {
    "uninterrupted": [*LONGER, "--output=uninterrupted.png"],
    "many coarse steps": [*COARSE, "--output=coarse_uninterrupted.png"],
    "whole": [*BASE, "--output=whole.png"],
    "tiled": [*TILED, "--output=tiled.png", "--json=tiled.json"],
    "pyramid whole": [*BASE, "--min_size=36", "--scale_factor=2", "--output=pyramid_whole.png"],
    "pyramid": [*TILED, "--min_size=36", "--scale_factor=2", "--output=pyramid.tif", "--json=pyramid.json",
                "--bit_depth=16"],
    "odd whole": [*BASE, "--min_size=40", "--output=odd_whole.png", "--json=odd_whole.json"],
    "odd": [*TILED, "--tile_size=60", "--min_size=40", "--output=odd.png", "--json=odd.json"],
    "steps": [
        *TILED, "--min_size=36", "--tile_steps=1", "--preserve_color=linear", "--output=steps.png", "--json=steps.json",
    ],
    "mask": [*TILED, "--content_mask=right.png", "--output=mask.png"],
    "two": [
        *TILED, "--style=content.tif", "--style_masks=left.png,right.png", "--keep_mask=left.png", "--output=two.png",
    ],
    "sprite": [*TILED, "--content=sprite.png", "--output=sprite_out.png"],
    "sprite jpeg": [*TILED, "--content=sprite.png", "--output=sprite_out.jpg",
                    "--preserve_color=luminance", "--save_every=2"],
    "network whole": [*BASE, *NETWORK, "--output=network_whole.png"],
    "network": [*TILED, *NETWORK, "--output=network.png"],
    "network two": [
        *TILED, *NETWORK, "--style=content.tif", "--style_masks=left.png,right.png", "--output=network_two.png",
    ],
    "saved": [*TILED, "--min_size=36", "--scale_factor=2", "--save_every=1", "--output=saved.tif", "--bit_depth=16"],
}  # fmt: skip
REFUSED = {
    "lbfgs": (["--optimizer=lbfgs"], "give --optimizer=adam"),
    "tolerance": (["--relative_tolerance=0.1"], "relative_tolerance"),
    "after": (["--preserve_color=linear", "--color_stage=after"], "--color_stage=before"),
    "noise": (["--init=noise"], "--min_size"),
    "style as a start": (["--init=style", "--min_size=140"], "--min_size"),
    "figure": (["--figure=figure.png"], "--figure"),
    "bmp": (["--output=refused.bmp"], "piece by piece"),
    "tile": (["--tile_size=8"], "tile_size must be at least 32"),
    "pixels": (["--size=4000", "--max_pixels=100000"], "max_pixels=100000"),
    "black": (["--content_mask=black.png"], "all black"),
}


@pytest.fixture(scope="module")
def outcomes(folder):
    lines = {
        **RUNS,
        **{name: command.over([*TILED, "--output=refused.png"], more) for name, (more, _) in REFUSED.items()},
    }
    return command.run_lines(lines, folder)


@pytest.mark.parametrize("name", RUNS)
def test_runs(name, outcomes, folder):
    assert outcomes[name].status == 0, outcomes[name].stderr
    assert not list(folder.glob(".tf_style*"))


def read(folder, name):
    return images.read_image(folder / name)


def test_tiled_is_whole(outcomes, folder):
    """One scale: the very same start, so after three steps the same picture, but for rounding."""
    whole, tiled = (read(folder, f"{name}.png").pixels for name in ("whole", "tiled"))
    assert np.abs(whole - tiled).max() < 3 / 255
    assert np.abs(tiled - read(folder, "content.tif").pixels).mean() > 0.01
    record = json.loads((folder / "tiled.json").read_text())
    assert (record["tile_size"], record["steps"]) == (48, 3)
    assert len(record["history"]) == 3


def test_a_start_painted_in_tiles(outcomes, folder):
    """What a network paints in tiles, by the statistics of the whole; each style in its region."""
    content, whole, tiled, two = (
        read(folder, name).pixels for name in ("content.tif", "network_whole.png", "network.png", "network_two.png")
    )
    assert np.abs(whole - tiled).max() < 3 / 255
    assert np.abs(tiled - content).mean() > 0.03
    np.testing.assert_allclose(two[:, :70], tiled[:, :70], atol=3 / 255)  # the painting on the left, the photo's own
    assert np.abs(two - tiled)[:, 80:].mean() > 0.01  # colours on the right


def test_a_pyramid_that_ends_in_tiles(outcomes, folder):
    whole, tiled = (read(folder, name).pixels for name in ("pyramid_whole.png", "pyramid.tif"))
    assert np.abs(whole - tiled).mean() < 0.5 / 255
    record = json.loads((folder / "pyramid.json").read_text())
    assert record["steps"] == 6
    assert [row["step"] for row in record["history"]] == list(range(1, 7))


def test_pictures_on_the_way_change_nothing(outcomes, folder):
    assert (folder / "saved.tif").read_bytes() == (folder / "pyramid.tif").read_bytes()


def test_the_coarse_scales_are_those_of_the_whole(outcomes, folder):
    """Sizes of the pyramid come from the result's size, whatever the largest coarse one is rounded to."""
    whole = json.loads((folder / "odd_whole.json").read_text())
    tiled = json.loads((folder / "odd.json").read_text())
    assert tiled["steps"] == whole["steps"]
    np.testing.assert_allclose(tiled["history"][0]["loss"], whole["history"][0]["loss"], rtol=0.05)


def test_steps_in_tiles(outcomes, folder):
    record = json.loads((folder / "steps.json").read_text())
    assert record["steps"] < 3 * 3


def test_no_seam(outcomes, folder):
    """What tiling added (the difference to the whole) is no larger at the edges of tiles than elsewhere."""
    whole, tiled = (read(folder, f"{name}.png").pixels for name in ("whole", "tiled"))
    jumps = np.abs(np.diff(tiled - whole, axis=1)).mean((0, 2))
    assert jumps[[47, 95]].mean() <= 3 * jumps.mean() + 1e-4


def test_outside_a_mask_bytes_stay(outcomes, folder):
    content, result = (images.to_uint8(read(folder, name).pixels) for name in ("content.tif", "mask.png"))
    np.testing.assert_array_equal(result[:, :72], content[:, :72])
    assert (result[:, 76:] != content[:, 76:]).mean() > 0.5


def test_sprites(outcomes, folder):
    sprite, result = read(folder, "sprite.png"), read(folder, "sprite_out.png")
    np.testing.assert_array_equal(result.alpha, sprite.alpha)
    assert np.abs(result.pixels - sprite.pixels)[44:].mean() > 0.01
    np.testing.assert_allclose(read(folder, "sprite_out.jpg").pixels[:36], 1.0, atol=0.02)


def test_resolution_and_depth(outcomes, folder):
    assert read(folder, "tiled.png").dpi == pytest.approx((240, 240), abs=0.1)
    assert read(folder, "sprite_out.png").dpi == pytest.approx((72, 72), abs=0.1)  # the sprite does not say
    assert read(folder, "pyramid.tif").bit_depth == 16


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name, outcomes, folder):
    outcome = outcomes[name]
    assert_refused(outcome, REFUSED[name][1])
    assert not (folder / "refused.png").exists()


def test_a_full_disk(folder, monkeypatch):
    monkeypatch.chdir(folder)
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(large_inputs.shutil, "disk_usage", lambda place: usage._replace(free=1000))
    config, files = StylizeConfig(size=0, tile_size=48), StylizeFiles("content.tif", ("style.png",), "out.png")
    with pytest.raises(ConfigError, match="free") as caught:
        read_large_inputs(config, files, large_size(config, files))
    assert_one_sentence(caught.value)


def test_what_is_there_already_is_room(folder, monkeypatch, tmp_path):
    """A run that is gone on with needs no second place for its planes."""
    monkeypatch.chdir(folder)
    config = StylizeConfig(size=0, tile_size=48)
    files = StylizeFiles("content.tif", ("style.png",), "out.png", checkpoint_dir=str(tmp_path))
    needed = disk_bytes(config, files, SIZE)
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(large_inputs.shutil, "disk_usage", lambda place: usage._replace(free=needed // 2))
    with pytest.raises(ConfigError, match="free"):
        read_large_inputs(config, files, SIZE)
    (tmp_path / "tf_style-tiles" / "scale_00").mkdir(parents=True)
    (tmp_path / "tf_style-tiles" / "scale_00" / "image_0.f32").write_bytes(bytes(needed // 2 + 1))
    assert read_large_inputs(config, files, SIZE).size == SIZE


def test_planes_without_a_state_are_of_nobody(tmp_path):
    """Who deletes a state to start anew is not painted with what the other run left."""
    files = StylizeFiles("content.tif", ("style.png",), "out.png", checkpoint_dir=str(tmp_path))
    work = WorkFolder(files, "one")
    (work.path / "scale_00").mkdir()
    (work.path / "scale_00" / "targets_00000.npz").touch()
    (work.path / "content.f32").touch()
    work.save_tiled(0, Count(step=3), [{"step": 3, "loss": 1.0}])
    work.close()
    again = WorkFolder(files, "one")
    assert (again.tiled.count.step, again.history) == (3, [{"step": 3, "loss": 1.0}])
    with pytest.raises(ConfigError, match="another --checkpoint_dir"):
        WorkFolder(files, "two")
    (work.path / "tiles.json").unlink()
    assert WorkFolder(files, "two").tiled is None
    assert not list(work.path.iterdir())


def test_which_are_large(folder, monkeypatch):
    monkeypatch.chdir(folder)
    files = StylizeFiles("content.tif", ("style.png",), "out.png")
    assert large_size(StylizeConfig(size=0), files) is None
    assert large_size(StylizeConfig(size=0, tile_size=64), files) == SIZE
    assert large_size(StylizeConfig(size=0, tile_size=118), files) is None
    assert large_size(StylizeConfig(size=3000), files) == (2000, 3000)


# --- stopped, and gone on with ----------------------------------------------------------------------------------------


def _stopped(line, folder, number, when):
    """The command's status after a signal that is sent when `when` comes true."""
    process = command.fork(line, folder)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline and not when():
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == (130 if number == signal.SIGINT else -number), stderr
    return stderr


def _at_step(state, step):
    try:
        return json.loads(state.read_text())["count"]["step"] >= step
    except (OSError, ValueError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_going_on(outcomes, folder, number):
    """Stopped within the scales in tiles, the same command ends in the same bytes; nothing is left on the disk."""
    name = f"resumed_{number}"
    line = [*LONGER, f"--checkpoint_dir={name}", f"--output={name}.png"]
    (folder / name / "scale_mine").mkdir(parents=True)  # somebody else's
    state = folder / name / "tf_style-tiles" / "tiles.json"
    _stopped(line, folder, number, lambda: _at_step(state, 2))
    assert state.exists()
    if number == signal.SIGINT:
        assert read(folder, f"{name}.png").size == SIZE  # the picture so far
    after = command.run_lines({"other": [*line, "--style_weight=3"], "same": line}, folder)
    assert_refused(after["other"], "another --checkpoint_dir")
    assert after["same"].status == 0, after["same"].stderr
    assert (folder / f"{name}.png").read_bytes() == (folder / "uninterrupted.png").read_bytes()
    assert [path.name for path in (folder / name).iterdir()] == ["scale_mine"]


@pytest.mark.slow
def test_going_on_from_a_coarse_scale(outcomes, folder):
    """Killed before the first scale in tiles, while the coarse ones are saved at every step."""
    line = [*COARSE, "--checkpoint_dir=coarse", "--checkpoint_seconds=0", "--output=coarse.png", "--json=coarse.json"]
    state = folder / "coarse" / "tf_style-tiles" / "state.npz"
    _stopped(line, folder, signal.SIGKILL, state.exists)
    assert state.exists(), "it was at the tiles already"
    outcome = command.run([argument for argument in line if argument != "--quiet"], folder)
    assert outcome.status == 0, outcome.stderr
    assert "Resuming from step" in outcome.stderr
    assert (folder / "coarse.png").read_bytes() == (folder / "coarse_uninterrupted.png").read_bytes()
    steps = [row["step"] for row in json.loads((folder / "coarse.json").read_text())["history"]]
    assert steps == list(range(1, len(steps) + 1))
    assert not list((folder / "coarse").iterdir())


@pytest.mark.slow
def test_ctrl_c_leaves_the_picture_and_nothing_else(outcomes, folder):
    line = [*TILED, "--num_steps=300", "--output=stopped/result.png"]
    _stopped(line, folder, signal.SIGINT, lambda: list(folder.glob("stopped/.tf_style*/scale_00/average_1.f32")))
    assert [path.name for path in (folder / "stopped").iterdir()] == ["result.png"]
    assert read(folder, "stopped/result.png").size == SIZE
