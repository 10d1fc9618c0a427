"""`tf_style.stylize_frames` and `tf_style.stylize_video`: films in Python."""

import numpy as np
import pytest

import tf_style
from tests.jobs.folder.photos import write_tiny_network
from tests.materials import QUICK, colorful
from tests.video.clips import frames_of, make_clip
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.frames import make_painter


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    write_tiny_network(folder / "any.npz", "arbitrary")
    write_tiny_network(folder / "named.npz")
    return {"network": str(folder / "any.npz"), "compute_dtype": "float32"}


def frames(number=3, size=(40, 48)):
    return [np.asarray(colorful(seed, size))[0] for seed in range(number)]


def test_without_consistency_frames_are_pictures(network):
    style = np.asarray(colorful(9, (36, 44)))[0]
    painted = list(tf_style.stylize_frames(frames(), style, consistency=0, **network))
    assert [painting.shape for painting in painted] == [(40, 48, 3)] * 3
    for frame, painting in zip(frames(), painted, strict=True):
        expected = tf_style.stylize(frame, style, preset="instant", size=0, **network)
        np.testing.assert_allclose(painting, expected, atol=1e-4)


def test_frames_come_one_by_one_from_an_endless_source(network):
    def camera():
        while True:
            yield np.rint(255 * frames(1)[0]).astype(np.uint8)

    source = tf_style.stylize_frames(
        camera(), np.asarray(colorful(9, (36, 44)))[0], flow="dis_fast", size=44, **network
    )
    first, second = next(source), next(source)
    assert first.shape == (37, 44, 3)
    np.testing.assert_allclose(first, second, atol=0.02)  # a still picture stays still
    source.close()


def test_named_styles_and_a_change_of_size(network):
    options = {**network, "network": network["network"].replace("any", "named")}
    source = frames(2) + frames(1, (36, 36))
    painted = list(tf_style.stylize_frames(source, "a", **options))
    assert [painting.shape[:2] for painting in painted] == [(40, 48), (40, 48), (36, 36)]


def test_optimised_frames():
    """The first is a picture; those after it follow it."""
    style = np.asarray(colorful(9, (36, 44)))[0]
    still, options = [frames(1)[0]] * 4, {**QUICK, "num_steps": 20, "learning_rate": 0.005}
    painted = list(tf_style.stylize_frames(still, style, "draft", consistency=1, **options))
    np.testing.assert_allclose(painted[0], tf_style.stylize(still[0], style, "draft", **options), atol=1e-6)
    for painting in painted[1:]:
        assert 0 < np.abs(painting - painted[0]).mean() < 0.02
    alone = list(tf_style.stylize_frames(still[:2], style, "draft", consistency=0, **options))
    np.testing.assert_allclose(alone, [painted[0]] * 2, atol=1e-6)


def test_lags():
    """What a frame covered for a moment is taken up again from the one before, though that was painted otherwise."""
    scene = frames(1, (64, 80))[0]
    stylizer = build_stylizer(StylizeConfig(**QUICK, learning_rate=0.001))
    whiteness = {}
    for lags in ((1,), (1, 2)):
        painter = make_painter(stylizer, [colorful(9, (36, 44))], consistency=1.0, lags=lags)
        painter.begin(scene)
        for frame in (scene, np.zeros_like(scene)):
            painter.paint(frame)
        assert {name: len(array) for name, array in painter.state.items()} == dict.fromkeys(
            ("frames", "paintings"), lags[-1]
        )
        painter.state = {**painter.state, "paintings": np.ones_like(painter.state["paintings"])}
        whiteness[lags] = np.median(painter.paint(scene))
    assert whiteness[1,] < 0.9 < 0.99 < whiteness[1, 2]


def test_refused(network):
    with pytest.raises(tf_style.ConfigError, match="consistency must be 0 to 1"):
        tf_style.stylize_frames([], "a.jpg", consistency=2, **network)


def test_a_film(network, tmp_path):
    make_clip(tmp_path / "clip.mp4", range(3))
    options = {**network, "network": network["network"].replace("any", "named")}
    tf_style.stylize_video(tmp_path / "clip.mp4", "a", tmp_path / "out.mp4", quiet=True, **options)
    assert frames_of(tmp_path / "out.mp4")[1] == frames_of(tmp_path / "clip.mp4")[1]
