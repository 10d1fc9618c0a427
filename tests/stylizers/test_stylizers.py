"""The loop and the pyramid: sizes, starts, averages, stopping, progress, and going on after an interruption."""

import numpy as np
import pytest
import tensorflow as tf

from tests.materials import (
    assert_resumes,
    flat_picture,
    picture,
    pooled,
    pooled_stylizer,
    small_objective,
    small_stylizer,
)
from tf_style.losses import content_loss
from tf_style.optimizers import adam
from tf_style.stylizers import Optimization, PyramidStylizer
from tf_style.types import Optimizer


def sizes(height, width, **options):
    stylizer = pooled_stylizer("adam", **options)
    return stylizer.sizes(tf.constant([1, height, width, 3])).numpy().tolist()


@pytest.fixture(scope="module")
def plain():
    """One scale, Adam: traced once for the tests that ask nothing special."""
    return pooled_stylizer("adam", num_steps=5)


@pytest.fixture(scope="module")
def pyramid(shallow):
    """Three scales of a 64 x 80 picture, with an average."""
    return small_stylizer(shallow, num_steps=3, first_steps=4, min_size=40, average_decay=0.9)


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_sizes_double_with_a_factor_of_two():
    assert sizes(384, 512, min_size=128, scale_factor=2.0) == [[96, 128], [192, 256], [384, 512]]


def test_sizes_by_the_root_of_two():
    assert sizes(512, 512, min_size=128) == [[128, 128], [181, 181], [256, 256], [362, 362], [512, 512]]


def test_sizes_start_at_min_size_or_above():
    assert sizes(500, 500, min_size=128) == [[177, 177], [250, 250], [354, 354], [500, 500]]


def test_short_side_stays_at_32_or_above():
    ladder = sizes(64, 512, min_size=64, scale_factor=2.0)
    assert ladder == [[32, 256], [64, 512]]
    assert sizes(40, 640, min_size=64) == [[40, 640]]


def test_one_scale():
    assert sizes(300, 200) == [[300, 200]]
    assert sizes(100, 90, min_size=128) == [[100, 90]]


@pytest.mark.parametrize(("height", "width"), [(33, 47), (640, 479), (1080, 1920), (57, 3000)])
@pytest.mark.parametrize("factor", [1.05, 1.41421356, 3.0])
def test_every_ladder_climbs_to_the_contents_size(height, width, factor):
    ladder = sizes(height, width, min_size=64, scale_factor=factor)
    assert ladder[-1] == [height, width]
    assert all(low < high for low, high in zip(ladder[:-1], ladder[1:], strict=True))
    assert min(map(min, ladder)) >= min(32, height, width)
    for h, w in ladder:
        assert abs(h - w * height / width) <= 1.0 + 0.5 * height / width  # the aspect, up to rounding


def test_sizes_of_an_unknown_picture_in_a_graph():
    stylizer = pooled_stylizer("adam", min_size=64)
    any_size = tf.TensorSpec([1, None, None, 3])
    in_graph = tf.function(lambda image: stylizer.sizes(tf.shape(image)), input_signature=[any_size])
    assert in_graph(tf.zeros([1, 300, 200, 3])).numpy().tolist() == sizes(300, 200, min_size=64)


# --- where it starts --------------------------------------------------------------------------------------------------


def first_image(content, styles, **options):
    """What the optimiser is given, seen by one that does nothing."""
    idle = Optimizer(
        init=lambda image: tf.zeros([]),
        step=lambda loss_fn, image, state, num_steps: (image, state, loss_fn(image)[1]),
        resize=lambda state, size: state,
        hold=lambda before, after, done: after,
        evaluations=lambda state: tf.constant(0),
    )
    return pooled_stylizer(idle, num_steps=1, **options)(content, styles).numpy()


@pytest.mark.usefixtures("eagerly")
def test_starts_from_the_content(content, style):
    np.testing.assert_array_equal(first_image(content, [style]), content)


@pytest.mark.usefixtures("eagerly")
def test_starts_from_noise(content, style):
    start = first_image(content, [style], init="noise")
    assert abs(start.mean() - 0.5) < 0.01
    assert 0.08 < start.std() < 0.12
    np.testing.assert_array_equal(start, first_image(content, [style], init="noise"))
    assert not np.array_equal(start, first_image(content, [style], init="noise", seed=1))


@pytest.mark.usefixtures("eagerly")
def test_all_pictures_of_a_batch_start_from_the_same_noise():
    start = first_image(picture(32, 40, batch=2), [picture(32, 32)], init="noise")
    np.testing.assert_array_equal(start[0], start[1])


@pytest.mark.usefixtures("eagerly")
def test_starts_from_the_style_covered_not_squashed():
    """A wide style for a tall content: its middle, at its own aspect."""
    dot = np.zeros((1, 64, 192, 3), np.float32)
    dot[:, 24:40, 88:104] = 1.0  # a square of 16 in the middle
    start = first_image(flat_picture(0.5, 64, 48), [tf.constant(dot)], init="style")
    assert start.shape == (1, 64, 48, 3)
    white = start[0, :, :, 0] > 0.5
    assert white.any(axis=1).sum() == white.any(axis=0).sum() == 16


@pytest.mark.parametrize(("height", "width"), [(32, 100), (100, 32), (33, 33), (200, 150)])
@pytest.mark.usefixtures("eagerly")
def test_style_covers_any_content(height, width):
    start = first_image(flat_picture(0.0, 40, 56), [flat_picture(0.8, height, width)], init="style")
    np.testing.assert_allclose(start, np.full((1, 40, 56, 3), 0.8), atol=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_starts_a_batch_from_its_styles():
    one, other = picture(40, 56, seed=1), picture(40, 56, seed=2)
    both = first_image(picture(40, 56, batch=2), [tf.concat([one, other], 0)], init="style")
    np.testing.assert_array_equal(both, tf.concat([one, other], 0))
    shared = first_image(picture(40, 56, batch=2), [one], init="style")
    np.testing.assert_array_equal(shared, tf.concat([one, one], 0))


def test_unknown_start():
    with pytest.raises(ValueError, match="Unknown init 'photo'. Allowed: content, noise, style."):
        pooled_stylizer("adam", init="photo")


# --- styles -----------------------------------------------------------------------------------------------------------


def seen_sizes(content, style, **options):
    """Sizes of all pictures that the backbone was shown eagerly, while targets were made."""
    seen = []

    def backbone(image):
        seen.append(tuple(image.shape[1:3]))
        return {"pooled": tf.nn.avg_pool2d(image, 2, 2, "VALID")}

    class Eager(Optimization):
        def targets(self, content, styles, masks=None, shares=None):
            return self._targets((content,), tuple(styles), ())

    optimization = Eager(backbone, small_objective(layers=("pooled",)), adam())
    list(PyramidStylizer(optimization, num_steps=1, **options).run(content, [style]))
    return [size for size in seen if None not in size]


def test_styles_are_scaled_with_the_content_and_keep_their_aspect():
    seen = seen_sizes(picture(64, 128), picture(150, 300), min_size=64, scale_factor=2.0)
    assert seen == [(32, 64), (32, 64), (64, 128), (64, 128)]


def test_styles_are_scaled_by_style_scale():
    assert seen_sizes(picture(64, 100), picture(100, 200), style_scale=0.8) == [(64, 100), (40, 80)]


def test_styles_are_never_enlarged():
    assert seen_sizes(picture(64, 100), picture(40, 50), style_scale=2.0) == [(64, 100), (40, 50)]


# --- average ----------------------------------------------------------------------------------------------------------


def test_average_is_the_running_mean_of_the_iterates(content, style):
    """sum of (1 - d) d^(n - k) x_k, divided by the sum of its weights."""
    decay = 0.8
    stylizer = pooled_stylizer("adam", num_steps=5, average_decay=decay)
    running = list(stylizer.run(content, [style]))
    iterates = [progress.state.image.numpy() for progress in running]
    for count, progress in enumerate(running, 1):
        weights = [(1 - decay) * decay ** (count - k) for k in range(1, count + 1)]
        by_hand = sum(w * x for w, x in zip(weights, iterates[:count], strict=True)) / sum(weights)
        np.testing.assert_allclose(progress.image, by_hand, atol=1e-6)


def test_without_average_the_picture_is_the_last_iterate(plain, content, style):
    last = list(plain.run(content, [style]))[-1]
    np.testing.assert_array_equal(last.image, last.state.image)


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_stops_when_the_loss_stands_still(content):
    """Nothing to do: the loss is the same at steps 50 and 100."""
    stylizer = pooled_stylizer("adam", content_loss(["pooled"]), num_steps=300, tolerance=0.01)
    steps = [progress.step for progress in stylizer.run(content, [content])]
    assert steps[-1] in (50, 100)


def test_never_stops_early_without_a_tolerance(content, style):
    stylizer = pooled_stylizer("adam", num_steps=120)
    assert len(list(stylizer.run(content, [style]))) == 120


def test_a_picture_that_has_stopped_stays_as_it_is():
    """In a batch, one picture is done at once and the other is not: each ends as it would alone."""
    contents = tf.concat([picture(32, 40, seed=1), flat_picture(0.5, 32, 40)], 0)
    styles = tf.concat([picture(32, 40, seed=3), flat_picture(0.5, 32, 40)], 0)
    stylizer = pooled_stylizer("adam", num_steps=150, tolerance=0.002)
    both = list(stylizer.run(contents, [styles]))
    done = np.array([progress.state.done.numpy() for progress in both])
    assert done[-1][1]
    assert (done[:, 0] != done[:, 1]).any()
    first = int(np.argmax(done[:, 1]))
    np.testing.assert_array_equal(both[-1].state.image[1], both[first].state.image[1])


def test_average_of_a_picture_that_has_stopped():
    contents = tf.concat([picture(32, 40, seed=1), flat_picture(0.5, 32, 40)], 0)
    styles = tf.concat([picture(32, 40, seed=3), flat_picture(0.5, 32, 40)], 0)
    stylizer = pooled_stylizer("adam", num_steps=150, tolerance=0.002, average_decay=0.98)
    both = stylizer(contents, [styles])
    np.testing.assert_allclose(both[1], flat_picture(0.5, 32, 40)[0], atol=0.02)


# --- progress ---------------------------------------------------------------------------------------------------------


def test_progress(pyramid):
    content, style = picture(64, 80, seed=1), picture(50, 60, seed=2)
    seen = []
    painting = pyramid(content, [style], on_step=seen.append)
    assert [progress.step for progress in seen] == list(range(1, 11))
    assert {progress.num_steps for progress in seen} == {10}
    assert [progress.scale for progress in seen] == [0] * 4 + [1] * 3 + [2] * 3
    assert {progress.num_scales for progress in seen} == {3}
    assert [progress.size for progress in seen[::4]] == [(32, 40), (45, 57), (64, 80)]
    for progress in seen:
        assert tuple(progress.image.shape) == (1, *progress.size, 3)
        assert isinstance(progress.loss, float)
        assert set(progress.losses) == {"content", "style", "total_variation"}
        np.testing.assert_allclose(sum(progress.losses.values()), progress.loss, rtol=1e-6)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(set(fractions))
    assert fractions[-1] == 1.0
    np.testing.assert_allclose(fractions[3], 4 * 32 * 40 / (4 * 32 * 40 + 3 * 45 * 57 + 3 * 64 * 80))
    assert [progress.evaluations for progress in seen] == list(range(1, 11))
    np.testing.assert_array_equal(seen[-1].image, painting)


def test_loss_is_a_mean_over_the_batch(plain):
    contents, style = picture(32, 40, seed=1, batch=2), picture(32, 32, seed=2)
    both = next(plain.run(contents, [style])).loss
    singles = [next(plain.run(contents[i : i + 1], [style])).loss for i in range(2)]
    np.testing.assert_allclose(both, np.mean(singles), rtol=1e-5)


def test_call_is_the_last_of_run(plain, content, style):
    np.testing.assert_array_equal(plain(content, [style]), list(plain.run(content, [style]))[-1].image)


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("eagerly")
def test_same_seed_same_bytes(content, style):
    stylizers = [pooled_stylizer("adam", num_steps=3, init="noise", seed=seed) for seed in (7, 7, 8)]
    one, same, other = (stylizer(content, [style]).numpy() for stylizer in stylizers)
    np.testing.assert_array_equal(one, same)
    np.testing.assert_array_equal(one, stylizers[0](content, [style]))
    assert not np.array_equal(one, other)


def test_resumes_to_the_byte(pyramid):
    """From within each scale, from its first and its last step."""
    assert_resumes(pyramid, picture(64, 80, seed=1), picture(50, 60, seed=2), [0, 2, 3, 4, 6, 8])


def assert_valid(running):
    for progress in running:
        assert float(tf.reduce_min(progress.image)) >= 0
        assert float(tf.reduce_max(progress.image)) <= 1
        assert float(tf.reduce_min(progress.state.image)) >= 0
        assert float(tf.reduce_max(progress.state.image)) <= 1


@pytest.mark.parametrize("start", ["content", "noise"])
@pytest.mark.usefixtures("eagerly")
def test_pixels_stay_valid(start, shallow):
    stylizer = small_stylizer(
        shallow, adam(0.5), num_steps=3, min_size=32, scale_factor=1.9, average_decay=0.9, init=start
    )
    assert_valid(stylizer.run(picture(64, 64, seed=1), [picture(50, 60, seed=2)]))


def test_paints_something(shallow, content, style):
    """The picture moves, and towards the style."""
    stylizer = small_stylizer(shallow, adam(0.03), num_steps=30)
    losses = [progress.losses["style"] for progress in stylizer.run(content, [style])]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.usefixtures("eagerly")
def test_nothing_is_traced_where_functions_run_eagerly(content, style):
    """So that you can step through your own terms and backbones with a debugger."""
    seen = set()

    def backbone(image):
        seen.add(tf.executing_eagerly())
        return pooled(image)

    small_stylizer(backbone, objective=small_objective(layers=("pooled",)))(content, [style])
    assert seen == {True}
