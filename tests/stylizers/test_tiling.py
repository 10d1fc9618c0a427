"""Pictures in tiles: the same sums, losses and gradients as whole, and the same steps on the disk as in memory."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import colorful, picture, tiny_vgg
from tf_style.backbones.margin import crop_margin, crop_stride
from tf_style.build import Guides, build_stylizer
from tf_style.config import StylizeConfig
from tf_style.images.strips import resampling
from tf_style.images.strips.planes import Plane, resized, save_plane
from tf_style.images.strips.resampling import resample
from tf_style.jobs.large.scale import Count, TiledScale
from tf_style.losses import Objective, content_loss, style_loss
from tf_style.optimizers import adam
from tf_style.optimizers.adam import AdamRule
from tf_style.stylizers import Optimization
from tf_style.stylizers.tiling import TiledObjective, core_of, make_tiles
from tf_style.types import Term

SIZE = (107, 150)
EXACT = {"backbone": "compact_vgg19", "compute_dtype": "float32"}
SHALLOW = {**EXACT, "content_layers": ("conv3_1",), "style_layers": ("conv1_1", "conv2_1", "conv3_1")}


def windows(image, tiles):
    return [image[:, t.seen[0] : t.seen[2], t.seen[1] : t.seen[3]] for t in tiles]


def in_tiles(objective, tiles, image, content, styles, masks=None):
    """Weighted losses and the gradient, from tiles."""
    style_targets = objective.style_targets(styles, 48)
    targets = [{**style_targets, **objective.content_targets(window)} for window in windows(content, tiles)]
    cropped = [{} for _ in tiles]
    for name, mask in (masks or {}).items():
        for own, window in zip(cropped, windows(mask, tiles), strict=True):
            own[name] = window
    for own, tile in zip(cropped, tiles, strict=True):
        own["mask"] = core_of(tile)
    parts = [objective.sums(*given) for given in zip(windows(image, tiles), cropped, targets, strict=True)]
    total = tf.nest.map_structure(lambda *leaves: tf.add_n(leaves), *parts)
    losses, worth = objective.worth(total, targets[0])
    gradient = np.zeros(image.shape, np.float32)
    for tile, window, own, target in zip(tiles, windows(image, tiles), cropped, targets, strict=True):
        top, left, bottom, right = tile.seen
        gradient[:, top:bottom, left:right] += objective.gradient(window, own, target, worth).numpy()
    return losses, gradient


def whole(optimization, image, content, styles, masks=None):
    targets = optimization.targets(content, styles, masks)
    with tf.GradientTape() as tape:
        tape.watch(image)
        losses = optimization.objective.losses(optimization.features(image, targets.get("masks")), targets)
        total = tf.add_n(list(losses.values()))
    return losses, tape.gradient(total, image)


def assert_same(found, wanted):
    for name, loss in wanted[0].items():
        np.testing.assert_allclose(found[0][name], loss, rtol=1e-3, err_msg=name)
    wanted_gradient = wanted[1].numpy()
    assert np.linalg.norm(found[1] - wanted_gradient) < 1e-3 * np.linalg.norm(wanted_gradient)
    assert np.abs(found[1] - wanted_gradient).max() < 1e-3 * np.abs(wanted_gradient).max()


# --- tiles ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(32, 32), (107, 150), (64, 1000), (333, 48)])
@pytest.mark.parametrize("side", [32, 64, 5000])
def test_tiles_cover_the_picture_once(size, side):
    tiles = make_tiles(size, side, margin=20, stride=16)
    count = np.zeros(size, int)
    for tile in tiles:
        top, left, bottom, right = tile.counts
        count[top:bottom, left:right] += 1
        assert tile.seen[0] == max(0, top - 32)
        assert tile.seen[2] in (bottom + 32, size[0])
        assert top % 16 == left % 16 == tile.seen[0] % 16 == tile.seen[1] % 16 == 0
        assert core_of(tile).shape[1:3] == (tile.seen[2] - tile.seen[0], tile.seen[3] - tile.seen[1])
        assert float(tf.reduce_sum(core_of(tile))) == (bottom - top) * (right - left)
    assert (count == 1).all()


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("layer", ["block1_conv2", "block3_conv3", "block5_conv1"])
def test_the_margin_is_enough_and_no_more_than_a_position_too_much(layer, pooling):
    """Features of a crop differ within the margin, and nowhere else."""
    backbone = tiny_vgg((layer,), pooling=pooling)
    margin, stride = crop_margin(backbone), crop_stride(backbone)
    image = picture(320, 320, seed=1)
    features, cropped = backbone(image)[layer].numpy(), backbone(image[:, stride * 4 :])[layer].numpy()
    difference = np.abs(features[:, 4:] - cropped).max((0, 2, 3))
    rows = margin // stride
    assert difference[rows:].max() < 1e-3
    assert difference[: max(rows - 1, 1)].max() > 1e-2


# --- the same losses and gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statistic", "padding"),
    [("gram", "zero"), ("gram", "replicate"), ("gram", "replicate_all"), ("mean_std", "zero"), ("wasserstein", "zero")],
)
@pytest.mark.usefixtures("eagerly")
def test_as_whole(statistic, padding):
    config = StylizeConfig(style_statistic=statistic, padding=padding, **SHALLOW)
    optimization = build_stylizer(config).optimization
    objective = TiledObjective(optimization)
    image, content = picture(*SIZE, seed=1), picture(*SIZE, seed=2)
    styles = [picture(130, 90, seed=3), picture(60, 70, seed=4)]
    tiles = make_tiles(SIZE, 48, objective.margin, objective.stride)
    assert len(tiles) > 4
    assert_same(in_tiles(objective, tiles, image, content, styles), whole(optimization, image, content, styles))


@pytest.mark.usefixtures("eagerly")
def test_as_whole_with_masks_and_transparent_styles():
    optimization = build_stylizer(
        StylizeConfig(style_statistic="gram", **SHALLOW), guides=Guides(2, keep=True)
    ).optimization
    objective = TiledObjective(optimization)
    image, content = picture(*SIZE, seed=1), picture(*SIZE, seed=2)
    masks = {"regions": 0.5 * picture(*SIZE, seed=5)[..., :2], "keep": picture(*SIZE, seed=6)[..., :1]}
    styles = [tf.concat([picture(130, 90, seed=3), picture(130, 90, seed=7)[..., :1]], -1), picture(60, 70, seed=4)]
    tiles = make_tiles(SIZE, 48, objective.margin, objective.stride)
    found = in_tiles(objective, tiles, image, content, styles, {**masks, "content": content})
    assert_same(found, whole(optimization, image, content, styles, masks))


@pytest.mark.slow
def test_as_whole_with_all_layers_of_the_default():
    config = StylizeConfig(style_statistic="gram", **EXACT)
    optimization = build_stylizer(config).optimization
    objective = TiledObjective(optimization)
    size = (512, 400)
    image, content, styles = picture(*size, seed=1), picture(*size, seed=2), [colorful(3, (256, 256))]
    tiles = make_tiles(size, 256, objective.margin, objective.stride)
    assert_same(in_tiles(objective, tiles, image, content, styles), whole(optimization, image, content, styles))


def test_terms_that_cannot_be_told_from_parts():
    term = Term("mine", lambda references: (), lambda features, target: tf.zeros([1]))
    with pytest.raises(ValueError, match="additive_term"):
        TiledObjective(Optimization(tiny_vgg(), Objective(((1.0, term),)), adam()))


# --- steps on the disk ------------------------------------------------------------------------------------------------


@pytest.fixture
def optimization():
    objective = content_loss(("block2_conv1",)) + 5.0 * style_loss(("block1_conv1", "block2_conv1"))
    return Optimization(tiny_vgg(("block1_conv1", "block2_conv1")), objective, adam(), average_decay=0.9)


def scale_on_disk(folder, optimization, size=SIZE, **options):
    objective = TiledObjective(optimization)
    tiles = make_tiles(size, 48, objective.margin, objective.stride)
    scale = TiledScale(folder, size, objective, tiles, AdamRule(), optimization.average_decay, **options)
    content = scale.content.create()
    content.write(0, 0, picture(*size, seed=2)[0].numpy())
    return scale, objective


def test_steps_are_those_in_memory(tmp_path, optimization):
    content, style = picture(*SIZE, seed=2), picture(60, 70, seed=3)
    state = optimization.start(content)
    targets = optimization.targets(content, [style])
    scale, objective = scale_on_disk(tmp_path, optimization)
    scale.start(None, None, Count())
    assert list(scale.prepare(objective.style_targets([style], 48)))[-1] == 1.0
    for count in range(1, 5):
        state = optimization.step(state, targets, tf.constant(1))
        shares = list(scale.step())
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1.0)
        assert scale.count.step == scale.count.adam_steps == count
        for name, loss in state.losses.items():
            np.testing.assert_allclose(scale.losses[name], loss[0], rtol=1e-3)
    np.testing.assert_allclose(scale.strip(0, SIZE[0]), optimization.picture(state)[0], atol=2e-3)
    planes = scale.planes(scale.count.generation)
    second = planes["second"].read(0, 0, *SIZE)
    np.testing.assert_allclose(second, state.optimizer.second[0], atol=1e-3 * float(np.abs(second).max()))


@pytest.mark.usefixtures("eagerly")
def test_a_step_that_is_given_up_leaves_no_trace(tmp_path, optimization):
    style = picture(60, 70, seed=3)
    results = []
    for give_up in (False, True):
        scale, objective = scale_on_disk(tmp_path / str(give_up), optimization)
        scale.start(None, None, Count())
        list(scale.prepare(objective.style_targets([style], 48)))
        list(scale.step())
        if give_up:
            next(iter(scale.step()))
            another, objective = scale_on_disk(tmp_path / str(give_up), optimization)
            another.count = scale.count
            list(another.prepare(objective.style_targets([style], 48)))
            scale = another
        list(scale.step())
        results.append(scale.strip(0, SIZE[0]))
    np.testing.assert_array_equal(*results)


@pytest.mark.usefixtures("eagerly")
def test_the_next_scale_goes_on_as_in_memory(tmp_path, optimization):
    """From the average, with Adam's means carried over; from planes as from arrays."""
    content, style = picture(*SIZE, seed=2), picture(60, 70, seed=3)
    state = optimization.start(content)
    targets = optimization.targets(content, [style])
    scale, objective = scale_on_disk(tmp_path / "one", optimization)
    scale.start(None, None, Count())
    list(scale.prepare(objective.style_targets([style], 48)))
    for _ in range(2):
        state = optimization.step(state, targets, tf.constant(1))
        list(scale.step())
    larger = (151, 212)
    wanted = optimization.resize(state, larger)
    after, _ = scale_on_disk(tmp_path / "two", optimization, larger)
    after.start(scale, None, scale.count)
    other, _ = scale_on_disk(tmp_path / "three", optimization, larger)
    arrays = {"image": optimization.picture(state), "first": state.optimizer.first, "second": state.optimizer.second}
    other.start(None, {name: value[0].numpy() for name, value in arrays.items()}, Count(adam_steps=2))
    for found in (after, other):
        assert (found.count.step, found.count.adam_steps, found.count.weight) == (0, 2, 0.0)
        planes = found.planes(0)
        inner = (slice(3, -3), slice(3, -3))  # edges are continued a little differently
        image = planes["image"].read(0, 0, *larger)
        assert np.abs(image - wanted.image[0])[inner].mean() < 5e-3
        second = planes["second"].read(0, 0, *larger)
        assert second.min() >= 0
        assert np.abs(second - wanted.optimizer.second[0])[inner].mean() < 0.05 * second.mean()
        assert planes["average"].read(0, 0, *larger).max() == 0


# --- planes -----------------------------------------------------------------------------------------------------------


def test_planes(tmp_path):
    plane = Plane(tmp_path / "a.f32", (40, 60)).create()
    assert plane.path.stat().st_size == plane.num_bytes == 40 * 60 * 12
    values = np.random.default_rng(0).normal(size=(10, 20, 3)).astype(np.float32)
    plane.write(5, 30, values)
    plane.add(6, 31, values[:2, :2])
    expected = np.zeros((40, 60, 3), np.float32)
    expected[5:15, 30:50] = values
    expected[6:8, 31:33] += values[:2, :2]
    np.testing.assert_array_equal(plane.read(0, 0, 40, 60), expected)
    np.testing.assert_array_equal(plane.read(4, 29, 9, 40), expected[4:9, 29:40])
    strips = list(plane.strips(600))
    assert strips[0] == (0, 10)
    assert strips[-1][1] == 40


def test_a_plane_that_is_made_anew_is_read_anew(tmp_path):
    """libvips must not take it for the file that had its name."""
    found = []
    for value in (0.1, 0.9):
        plane, target = Plane(tmp_path / "a.f32", (8, 8)).create(), Plane(tmp_path / "b.f32", (16, 16))
        plane.write(0, 0, np.full((8, 8, 3), value, np.float32))
        save_plane(resized(plane.as_vips(), (16, 16)), target)
        found.append(float(target.read(0, 0, 16, 16).mean()))
        plane.path.unlink()
    assert found == pytest.approx([0.1, 0.9])


@pytest.mark.parametrize("kernel", ["cubic", "linear"])
@pytest.mark.parametrize("size", [(80, 120), (57, 85), (40, 60), (20, 30), (13, 45), (1, 2)])
def test_resampled_by_strips_as_by_tensorflow(tmp_path, monkeypatch, size, kernel):
    """So that scales in tiles begin as whole ones do."""
    monkeypatch.setattr(resampling, "_PIXELS", 500)
    pixels = picture(40, 60, seed=1)[0].numpy()
    plane, target = Plane(tmp_path / "a.f32", (40, 60)).create(), Plane(tmp_path / "b.f32", size)
    plane.write(0, 0, pixels)
    resample(plane, target, kernel)
    wanted = tf.image.resize(pixels, size, {"cubic": "bicubic", "linear": "bilinear"}[kernel], antialias=True)
    np.testing.assert_allclose(target.read(0, 0, *size), wanted, atol=2e-5)
    resample(plane, target, kernel, clip=True)
    np.testing.assert_allclose(target.read(0, 0, *size), np.clip(wanted, 0, 1), atol=2e-5)


@pytest.mark.parametrize("size", [(80, 120), (57, 85), (20, 30), (13, 45)])
def test_resized_by_libvips_places_are_kept(tmp_path, size):
    """A slope stays the same slope: the middles of pixels lie where they lay."""
    rows, columns = np.mgrid[:40, :60]
    slope = np.stack([rows / 40, columns / 60, np.zeros((40, 60))], -1).astype(np.float32)
    plane, target = Plane(tmp_path / "a.f32", (40, 60)).create(), Plane(tmp_path / "b.f32", size)
    plane.write(0, 0, slope)
    save_plane(resized(plane.as_vips(), size), target)
    height, width = size
    found = target.read(0, 0, *size)[height // 4 : -height // 4, width // 4 : -width // 4]
    rows, columns = np.mgrid[:height, :width]
    wanted = np.stack([((rows + 0.5) * 40 / height - 0.5) / 40, ((columns + 0.5) * 60 / width - 0.5) / 60], -1)
    np.testing.assert_allclose(found[..., :2], wanted[height // 4 : -height // 4, width // 4 : -width // 4], atol=2e-3)
