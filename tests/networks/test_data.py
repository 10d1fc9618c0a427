"""The pictures that training sees: order, crops, what is kept aside, and every refusal."""

import io
import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tests.materials import assert_one_sentence
from tf_style.config import PrepareConfig
from tf_style.jobs.preparing import run as prepare
from tf_style.networks import data
from tf_style.networks.records import count_records, encode_record, record_pictures

COUNT, SIZE = 7, 16


def level(index):
    """The grey of a picture by its number, far from the others'."""
    return 20 + 30 * index


def save_flat(path, index, size=(40, 30)):
    Image.new("RGB", size, (level(index),) * 3).save(path)


@pytest.fixture
def folder(tmp_path):
    """A folder of pictures of one colour each, PNG and JPEG, one of them below another folder."""
    place = tmp_path / "pictures"
    (place / "more").mkdir(parents=True)
    for index in range(COUNT):
        suffix = "png" if index % 2 else "jpg"
        save_flat((place / "more" if index == 3 else place) / f"p{index}.{suffix}", index)
    return place


def write_records(path, contents, name="p{}.png"):
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for index, content in contents:
            writer.write(encode_record(content, name.format(index).encode(), (30, 40)))


def encoded(index):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (level(index),) * 3).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def records(tmp_path):
    """The same pictures as TFRecords, in two files."""
    place = tmp_path / "records"
    write_records(place / "a.tfrecord", [(index, encoded(index)) for index in range(4)])
    write_records(place / "b.tfrecord", [(index, encoded(index)) for index in range(4, COUNT)], "sub/p{}.png")
    return place


@pytest.fixture(params=["folder", "records"])
def place(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def source(place):
    return data.find_pictures(place)


def seen(source, count, **options):
    """The numbers of the next pictures."""
    crops = data.crops(source, SIZE, **{"seed": 5, **options}).take(count)
    return [round((float(crop[0, 0, 0]) * 255 - 20) / 30) for crop in crops]


def arrays(dataset, count):
    return np.stack([item.numpy() for item in dataset.take(count)])


# --- order ------------------------------------------------------------------------------------------------------------


def test_each_picture_comes_once_an_epoch(source):
    assert source.num_pictures == COUNT
    order = seen(source, 4 * COUNT)
    epochs = [order[start : start + COUNT] for start in range(0, len(order), COUNT)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(COUNT))] * 4
    assert len(set(map(tuple, epochs))) > 1, "every epoch has the same order"
    assert seen(source, 2 * COUNT, seed=6) != order[: 2 * COUNT]


@pytest.mark.parametrize("start", [1, COUNT - 1, COUNT, 2 * COUNT + 3])
def test_start_goes_on_where_another_run_stopped(source, start):
    whole = arrays(data.crops(source, SIZE, seed=5), 3 * COUNT + 2)
    rest = arrays(data.crops(source, SIZE, seed=5, start=start), 3 * COUNT + 2 - start)
    np.testing.assert_array_equal(rest, whole[start:])


def test_same_seed_same_crops(source):
    dataset = data.crops(source, SIZE, seed=3)
    first = arrays(dataset, 2 * COUNT)
    np.testing.assert_array_equal(arrays(dataset, 2 * COUNT), first)
    np.testing.assert_array_equal(arrays(data.crops(source, SIZE, seed=3), 2 * COUNT), first)


def test_records_go_on_the_same_way_after_what_they_held_out(records):
    source, _ = data.hold_out(data.find_pictures(records), 2)
    order = seen(source, 3 * source.num_pictures)
    for start in (1, 4, 5, 11):
        assert seen(source, 15 - start, start=start) == order[start:]


def test_records_of_many_blocks(records, monkeypatch):
    monkeypatch.setattr(data, "_BLOCK", 3)
    source, _ = data.hold_out(data.find_pictures(records), 1)
    order = seen(source, 18)
    assert [sorted(order[start : start + 6]) for start in (0, 6, 12)] == [list(range(1, 7))] * 3
    assert len({tuple(order[start : start + 3]) for start in range(0, 18, 3)}) > 3
    assert [seen(source, 18 - start, start=start) for start in (2, 3, 7)] == [order[start:] for start in (2, 3, 7)]


def test_the_global_seed_changes_nothing(source):
    order = seen(source, 2 * COUNT)
    tf.random.set_seed(11)
    try:
        assert seen(source, 2 * COUNT) == order
    finally:
        tf.random.set_seed(None)


def test_a_single_picture(tmp_path):
    save_flat(tmp_path / "p2.png", 2)
    assert seen(data.find_pictures(tmp_path), 3) == [2, 2, 2]


# --- crops ------------------------------------------------------------------------------------------------------------


def crop_of(image, seed, size=SIZE, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return data.random_crop(tf.constant(buffer.getvalue()), size, tf.constant([0, seed], tf.int64)).numpy()


PICTURES = {
    "RGB": (Image.effect_noise((50, 33), 90).convert("RGB"), "PNG"),
    "alpha": (Image.effect_noise((50, 33), 90).convert("RGBA"), "PNG"),
    "grey JPEG": (Image.effect_noise((33, 50), 90), "JPEG"),
    "grey and alpha": (Image.effect_noise((33, 50), 90).convert("LA"), "PNG"),
    "palette": (Image.effect_noise((50, 33), 90).convert("P"), "PNG"),
    "thin": (Image.effect_noise((400, 1), 90).convert("RGB"), "PNG"),
    "high": (Image.effect_noise((2, 300), 90).convert("RGB"), "PNG"),
    "a pixel": (Image.new("RGB", (1, 1), (9, 9, 9)), "PNG"),
    "16 bits": (Image.fromarray(np.full((20, 30), 40000, np.uint16)), "PNG"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_crops_have_the_size_and_the_range(name):
    image, kind = PICTURES[name]
    for seed in range(5):
        crop = crop_of(image, seed, kind=kind)
        assert crop.shape == (SIZE, SIZE, 3)
        assert crop.dtype == np.float32
        assert crop.min() >= 0.0
        assert crop.max() <= 1.0
        assert crop.std() > 0.0 or min(image.size) <= 2 or name == "16 bits", "nothing of the picture is left"


@pytest.mark.parametrize(("width", "height"), [(64, 40), (40, 64), (40, 40)])
def test_crops_lie_inside_at_all_places_and_scales(width, height):
    """Red grows to the right and green downwards, so a crop says where it was taken."""
    ramp = np.zeros((height, width, 3), np.uint8)
    ramp[..., 0], ramp[..., 1], ramp[..., 2] = 3 * np.arange(width), 3 * np.arange(height)[:, None], 200
    crops = np.stack([crop_of(Image.fromarray(ramp), seed) for seed in range(150)]) * 255
    np.testing.assert_allclose(crops[..., 2], 200, atol=0.1, err_msg="something else than the picture is in a crop")
    sides = (crops[..., 0].max((1, 2)) - crops[..., 0].min((1, 2))) / 3 * SIZE / (SIZE - 1)
    assert 0.35 * 40 < sides.min() < 0.6 * 40
    assert 0.85 * 40 < sides.max() < 1.1 * 40
    for channel, length in ((0, width), (1, height)):
        middles = crops[..., channel].mean((1, 2)) / 3
        assert middles.min() < 0.4 * length
        assert middles.max() > 0.6 * length
    mirrored = crops[:, 0, 0, 0] > crops[:, 0, -1, 0]
    assert 0.3 < mirrored.mean() < 0.7
    assert (crops[:, 0, 0, 1] < crops[:, -1, 0, 1]).all(), "upside down"


def test_the_middle_crop_is_the_largest_square():
    image = np.zeros((20, 60, 3), np.uint8)
    image[:, 20:40] = 255
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    assert data.middle_crop(tf.constant(buffer.getvalue()), 10).numpy().min() > 0.99


# --- other random numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", range(1, 9))
def test_pictures_are_upright_in_training_too(turned):
    """The middle crop of a photo as a camera held on its side stores it, beside Pillow's own way to turn it."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, :32], pixels[:32, 32:] = (255, 0, 0), (0, 255, 0)
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = turned
    Image.fromarray(pixels).save(file, "JPEG", quality=100, subsampling=0, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file))) / 255
    np.testing.assert_allclose(data.middle_crop(tf.constant(file.getvalue()), 64), expected, atol=0.02)


def test_chances_have_their_share_and_can_go_on():
    found = arrays(data.chances(0.1, seed=0).batch(4000), 1)[0]
    assert 0.08 < found.mean() < 0.12
    assert not arrays(data.chances(0.0, seed=0).batch(500), 1).any()
    np.testing.assert_array_equal(arrays(data.chances(0.1, seed=0, start=50), 200), found[50:250])


def test_choices_are_uniform_and_can_go_on():
    found = arrays(data.choices(5, seed=0).batch(5000), 1)[0]
    assert found.dtype == np.int32
    counts = np.bincount(found, minlength=5)
    assert len(counts) == 5
    assert counts.min() > 900
    assert counts.max() < 1100
    np.testing.assert_array_equal(arrays(data.choices(5, seed=0, start=7), 50), found[7:57])


def test_chances_choices_and_crops_are_independent():
    """Seed 0 made exactly the closest crops neutral: the same key gave the same numbers to both."""
    neutral = arrays(data.chances(0.5, seed=0).batch(2000), 1)[0]
    choices = arrays(data.choices(2, seed=0).batch(2000), 1)[0]
    shares = tf.stack([tf.random.stateless_uniform([4], tf.constant([0, n], tf.int64))[0] for n in range(2000)]).numpy()
    assert abs(np.corrcoef(neutral, shares)[0, 1]) < 0.1
    assert abs(np.corrcoef(neutral, choices)[0, 1]) < 0.1


# --- kept from training -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, COUNT - 1])
def test_pictures_held_out_are_not_trained_on(source, count):
    rest, held = data.hold_out(source, count)
    assert len(held) == count
    kept = {round((int(tf.io.decode_image(content)[0, 0, 0]) - 20) / 30) for content in held}
    assert len(kept) == count
    assert rest.num_pictures == COUNT - count
    assert set(seen(rest, 3 * rest.num_pictures)) == set(range(COUNT)) - kept


@pytest.mark.parametrize("count", [COUNT, COUNT + 3])
def test_not_everything_can_be_held_out(source, count):
    with pytest.raises(data.DataError, match=f"{COUNT} pictures are too few to hold out {count}.*fewer") as error:
        data.hold_out(source, count)
    assert_one_sentence(error.value)


def test_names_to_leave_out(place):
    chosen = data.find_pictures(place, ("p3", "p6", "p"))
    assert chosen.num_pictures == COUNT - 2
    assert set(seen(chosen, 2 * COUNT)) == set(range(COUNT)) - {3, 6}
    rest, held = data.hold_out(chosen, 2)
    assert len(held) == 2
    assert len(set(seen(rest, 2 * COUNT))) == COUNT - 4


def test_everything_left_out_is_refused(place):
    with pytest.raises(data.DataError, match="leave out fewer") as error:
        data.find_pictures(place, [f"p{index}" for index in range(COUNT)])
    assert_one_sentence(error.value)


# --- what is found ----------------------------------------------------------------------------------------------------


def test_hidden_files_and_others_are_not_looked_at(folder):
    save_flat(folder / ".p8.png", 8)
    (folder / ".cache").mkdir()
    save_flat(folder / ".cache" / "p8.png", 8)
    (folder / "notes.txt").write_text("no picture")
    assert data.find_pictures(folder).num_pictures == COUNT


def test_records_come_before_pictures(records):
    save_flat(records / "p1.png", 1)
    assert data.find_pictures(records).records


def test_refused_folders(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for name, part in (
        ("empty", "holds no .jpg"),
        ("file", "is not a folder"),
        ("nowhere", "is not a folder"),
    ):
        with pytest.raises(data.DataError, match=part) as error:
            data.find_pictures(tmp_path / name)
        assert_one_sentence(error.value)
        assert "tf-style prepare" in str(error.value)


@pytest.mark.parametrize("cut", [-1, -30, 5, 14])
def test_records_that_are_cut_short_are_refused(records, cut):
    file = records / "b.tfrecord"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(data.DataError, match="cut short") as error:
        data.find_pictures(records)
    assert_one_sentence(error.value)


def test_other_records_are_refused(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfrecord")) as writer:
        writer.write(tf.train.Example().SerializeToString())
    with pytest.raises(data.DataError, match="'image'") as error:
        data.find_pictures(tmp_path)
    assert_one_sentence(error.value)


def test_no_records_at_all(tmp_path):
    (tmp_path / "x.tfrecord").touch()
    with pytest.raises(data.DataError, match="holds no ") as error:
        data.find_pictures(tmp_path)
    assert_one_sentence(error.value)


def test_count_of_records(records):
    files = [str(records / "a.tfrecord"), str(records / "b.tfrecord")]
    assert count_records(files) == COUNT
    assert len(list(record_pictures(files))) == COUNT


# --- damaged pictures -------------------------------------------------------------------------------------------------


def cut_picture(path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_damaged_picture_is_named(folder, suffix):
    cut_picture(folder / f"cut.{suffix}")
    source = data.find_pictures(folder)
    batches = iter(data.crops(source, SIZE, seed=5).batch(2))
    with pytest.raises(data.DataError, match=rf"cut\.{suffix}.*tf-style prepare") as error:
        for step in itertools.count():
            with data.reading(source, seed=5, start=2 * step, count=2):
                next(batches)
    assert_one_sentence(error.value)
    assert step <= COUNT // 2


def test_a_damaged_record_says_so(records):
    write_records(records / "c.tfrecord", [(8, b"no picture")])
    source = data.find_pictures(records)
    with (
        pytest.raises(data.DataError, match="A record in .*tf-style prepare") as error,
        data.reading(source, seed=5, count=COUNT + 1),
    ):
        list(data.crops(source, SIZE, seed=5).take(COUNT + 1))
    assert_one_sentence(error.value)


def test_errors_of_something_else_are_let_through(source):
    with pytest.raises(tf.errors.InvalidArgumentError), data.reading(source, seed=5, count=3):
        tf.reshape(tf.zeros([3]), [2])


def test_a_damaged_picture_is_not_held_out(folder):
    cut_picture(folder / "a.jpg")
    with pytest.raises(data.DataError, match=r"a\.jpg") as error:
        data.hold_out(data.find_pictures(folder), 1)
    assert_one_sentence(error.value)


# --- both kinds -------------------------------------------------------------------------------------------------------


def test_a_prepared_folder_gives_the_same_kind_of_data(tmp_path):
    source = tmp_path / "pictures"
    source.mkdir()
    for index in range(COUNT):
        save_flat(source / f"p{index}.png", index, (100, 70))
    config = PrepareConfig(str(source), str(tmp_path / "out"), quiet=True, shard_pictures=3, short_side=64)
    assert prepare.run(config) == 0
    plain, prepared = data.find_pictures(source), data.find_pictures(tmp_path / "out")
    assert not plain.records
    assert prepared.records
    assert prepared.num_pictures == COUNT
    assert len(prepared.files) == 3
    crops = [data.crops(kind, SIZE, seed=1) for kind in (plain, prepared)]
    assert crops[0].element_spec == crops[1].element_spec
    means = [np.sort(arrays(kind, COUNT).mean((1, 2, 3))) for kind in crops]
    np.testing.assert_allclose(*means, atol=2 / 255)
    assert data.find_pictures(tmp_path / "out", ("p3",)).num_pictures == COUNT - 1
