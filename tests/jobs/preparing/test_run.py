"""`tf-style prepare`: what it takes, what it leaves out, what it writes, and that it writes all or nothing."""

import io
import signal
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests import command
from tests.materials import assert_one_sentence
from tf_style.cli.main import main
from tf_style.config import ConfigError, PrepareConfig
from tf_style.images import WriteError
from tf_style.jobs.preparing import run as prepare
from tf_style.jobs.preparing import shards
from tf_style.jobs.preparing.shards import ShardWriter


@pytest.fixture
def pictures(tmp_path):
    """Nine pictures that can be used, one of a kind."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for index, name in enumerate(["a.jpg", "b.png", "c.webp", "more/d.tif", "more/e.gif", "f.bmp", "without_suffix"]):
        path = command.write_picture(folder / f"{index}.png", 90, 120, seed=index)
        kind = {"without_suffix": "JPEG", "d.tif": "TIFF"}.get(name.rpartition("/")[2])
        Image.open(path).convert("RGB").save(folder / name, kind)
        path.unlink()
    Image.open(folder / "a.jpg").convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.full((70, 300), 30000, np.uint16)).save(folder / "deep.png")
    return folder


def prepared(source, target, *flags):
    return main(["prepare", f"--input_dir={source}", f"--output_dir={target}", *flags])


def examples(target):
    """All records, {name: (picture, example)}, in the order of the files."""
    found = {}
    for file in sorted(target.glob("*.tfrecord")):
        for record in tf.data.TFRecordDataset(str(file)):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            image = Image.open(io.BytesIO(features["image"].bytes_list.value[0]))
            assert (image.height, image.width) == tuple(
                features[side].int64_list.value[0] for side in ("height", "width")
            )
            found[features["name"].bytes_list.value[0].decode()] = image
    return found


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# --- what is written --------------------------------------------------------------------------------------------------


def test_pictures_of_all_kinds_become_records(pictures, tmp_path, capsys):
    target = tmp_path / "new" / "out"
    assert prepared(pictures, target, "--short_side=64", "--shard_pictures=4") == 0
    assert names(target) == [f"pictures-0000{index}-of-00003.tfrecord" for index in range(3)]
    found = examples(target)
    assert set(found) == {path.relative_to(pictures).as_posix() for path in pictures.rglob("*") if path.is_file()}
    assert list(found) != sorted(found), "not shuffled"
    assert {image.format for image in found.values()} == {"JPEG"}
    assert {(image.width, image.height) for name, image in found.items() if name != "deep.png"} == {(85, 64)}
    assert found["deep.png"].size == (274, 64)
    assert abs(int(np.asarray(found["deep.png"])[30, 30, 0]) - 30000 / 257) < 2
    text = capsys.readouterr().err.splitlines()
    assert text[-1] == f"Wrote 9 pictures in 3 files to {target}; left out 0."
    assert "picture 9/9" in text[-2]
    assert "left" in text[-2]


def test_pictures_are_never_enlarged_and_keep_their_colours(pictures, tmp_path):
    assert prepared(pictures, tmp_path / "out", "--short_side=320", "--quality=100", "--quiet") == 0
    found = examples(tmp_path / "out")
    assert found["b.png"].size == (120, 90)
    original = np.asarray(Image.open(pictures / "b.png").convert("RGB")).astype(float)
    assert np.abs(np.asarray(found["b.png"]).astype(float) - original).mean() < 1.5
    assert all(layer[1:3] == (1, 1) for layer in found["b.png"].layer), "colours at a lower resolution"


def test_pictures_are_upright_and_transparent_parts_white(tmp_path):
    source = tmp_path / "pictures"
    source.mkdir()
    image = Image.fromarray(np.repeat(np.uint8([[[200, 0, 0], [0, 0, 200]]]), 100, 0).repeat(70, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    image.save(source / "turned.jpg", exif=exif, quality=100)
    Image.new("RGBA", (80, 80), (10, 200, 10, 0)).save(source / "clear.png")
    assert prepared(source, tmp_path / "out", "--quiet") == 0
    found = examples(tmp_path / "out")
    assert found["turned.jpg"].size == (100, 140)
    top, bottom = np.asarray(found["turned.jpg"])[[5, -5], 50]
    assert top[0] > 150 > bottom[0]
    assert np.asarray(found["clear.png"]).min() > 250


def test_same_input_same_bytes_and_another_seed_another_order(pictures, tmp_path):
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        assert prepared(pictures, tmp_path / name, f"--seed={seed}", "--shard_pictures=4", "--quiet") == 0
    for shard in names(tmp_path / "one"):
        assert (tmp_path / "one" / shard).read_bytes() == (tmp_path / "two" / shard).read_bytes()
    orders = [list(examples(tmp_path / name)) for name in ("one", "three")]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.parametrize(("shard_pictures", "count"), [(9, 1), (8, 2), (3, 3), (1, 9), (1000, 1)])
def test_number_of_shards(pictures, tmp_path, shard_pictures, count):
    assert prepared(pictures, tmp_path / "out", f"--shard_pictures={shard_pictures}", "--quiet") == 0
    assert len(names(tmp_path / "out")) == count


# --- what is left out -------------------------------------------------------------------------------------------------


def spoil(folder):
    """Five files that cannot be used, and some that are no pictures by their names."""
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.png").touch()
    (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    command.write_picture(folder / "small.png", 63, 200)
    cut = command.write_picture(folder / "cut.jpg", 200, 200, seed=3)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    for name in ("notes.txt", "labels.json", ".hidden.jpg", "other.tfrecord"):
        (folder / name).write_text("not to be looked at")
    (folder / ".trash").mkdir()
    command.write_picture(folder / ".trash" / "old.png", 100, 100)


def test_what_cannot_be_used_is_left_out_with_a_reason(pictures, tmp_path, capsys):
    spoil(pictures)
    command.write_picture(pictures / "large.png", 200, 300)
    assert prepared(pictures, tmp_path / "out", "--max_pixels=50000") == 0
    lines = capsys.readouterr().err.splitlines()
    reports = [line for line in lines if line.startswith("Left out: ")]
    for report in reports:
        assert_one_sentence(report)
    for name in ("text.jpg", "empty.png", "photo.heic", "small.png", "cut.jpg", "large.png"):
        assert sum(name in report for report in reports) == 1, name
    assert len(reports) == 6
    assert any("at least 64" in report for report in reports)
    assert lines[-1].endswith("; left out 6.")
    assert len(examples(tmp_path / "out")) == 9


def test_quiet_prints_only_what_is_left_out(pictures, tmp_path, capsys):
    command.write_picture(pictures / "small.png", 10, 10)
    assert prepared(pictures, tmp_path / "out", "--quiet") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Left out: ")
    assert err.count("\n") == 1


def test_nothing_usable_writes_nothing(tmp_path, capsys):
    source, target = tmp_path / "pictures", tmp_path / "new" / "out"
    source.mkdir()
    spoil(source)
    assert prepared(source, target) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("tf-style: --input_dir=")
    assert "no usable picture" in lines[-1]
    assert_one_sentence(lines[-1])
    assert not target.parent.exists()


# --- refusals ---------------------------------------------------------------------------------------------------------

REFUSALS = {
    "nothing": ([], ["--input_dir, --output_dir must be given"]),
    "no output": (["--input_dir=good"], ["--output_dir must be given"]),
    "missing folder": (["--input_dir=nowhere", "--output_dir=out"], ["--input_dir=nowhere", "not a folder"]),
    "a file": (["--input_dir=file.txt", "--output_dir=out"], ["--input_dir=file.txt", "not a folder"]),
    "no files": (["--input_dir=empty", "--output_dir=out"], ["holds no pictures"]),
    "output is a file": (["--input_dir=good", "--output_dir=file.txt"], ["--output_dir", "file.txt"]),
    "output has records": (["--input_dir=good", "--output_dir=done"], ["pictures-00000-of-00001", "--overwrite"]),
    "foreign records": (["--input_dir=good", "--output_dir=foreign"], ["mine.tfrecord"]),
    "overwrite foreign": (["--input_dir=good", "--output_dir=foreign", "--overwrite"], ["mine.tfrecord", "prepare"]),
    "short side": (["--input_dir=good", "--output_dir=out", "--short_side=63"], ["short_side", "at least 64"]),
    "quality": (["--input_dir=good", "--output_dir=out", "--quality=101"], ["1 to 100", "101"]),
    "no quality": (["--input_dir=good", "--output_dir=out", "--quality=0"], ["quality", "at least 1"]),
    "empty shards": (["--input_dir=good", "--output_dir=out", "--shard_pictures=0"], ["shard_pictures", "at least 1"]),
    "typo": (["--input_dir=good", "--output_dri=out"], ["output_dri", "Did you mean: output_dir"]),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refusals")
    for name in ("good", "empty", "done", "foreign"):
        (folder / name).mkdir()
    (folder / "file.txt").touch()
    command.write_picture(folder / "good" / "a.png", 80, 80)
    (folder / "done" / "pictures-00000-of-00001.tfrecord").touch()
    (folder / "foreign" / "mine.tfrecord").touch()
    outcomes = command.run_lines(
        {name: ["prepare", *flags] for name, (flags, _) in REFUSALS.items()}, folder, fresh=True
    )
    assert not (folder / "out").exists()
    assert (folder / "done" / "pictures-00000-of-00001.tfrecord").exists()
    return outcomes


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_arguments_are_refused_without_tensorflow(refused, name):
    outcome = refused[name]
    assert outcome.status == 2, outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    assert outcome.stderr.startswith("tf-style: ")
    for part in REFUSALS[name][1]:
        assert part in outcome.stderr
    assert "tensorflow" not in outcome.modules


def test_overwrite_replaces_all_of_an_earlier_run(pictures, tmp_path):
    target = tmp_path / "out"
    assert prepared(pictures, target, "--shard_pictures=2", "--quiet") == 0
    (target / "notes.txt").write_text("mine")
    assert len(names(target)) == 6
    assert prepared(pictures, target, "--overwrite", "--quiet") == 0
    assert names(target) == ["notes.txt", "pictures-00000-of-00001.tfrecord"]
    assert len(examples(target)) == 9


# --- all or nothing ---------------------------------------------------------------------------------------------------


def test_a_run_that_fails_leaves_what_was_there(pictures, tmp_path, monkeypatch):
    target = tmp_path / "out"
    assert prepared(pictures, target, "--quiet") == 0
    before = {path: path.read_bytes() for path in target.iterdir()}

    def fail(*_):
        raise WriteError("The disk is full.")

    monkeypatch.setattr(shards.ShardWriter, "finish", fail)
    assert prepared(pictures, target, "--quiet", "--overwrite", "--shard_pictures=1") == 1
    assert {path: path.read_bytes() for path in target.iterdir()} == before


def test_shards_are_hidden_until_all_are_whole(tmp_path):
    target = tmp_path / "deep" / "out"
    with ShardWriter(target, 2) as writer:
        for _ in range(5):
            writer.write(b"record")
        assert not list(target.rglob("*.tfrecord"))
    assert not target.parent.exists(), "folders were made for nothing"
    with ShardWriter(target, 2) as writer:
        for _ in range(5):
            writer.write(b"record")
        assert writer.finish() == 3
    assert names(target) == [f"pictures-0000{index}-of-00003.tfrecord" for index in range(3)]


def test_a_disk_that_refuses_is_one_sentence(tmp_path):
    class Refusing:
        def write(self, record):
            raise tf.errors.ResourceExhaustedError(None, None, "No space left\non device")

        def close(self):
            raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    with pytest.raises(WriteError, match="No space left") as error, ShardWriter(tmp_path / "out", 2) as writer:
        writer.write(b"record")
        writer._writer = Refusing()
        writer.write(b"record")
    assert_one_sentence(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_writes_nothing(tmp_path, number):
    source, target = tmp_path / "pictures", tmp_path / "out"
    source.mkdir()
    first = command.write_picture(source / "0.jpg", 1500, 2000)
    for index in range(1, 300):
        (source / f"{index}.jpg").hardlink_to(first)
    process = command.fork(
        ["prepare", f"--input_dir={source}", f"--output_dir={target}", "--shard_pictures=2"], tmp_path
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None and len(list(target.rglob("*.part"))) < 2:
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "nothing was written" in stderr
    assert "Traceback" not in stderr
    assert not target.exists()


def test_from_python_too(pictures, tmp_path):
    with pytest.raises(ConfigError):
        prepare.run(PrepareConfig(str(tmp_path / "nowhere"), str(tmp_path / "out")))
    assert prepare.run(PrepareConfig(str(pictures), str(tmp_path / "out"), quiet=True)) == 0


QUICK_TRAINING = ("--compute_dtype=float32", "--style_layers=conv1_1,conv2_1", "--content_layers=conv2_1")


@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_training_takes_what_was_prepared(pictures, tmp_path):
    assert prepared(pictures, tmp_path / "records", "--quiet") == 0
    flags = ["--batch_size=2", "--crop_size=32", "--num_steps=2", "--validation_pairs=1", *QUICK_TRAINING]
    folders = [f"--content_dir={tmp_path / 'records'}", f"--style_dir={tmp_path / 'records'}"]
    outcome = command.run(["train", *folders, f"--output_dir={tmp_path / 'network'}", *flags], tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert "on 8 photos and 8 styles" in outcome.stderr
    assert (tmp_path / "network" / "network.npz").exists()
    outcome = command.run(["train", *folders, "--output_dir=named", "--network=many_styles", *flags], tmp_path)
    assert outcome.status == 2, outcome.stderr
    assert_one_sentence(outcome.stderr.removesuffix("\n"))
    assert "many_styles" in outcome.stderr


# --- training on a damaged picture ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("place", ["photos", "paintings"])
def test_training_names_a_picture_that_is_cut_short(tmp_path, place):
    for name in ("photos", "paintings"):
        (tmp_path / name).mkdir()
        for index in range(3):
            command.write_picture(tmp_path / name / f"{index}.jpg", 64, 64, seed=index)
    cut = command.write_picture(tmp_path / place / "cut.jpg", 64, 64)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    flags = ["--batch_size=1", "--crop_size=32", "--num_steps=9", "--validation_pairs=0", *QUICK_TRAINING]
    folders = ["--content_dir=photos", "--style_dir=paintings", "--output_dir=network"]
    outcome = command.run(["train", *folders, *flags, "--quiet"], tmp_path)
    assert outcome.status == 2, outcome.stderr
    assert outcome.stderr.startswith(f"tf-style: {place}/cut.jpg ")
    assert "tf-style prepare" in outcome.stderr
    assert_one_sentence(outcome.stderr.removesuffix("\n"))
    assert not list(tmp_path.glob("network/*.npz"))
