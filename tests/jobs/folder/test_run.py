"""Folders of pictures: the same paintings as one by one, bad files among good ones, going on, refusals, the record."""

import json
import os
import signal
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import command
from tests.materials import assert_one_sentence, network_weights, tiny_encoder
from tf_style import images
from tf_style.build.network import make_network
from tf_style.cli.main import main
from tf_style.images.strips.planes import Plane
from tf_style.jobs.folder.session import FolderSession
from tf_style.jobs.large.session import LargeSession
from tf_style.jobs.run import progress
from tf_style.networks.archive import write_network
from tf_style.stylizers import FeedForwardStylizer

LANDSCAPE, PORTRAIT = (36, 48), (48, 36)
#: name -> painting size at --size=48
PICTURES = {
    "a.jpg": LANDSCAPE,
    "b.png": PORTRAIT,
    "c.webp": LANDSCAPE,
    "sub/d.JPEG": PORTRAIT,
    "sub/deeper/e.e.tif": LANDSCAPE,
    "turned.jpg": PORTRAIT,
}
BAD = {"cut.jpg": "cut short", "long.png": "at least 32", "text.jpg": "not a picture", "tiny.png": "at least 32"}
SECONDS = 200  # longer than any of these runs takes on a slow machine


def _target(name):
    return Path(name).with_suffix(".png").as_posix()


def _write_pictures(folder):
    """A content folder `photos`, two styles, and things in the folder that are no pictures."""
    photos = folder / "photos"
    (photos / "sub" / "deeper").mkdir(parents=True)
    (photos / ".thumbnails").mkdir()
    command.write_picture(photos / "a.jpg", 45, 60)
    command.write_picture(photos / "b.png", 48, 36, seed=3, mode="RGBA")
    command.write_picture(photos / "c.webp", 36, 48, seed=4)
    command.write_picture(photos / "sub" / "d.JPEG", 60, 45, seed=5)
    command.write_picture(photos / "sub" / "deeper" / "e.e.tif", 39, 52, seed=6)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    with Image.open(command.write_picture(folder / "turned.png", 45, 60, seed=7)) as image:
        image.save(photos / "turned.jpg", exif=exif)
    command.write_picture(photos / ".hidden.png")
    command.write_picture(photos / ".thumbnails" / "a.jpg")
    (photos / "notes.txt").write_text("no picture\n")
    command.write_picture(folder / "style.jpg", 50, 40, seed=1)
    command.write_picture(folder / "other.jpg", 40, 64, seed=2)


def _write_bad(photos):
    photos.mkdir(exist_ok=True)
    (photos / "text.jpg").write_text("This is no picture, whatever its name says.\n")
    command.write_picture(photos / "tiny.png", 31, 64)
    command.write_picture(photos / "long.png", 32, 900)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos / "cut.jpg", quality=95)
    data = (photos / "cut.jpg").read_bytes()
    (photos / "cut.jpg").write_bytes(data[: len(data) // 2])


def _write_network(path, kind="many_styles"):
    keras.utils.set_random_seed(0)
    styles = ("a", "b") if kind == "many_styles" else ()
    encoder = tiny_encoder() if kind == "arbitrary" else None
    network = make_network(kind, "float32", styles, encoder)
    rng = np.random.default_rng(0)
    for variable in network.table.weights if styles else ():
        variable.assign(rng.normal(0.0, 0.3, variable.shape))
    write_network(path, {"kind": kind, "styles": list(styles)}, network_weights(network, encoder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folders")
    _write_pictures(folder)
    _write_network(folder / "network.npz")
    return folder


@pytest.fixture
def there(folder, monkeypatch):
    """The folder, as the working folder."""
    monkeypatch.chdir(folder)
    return folder


OPTIMIZE = ("--style=style.jpg", *command.SHORT)
NETWORK = ("--network=network.npz", "--compute_dtype=float32", "--style=a,b", "--style_blend=0.7,0.3", "--size=48")


def _stylize(*flags, content="photos"):
    return main(["stylize", f"--content={content}", *map(str, flags)])


def _levels(path):
    with Image.open(path) as image:
        return np.asarray(image, np.int32)


def _files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


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
                assert _stylize(*flags, f"--output={name}", f"--batch_size={count}", report) == 0
    return found


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["optimized_4", "optimized_1", "network_4", "network_1"])
def test_every_picture_is_painted_under_its_name(runs, folder, name):
    assert _files(folder / name) == set(map(_target, PICTURES))
    for picture, size in PICTURES.items():
        assert _levels(folder / name / _target(picture)).shape[:2] == size


@pytest.mark.parametrize("kind", ["optimized", "network"])
def test_pictures_painted_together_are_those_painted_one_by_one(runs, folder, kind):
    for name in map(_target, PICTURES):
        together, alone = (_levels(folder / f"{kind}_{count}" / name) for count in (4, 1))
        assert np.abs(together - alone).max() <= 1, name


@pytest.mark.parametrize(("kind", "flags"), [("optimized", OPTIMIZE), ("network", NETWORK)])
def test_a_folders_paintings_are_those_of_single_runs(runs, there, kind, flags):
    for name in ("b.png", "sub/deeper/e.e.tif"):
        assert _stylize(*flags, "--output=single.png", content=f"photos/{name}") == 0
        single = _levels("single.png")
        np.testing.assert_array_equal(_levels(there / f"{kind}_1" / _target(name)), single)
        assert np.abs(_levels(there / f"{kind}_4" / _target(name)) - single).max() <= 1
        assert single.std() > 5


def test_styles_are_read_at_the_size_of_each_picture(there):
    """As pictures, by a network for any style: what it makes of them is kept no longer than it holds."""
    _write_network(there / "arbitrary.npz", "arbitrary")
    flags = ["--network=arbitrary.npz", "--compute_dtype=float32", "--style=style.jpg,other.jpg", "--size=0"]
    assert _stylize(*flags, "--output=own_sizes") == 0
    for name in ("a.jpg", "c.webp", "sub/deeper/e.e.tif"):
        assert _stylize(*flags, "--output=single.png", content=f"photos/{name}") == 0
        assert np.abs(_levels(there / "own_sizes" / _target(name)) - _levels("single.png")).max() <= 1


@pytest.mark.parametrize(("flags", "stage"), [(OPTIMIZE, "before"), (NETWORK, "after")])
def test_every_picture_takes_the_colors_given(there, flags, stage):
    colors = ["--preserve_color=linear", f"--color_stage={stage}", "--color_from=other.jpg"]
    assert _stylize(*flags, *colors, "--output=colored", "--batch_size=4") == 0
    for name in ("a.jpg", "c.webp", "sub/d.JPEG"):
        assert _stylize(*flags, *colors, "--output=single.png", content=f"photos/{name}") == 0
        painting = _levels(there / "colored" / _target(name))
        assert np.abs(painting - _levels("single.png")).max() <= 1
        if stage == "after":
            np.testing.assert_allclose(painting.mean((0, 1)), _levels("other.jpg").mean((0, 1)), atol=8)


def test_alpha_is_carried(runs, folder):
    assert _levels(folder / "network_4" / "b.png").shape == (*PORTRAIT, 4)
    np.testing.assert_array_equal(
        _levels(folder / "network_4" / "b.png")[..., 3], _levels(folder / "photos" / "b.png")[..., 3]
    )


def test_one_model_and_one_trace_serve_all_sizes(runs):
    assert [len(sessions) for sessions in runs.values()] == [1] * 4
    assert runs["network_1"][0].stylizers[0, False].num_traces == 1
    assert runs["network_4"][0].stylizers[0, False].num_traces == 1
    assert runs["optimized_1"][0].stylizers[0, False].optimization.num_traces == 1
    assert runs["optimized_4"][0].stylizers[0, False].optimization.num_traces == 1, "passes of three, at two sizes"


def test_pictures_of_one_size_are_painted_together(there, monkeypatch):
    counts = []
    paint = FolderSession.paint

    def counted(session, pictures):
        counts.append(len(pictures))
        return paint(session, pictures)

    monkeypatch.setattr(FolderSession, "paint", counted)
    assert _stylize(*NETWORK, "--output=counted", "--batch_size=2") == 0
    assert sorted(counts) == [1, 1, 2, 2]


def test_formats_and_depths(there):
    assert _stylize(*NETWORK, "--output=jpegs", "--format=jpg", "--quality=60") == 0
    assert _files(there / "jpegs") == {Path(name).with_suffix(".jpg").as_posix() for name in PICTURES}
    assert _stylize(*NETWORK, "--output=deep", "--format=tif", "--bit_depth=16", "--size=0") == 0
    picture = images.read_image(there / "deep" / "a.tif")
    assert (picture.bit_depth, picture.size) == (16, (45, 60))


# --- bad files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quiet", [False, True])
def test_bad_files_among_good_ones_are_reported_and_the_rest_is_done(there, capfd, quiet):
    _write_bad(there / "mixed")
    command.write_picture(there / "mixed" / "good.png")
    command.write_picture(there / "mixed" / "huge.png", 200, 210)
    flags = ["--output=from_mixed", "--json=mixed.json", "--max_pixels=40000", *(["--quiet"] * quiet)]
    assert _stylize(*NETWORK, *flags, content="mixed") == 1
    assert _files(there / "from_mixed") == {"good.png"}
    lines = capfd.readouterr().err.splitlines()
    errors = [line for line in lines if line.startswith("tf-style: ")]
    assert len(errors) == len(BAD) + 2
    for name, part in {**BAD, "huge.png": "40,000"}.items():
        (line,) = (line for line in errors if name in line)
        assert part in line
        assert_one_sentence(f"{line}.")
    assert errors[-1] == lines[-1] == "tf-style: 5 of 6 pictures failed."
    assert errors == lines or not quiet
    rows = {row["name"]: row for row in json.loads((there / "mixed.json").read_text())["pictures"]}
    assert rows.keys() == {*BAD, "good.png", "huge.png"}
    assert [name for name, row in rows.items() if row["error"] is None] == ["good.png"]
    assert "not a picture" in rows["text.jpg"]["error"]


def test_pictures_that_all_fail_load_no_model(there, capfd, monkeypatch):
    monkeypatch.setattr(FolderSession, "load", None)
    (there / "small").mkdir(exist_ok=True)
    command.write_picture(there / "small" / "a.png", 20, 20)
    assert _stylize(*NETWORK, "--output=nowhere", content="small") == 1
    assert capfd.readouterr().err.splitlines()[-1] == "tf-style: 1 of 1 pictures failed."
    assert not (there / "nowhere").exists()


def test_too_little_memory_is_one_sentence_a_picture(there, capfd, monkeypatch):
    def refuse(stylizer, content, code):
        if content.shape[1:3] == LANDSCAPE:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        return content

    monkeypatch.setattr(FeedForwardStylizer, "paint", refuse)
    assert _stylize(*NETWORK, "--output=scarce") == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("tf-style: ")]
    assert len(errors) == 4
    assert errors[0].startswith(
        "tf-style: 'photos/a.jpg': 3 pictures of 48 x 36 pixels do not fit into memory at once; lower "
    )
    assert _files(there / "scarce") == {_target(name) for name, size in PICTURES.items() if size == PORTRAIT}


def test_a_full_disk_ends_the_run(there, capfd, monkeypatch):
    def refuse(path, *arguments, **options):
        raise images.WriteError(f"'{path}' cannot be written (No space left on device); free the disk")

    monkeypatch.setattr(images, "write_image", refuse)
    assert _stylize(*NETWORK, "--output=full") == 1
    assert capfd.readouterr().err.count("No space left") == 1


# --- going on ---------------------------------------------------------------------------------------------------------


def test_skip_existing_paints_only_what_is_missing(there, capfd):
    assert _stylize(*NETWORK, "--output=going_on") == 0
    before = _levels("going_on/a.png")
    (there / "going_on" / "a.png").unlink()
    (there / "going_on" / "c.png").write_bytes(b"mine")
    assert _stylize(*NETWORK, "--output=going_on", "--skip_existing", "--json=going_on.json") == 0
    assert "Wrote 1 of 1 pictures to going_on" in capfd.readouterr().err
    assert np.abs(_levels("going_on/a.png") - before).max() <= 1
    assert (there / "going_on" / "c.png").read_bytes() == b"mine"
    record = json.loads((there / "going_on.json").read_text())
    assert [row["name"] for row in record["pictures"]] == ["a.jpg"]
    assert set(record["skipped"]) == PICTURES.keys() - {"a.jpg"}


def test_nothing_is_loaded_where_nothing_is_missing(runs, there, capfd, monkeypatch):
    monkeypatch.setattr(FolderSession, "load", None)
    assert _stylize(*NETWORK, "--output=network_4", "--skip_existing") == 0
    assert capfd.readouterr().err == "Nothing to paint: 6 already existed in network_4.\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_whole_pictures_and_says_how_to_go_on(there, number):
    output = f"stopped_{number}"
    flags = [*OPTIMIZE, "--num_steps=600", "--batch_size=1", f"--output={output}", f"--json={output}.json"]
    process = command.fork(["stylize", "--content=photos", *flags], there)
    deadline = time.monotonic() + SECONDS
    while not (there / output / "a.png").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    for _ in range(2):  # of one who is impatient
        process.send_signal(number)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "Traceback" not in stderr
    last = stderr.splitlines()[-1]
    assert last.startswith("Interrupted: ")
    assert f"of 6 pictures are in {output}; to resume, repeat the command with --skip_existing." in last
    written = _files(there / output)
    assert "a.png" in written
    assert len(written) < len(PICTURES)
    for name in written:
        images.read_image(there / output / name)
    record = json.loads((there / f"{output}.json").read_text())
    assert record["complete"] is False
    assert {_target(row["name"]) for row in record["pictures"]} == written


@pytest.mark.slow
def test_an_interruption_before_the_first_picture_leaves_nothing(there):
    process = command.start(["stylize", "--content=photos", *OPTIMIZE, "--output=early"], there)
    maps = Path(f"/proc/{process.pid}/maps")
    if not maps.exists():
        process.kill()
        pytest.skip("this system does not show what a process has loaded")
    while process.poll() is None and "libtensorflow_framework" not in maps.read_text():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout) == (130, ""), stderr
    assert "Traceback" not in stderr
    assert not (there / "early").exists()


# --- large pictures ---------------------------------------------------------------------------------------------------

TILES = ("--style=style.jpg", *command.SHORT, "--size=0", "--tile_size=48")


@pytest.fixture(scope="module")
def large(folder):
    """A content folder of two pictures that are painted in tiles of 48 pixels, and one that is painted whole."""
    (folder / "large" / "sub").mkdir(parents=True)
    command.write_picture(folder / "large" / "a.png", 72, 96, seed=11)
    command.write_picture(folder / "large" / "b.png", 40, 48, seed=12)
    command.write_picture(folder / "large" / "sub" / "c.png", 96, 72, seed=13, mode="RGBA")
    return folder / "large"


def test_large_pictures_are_painted_in_tiles(large, there, capfd, monkeypatch):
    monkeypatch.setattr(progress, "_LINES_EVERY_SECONDS", 0)
    assert _stylize(*TILES, "--output=tiled", "--json=tiled.json", content="large") == 0
    lines = capfd.readouterr().err.splitlines()
    assert any(line.endswith(" 1 of 1 scales in tiles.") for line in lines)
    assert any(line.startswith("1/3 pictures  a.png  step ") for line in lines)
    assert _files(there / "tiled") == {"a.png", "b.png", "sub/c.png"}
    assert _stylize(*TILES, "--output=single.png", content="large/sub/c.png") == 0
    assert (there / "tiled" / "sub" / "c.png").read_bytes() == Path("single.png").read_bytes()
    record = json.loads(Path("tiled.json").read_text())
    assert [(row["name"], row["size"], row["error"]) for row in record["pictures"]] == [
        ("a.png", [72, 96], None), ("b.png", [40, 48], None), ("sub/c.png", [96, 72], None),
    ]  # fmt: skip
    assert _stylize(*TILES, "--output=tiled", "--skip_existing", content="large") == 0
    assert capfd.readouterr().err.endswith("Nothing to paint: 3 already existed in tiled.\n")


def test_large_pictures_that_fail_are_reported_and_the_rest_is_done(large, there, capfd, monkeypatch):
    after = ["--preserve_color=linear", "--color_stage=after"]
    assert _stylize(*TILES, *after, "--output=after", content="large") == 1
    lines = capfd.readouterr().err.splitlines()
    assert sum("give --color_stage=before" in line for line in lines) == 2
    assert _files(there / "after") == {"b.png"}
    create, failed = Plane.create, []

    def full_once(plane):
        if plane.path.name.startswith("gradient") and not failed:
            failed.append(plane.path)
            raise images.WriteError(f"'{plane.path}' cannot be written (the disk is full)")
        return create(plane)

    monkeypatch.setattr(Plane, "create", full_once)
    assert _stylize(*TILES, "--output=full", "--quiet", content="large") == 1
    first, last = capfd.readouterr().err.splitlines()
    assert "large/a.png" in first
    assert "the disk is full" in first
    assert last == "tf-style: 1 of 3 pictures failed."
    assert {path.relative_to(there / "full").as_posix() for path in (there / "full").rglob("*")} == {
        "b.png", "sub", "sub/c.png",
    }  # fmt: skip


def test_an_interruption_between_tiles_leaves_whole_pictures_only(large, there, capfd, monkeypatch):
    steps = LargeSession.steps

    def interrupted(session):
        for number, state in enumerate(steps(session)):
            if number == 5 and session._inputs.content.name == "c.png":
                os.kill(os.getpid(), signal.SIGINT)
            yield state

    monkeypatch.setattr(LargeSession, "steps", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where tests run in the background
    try:
        status = _stylize(*TILES, "--output=halted", "--json=halted.json", content="large")
    finally:
        signal.signal(signal.SIGINT, before)
    assert status == 130
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("Interrupted: 2 of 3 pictures are in halted; ")
    assert {path.relative_to(there / "halted").as_posix() for path in (there / "halted").rglob("*")} == {
        "a.png", "b.png", "sub",
    }  # fmt: skip
    record = json.loads(Path("halted.json").read_text())
    assert (record["complete"], [row["name"] for row in record["pictures"]]) == (False, ["a.png", "b.png"])


# --- what is said and written -----------------------------------------------------------------------------------------


def test_progress_counts_pictures(there, capfd):
    assert _stylize(*NETWORK, "--output=said") == 0
    first, *lines, last = capfd.readouterr().err.splitlines()
    assert first.startswith("Network network.npz in float32 on ")
    assert lines[0].startswith("1/6 pictures  a.jpg  ")
    assert lines[-1].startswith("6/6 pictures  ")
    assert all(line.endswith(" left") for line in lines)
    assert last.startswith("Wrote 6 of 6 pictures to said (")


def test_quiet_says_nothing(there, capfd):
    assert _stylize(*NETWORK, "--output=quiet", "--quiet") == 0
    assert capfd.readouterr() == ("", "")


def test_steps_are_shown_inside_a_pass(runs, there, capfd):
    assert _stylize(*OPTIMIZE, "--output=steps") == 0
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


# --- refusals ---------------------------------------------------------------------------------------------------------

# name -> (flags over those of a run that would work, what the sentence must hold)
REFUSALS = {
    "figure": (["--figure=figure.png"], ["--figure", "single pictures", "photos"]),
    "checkpoint": (["--checkpoint_dir=state"], ["--checkpoint_dir", "single pictures"]),
    "previews": (["--save_every=2"], ["--save_every", "single pictures"]),
    "board": (["--tensorboard_dir=board"], ["--tensorboard_dir", "single pictures"]),
    "same folder": (["--output=photos"], ["--output=photos", "painted again"]),
    "folder in it": (["--output=photos/new/out"], ["--output=photos/new/out", "painted again"]),
    "roundabout": (["--output=out/../photos/sub"], ["painted again"]),
    "linked folder": (["--output=link/out"], ["painted again"]),
    "a picture's name": (["--output=out.png"], ["'photos' is a folder", "out.png", "--format"]),
    "a file": (["--output=style"], ["is a file"]),
    "empty folder": (["--content=empty"], ["'empty' holds no picture that can be read", "JPEG"]),
    "no picture in it": (["--content=texts"], ["'texts' holds no picture that can be read", "2 files"]),
    "two of a name": (["--content=twins"], ["a.png", "a.jpg", "rename"]),
    "over a style": (["--content=styles", "--output=.", "--format=jpg"], ["style.jpg", "input"]),
    "into the content": (["--content=nest/nest", "--output=."], ["painted again"]),
    "record over a painting": (["--json=out/a.png"], ["--json=out/a.png", "painting of a.jpg"]),
    "record over a content": (["--json=photos/a.jpg"], ["--json=photos/a.jpg", "input"]),
    "format": (["--format=gif"], ["format", "png, jpg, webp, tif", "'gif'"]),
    "depth": (["--format=webp", "--bit_depth=16"], ["16 bits", ".png"]),
    "no pass": (["--batch_size=0"], ["batch_size", "at least 1"]),
    "shares": (["--style_blend=1,2"], ["2 shares"]),
    "style": (["--style=nowhere.jpg"], ["'nowhere.jpg' does not exist"]),
    "folder of styles": (["--style=photos"], ["'photos' is a folder"]),
    "unknown style": (["--network=network.npz", "--style=c"], ["'c'", "a, b"]),
    "weights": (["--weights=nowhere.h5"], ["nowhere.h5"]),
    "format of a picture": (["--content=photos/a.jpg", "--output=out.png", "--format=jpg"], ["--format", "folders"]),
    "skip of a picture": (["--content=photos/a.jpg", "--output=out.png", "--skip_existing"], ["--skip_existing"]),
    "pass of a picture": (["--content=photos/a.jpg", "--output=out.png", "--batch_size=2"], ["--batch_size"]),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    _write_pictures(folder)
    _write_network(folder / "network.npz")
    for name in ("empty", "texts", "twins", "styles", "nest/nest/nest/nest"):
        (folder / name).mkdir(parents=True)
    for name in ("a.png", "b.jpg"):
        (folder / "texts" / name).write_text("no picture")
    command.write_picture(folder / "twins" / "a.png")
    command.write_picture(folder / "twins" / "a.jpg")
    command.write_picture(folder / "styles" / "style.png")
    command.write_picture(folder / "nest" / "nest" / "nest" / "nest" / "a.png")
    (folder / "style").write_text("a file")
    (folder / "link").symlink_to("photos")
    before = _files(folder)
    good = ["stylize", "--content=photos", "--style=style.jpg", "--output=out", "--size=48"]
    outcomes = command.run_lines({name: [*good, *flags] for name, (flags, _) in REFUSALS.items()}, folder, fresh=True)
    assert _files(folder) == before, "a refused command wrote something"
    return outcomes


@pytest.mark.parametrize("name", REFUSALS)
def test_what_a_folder_cannot_be_is_refused_in_one_sentence_before_tensorflow_loads(refused, name):
    outcome = refused[name]
    assert outcome.status == 2, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("tf-style: ")
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    assert len(outcome.stderr) < 500
    for part in REFUSALS[name][1]:
        assert part in outcome.stderr
    assert "tensorflow" not in outcome.modules
    assert "keras" not in outcome.modules


# --- sizes by the header ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", images.READABLE_SUFFIXES)
def test_the_header_tells_the_size(tmp_path, suffix):
    path = command.write_picture(tmp_path / f"picture{suffix}", 40, 56)
    assert images.read_size(path) == images.read_image(path).size == (40, 56)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_header_tells_the_size_of_the_upright_picture(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"picture{suffix}"
    Image.new("RGB", (56, 40)).save(path, exif=exif)
    assert images.read_size(path) == images.read_image(path).size


def test_what_is_no_picture_has_no_size(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "short.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("text.jpg", "short.png", "pipe.png", "missing.png", "."):
        assert images.read_size(tmp_path / name) is None
