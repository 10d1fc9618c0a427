"""`plot_reactions`: a picture of what is heard and driven."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.tracks import PARTS, make_track
from tests.materials import assert_one_sentence
from tf_style.audio import REACTIONS, AudioError, Sound, analyse, plot_reactions, react
from tf_style.controls import Controls


def plotted(path, samples, num_styles=2):
    sound = Sound(samples)
    features = analyse(sound)
    schedule = react(features, REACTIONS["sections"], Controls(), num_styles=num_styles, fps=5.0)
    plot_reactions(path, sound, schedule, features)
    return path


def test_a_figure(tmp_path):
    samples = make_track(100.0, 20.0, 0, PARTS).samples
    first, second = (plotted(tmp_path / f"{name}.svg", samples) for name in "ab")
    assert first.read_text() == second.read_text()
    with Image.open(plotted(tmp_path / "a.png", samples)) as picture:
        wide = picture.size
        colors = set(map(tuple, np.asarray(picture.convert("RGB")).reshape(-1, 3).tolist()))
    assert {(214, 39, 40), (31, 119, 180), (255, 127, 14)} <= colors  # curves, and the shares of two styles
    with Image.open(plotted(tmp_path / "one.png", samples, num_styles=1)) as picture:
        assert picture.height < wide[1]  # no shares


@pytest.mark.parametrize("count", [0, 1, 22050])
def test_silence(tmp_path, count):
    with Image.open(plotted(tmp_path / "silence.png", np.zeros(count, np.float32))) as picture:
        assert picture.height > 300


def test_refused(tmp_path):
    with pytest.raises(AudioError, match=r"plot.xyz' must end in one of .*\.png") as caught:
        plotted(tmp_path / "plot.xyz", np.zeros(100, np.float32))
    assert_one_sentence(str(caught.value))
    assert not list(tmp_path.iterdir())
