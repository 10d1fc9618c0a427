"""Folders of pictures: the same paintings as one by one, what is said on the way, and the record."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests import command
from tests.jobs.folder.photos import (
    NETWORK,
    OPTIMIZE,
    PICTURES,
    PORTRAIT,
    files_in,
    levels,
    stylize,
    target,
    write_tiny_network,
)
from tf_style import images
from tf_style.jobs.folder.session import FolderSession


@pytest.fixture(scope="module")
def runs(folder):
    """Sessions, by name of the output folder: each way to paint, in passes of four and one by one."""
    found = {}
    load = FolderSession.load

    def noted(session):
        found.setdefault(name, []).append(session)
        load(session)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(FolderSession, "load", noted)
        for kind, flags in {"optimized": OPTIMIZE, "network": NETWORK}.items():
            for count in (4, 1):
                name = f"{kind}_{count}"
                report = f"--json={name}.json"
                assert stylize(*flags, f"--output={name}", f"--batch_size={count}", report) == 0
    return found


@pytest.mark.parametrize("name", ["optimized_4", "optimized_1", "network_4", "network_1"])
def test_every_picture_is_painted_under_its_name(runs, folder, name):
    assert files_in(folder / name) == set(map(target, PICTURES))
    for picture, size in PICTURES.items():
        assert levels(folder / name / target(picture)).shape[:2] == size


@pytest.mark.parametrize("kind", ["optimized", "network"])
def test_pictures_painted_together_are_those_painted_one_by_one(runs, folder, kind):
    for name in map(target, PICTURES):
        together, alone = (levels(folder / f"{kind}_{count}" / name) for count in (4, 1))
        assert np.abs(together - alone).max() <= 1, name


@pytest.mark.parametrize(("kind", "flags"), [("optimized", OPTIMIZE), ("network", NETWORK)])
def test_a_folders_paintings_are_those_of_single_runs(runs, there, kind, flags):
    for name in ("b.png", "sub/deeper/e.e.tif"):
        assert stylize(*flags, "--output=single.png", content=f"photos/{name}") == 0
        single = levels("single.png")
        np.testing.assert_array_equal(levels(there / f"{kind}_1" / target(name)), single)
        assert np.abs(levels(there / f"{kind}_4" / target(name)) - single).max() <= 1
        assert single.std() > 5


@pytest.mark.usefixtures("eagerly")
def test_styles_are_read_at_the_size_of_each_picture(there):
    """As pictures, by a network for any style: what it makes of them is kept no longer than it holds."""
    write_tiny_network(there / "arbitrary.npz", "arbitrary")
    flags = ["--network=arbitrary.npz", "--compute_dtype=float32", "--style=style.jpg,other.jpg", "--size=0"]
    assert stylize(*flags, "--output=own_sizes") == 0
    for name in ("a.jpg", "c.webp", "sub/deeper/e.e.tif"):
        assert stylize(*flags, "--output=single.png", content=f"photos/{name}") == 0
        assert np.abs(levels(there / "own_sizes" / target(name)) - levels("single.png")).max() <= 1


@pytest.mark.usefixtures("eagerly")
def test_small_pictures_do_not_lend_their_styles_to_larger_ones(there, monkeypatch):
    """Of the same long side; small ones are painted at twice the size."""
    monkeypatch.setattr("tf_style.build.stylizer._SMALL", 40 * 48)
    (there / "two").mkdir()
    for name, height in {"a.png": 32, "b.png": 48}.items():
        command.write_picture(there / "two" / name, height, 48)
    command.write_picture(there / "large.png", 120, 100, seed=8)
    write_tiny_network(there / "arbitrary.npz", "arbitrary")
    flags = ["--network=arbitrary.npz", "--compute_dtype=float32", "--style=large.png", "--size=0"]
    assert stylize(*flags, "--output=two_painted", content="two") == 0
    for name in ("a.png", "b.png"):
        assert stylize(*flags, "--output=single.png", content=f"two/{name}") == 0
        assert np.abs(levels(there / "two_painted" / name) - levels("single.png")).max() <= 1


@pytest.mark.parametrize(("flags", "stage"), [(OPTIMIZE, "before"), (NETWORK, "after")])
@pytest.mark.usefixtures("eagerly")
def test_every_picture_takes_the_colors_given(there, flags, stage):
    colors = ["--preserve_color=linear", f"--color_stage={stage}", "--color_from=other.jpg"]
    assert stylize(*flags, *colors, "--output=colored", "--batch_size=4") == 0
    for name in ("a.jpg", "c.webp", "sub/d.JPEG"):
        assert stylize(*flags, *colors, "--output=single.png", content=f"photos/{name}") == 0
        painting = levels(there / "colored" / target(name))
        assert np.abs(painting - levels("single.png")).max() <= 1
        if stage == "after":
            np.testing.assert_allclose(painting.mean((0, 1)), levels("other.jpg").mean((0, 1)), atol=8)


def test_alpha_is_carried(runs, folder):
    assert levels(folder / "network_4" / "b.png").shape == (*PORTRAIT, 4)
    np.testing.assert_array_equal(
        levels(folder / "network_4" / "b.png")[..., 3], levels(folder / "photos" / "b.png")[..., 3]
    )


def test_one_model_and_one_trace_serve_all_sizes(runs):
    assert [len(sessions) for sessions in runs.values()] == [1] * 4
    assert runs["network_1"][0].stylizers[0, False].num_traces == 1
    assert runs["network_4"][0].stylizers[0, False].num_traces == 1
    assert runs["optimized_1"][0].stylizers[0, False].optimization.num_traces == 1
    assert runs["optimized_4"][0].stylizers[0, False].optimization.num_traces == 1, "passes of three, at two sizes"


@pytest.mark.usefixtures("eagerly")
def test_pictures_of_one_size_are_painted_together(there, monkeypatch):
    counts = []
    paint = FolderSession.paint

    def counted(session, pictures):
        counts.append(len(pictures))
        return paint(session, pictures)

    monkeypatch.setattr(FolderSession, "paint", counted)
    assert stylize(*NETWORK, "--output=counted", "--batch_size=2") == 0
    assert sorted(counts) == [1, 1, 2, 2]


@pytest.mark.usefixtures("eagerly")
def test_formats_and_depths(there):
    assert stylize(*NETWORK, "--output=jpegs", "--format=jpg", "--quality=60") == 0
    assert files_in(there / "jpegs") == {Path(name).with_suffix(".jpg").as_posix() for name in PICTURES}
    assert stylize(*NETWORK, "--output=deep", "--format=tif", "--bit_depth=16", "--size=0") == 0
    picture = images.read_image(there / "deep" / "a.tif")
    assert (picture.bit_depth, picture.size) == (16, (45, 60))


def test_nothing_is_loaded_where_nothing_is_missing(runs, there, capfd, monkeypatch):
    monkeypatch.setattr(FolderSession, "load", None)
    assert stylize(*NETWORK, "--output=network_4", "--skip_existing") == 0
    assert capfd.readouterr().err == "Nothing to paint: 6 already existed in network_4.\n"


# --- what is said and written -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eagerly")
def test_progress_counts_pictures(there, capfd):
    assert stylize(*NETWORK, "--output=said") == 0
    first, *lines, last = capfd.readouterr().err.splitlines()
    assert first.startswith("Network network.npz in float32 on ")
    assert lines[0].startswith("1/6 pictures  a.jpg  ")
    assert lines[-1].startswith("6/6 pictures  ")
    assert all(line.endswith(" left") for line in lines)
    assert last.startswith("Wrote 6 of 6 pictures to said (")


@pytest.mark.usefixtures("eagerly")
def test_quiet_says_nothing(there, capfd):
    assert stylize(*NETWORK, "--output=quiet", "--quiet") == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("eagerly")
def test_steps_are_shown_inside_a_pass(runs, there, capfd):
    assert stylize(*OPTIMIZE, "--output=steps") == 0
    lines = capfd.readouterr().err.splitlines()
    assert lines[1].startswith("0/6 pictures  a.jpg  step 1/3  loss ")


@pytest.mark.parametrize("kind", ["optimized", "network"])
def test_the_record_has_a_row_a_picture(runs, folder, kind):
    record = json.loads((folder / f"{kind}_4.json").read_text())
    assert record["complete"] is True
    assert {row["name"]: tuple(row["size"]) for row in record["pictures"]} == PICTURES
    assert all(row["error"] is None and 0 < row["seconds"] < record["seconds"] for row in record["pictures"])
    assert record["pictures"][0]["output"] == f"{kind}_4/a.png"
    assert record["settings"]["size"] == 48
    assert record["files"]["batch_size"] == 4
    assert "tensorflow" in record["versions"]
    assert record["skipped"] == []
    assert "style" in record["objective"] if kind == "optimized" else record["network"]["card"]["styles"] == ["a", "b"]
