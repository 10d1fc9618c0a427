"""`Controls`: what changes per call, without anything being built or traced anew."""

import numpy as np
import pytest

import tf_style
from tests.jobs.folder.photos import write_tiny_network
from tests.materials import QUICK, assert_one_sentence, colorful
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.controls import OWN, Controls
from tf_style.frames import make_painter

CONTENT, STYLES = colorful(1, (40, 48)), [colorful(2, (36, 44)), colorful(3, (36, 44))]
OPTIMISED = {**QUICK, "init": "noise", "num_steps": 3}


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "any.npz"
    write_tiny_network(path, "arbitrary")
    return {"optimisation": OPTIMISED, "network": {"network": str(path), "compute_dtype": "float32"}}


@pytest.fixture(scope="module")
def stylizers(options):
    """By kind, without options."""
    return {kind: build_stylizer(StylizeConfig(**own)) for kind, own in options.items()}


def painted(stylizer, controls=OWN):
    return stylizer(CONTENT, STYLES, controls=controls).numpy()


@pytest.mark.parametrize("kind", ["optimisation", "network"])
@pytest.mark.parametrize(
    "values",
    [
        {"style_strength": 0.4},
        {"style_strength": 0.0},
        {"style_blend": (3.0, 1.0)},
        {"saturation": 0.3, "warmth": 0.5},
        {"preserve_color": "luminance"},
        {"palette": ("#204060", "#f0e0c0")},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_control_is_the_option(options, stylizers, kind, values):
    """What controls do per call is what the options of the same names do."""
    found = painted(stylizers[kind], Controls(**values))
    stage = {"color_stage": "after"} if "palette" in values else {}  # not in the styles, too
    expected = painted(build_stylizer(StylizeConfig(**options[kind], **values, **stage)))
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert np.abs(found - painted(stylizers[kind])).mean() > 2e-4


@pytest.mark.parametrize("kind", ["optimisation", "network"])
def test_no_new_trace(stylizers, kind):
    stylizer = stylizers[kind]
    counted = stylizer.optimization if kind == "optimisation" else stylizer
    traces = []
    for strength in (0.2, 0.5, 0.9):
        blend = (strength, 1.0 - strength)
        stylizer(CONTENT, STYLES, controls=Controls(style_strength=strength, style_blend=blend, saturation=strength))
        traces.append(counted.num_traces)
    assert len(set(traces)) == 1


def test_grey_is_grey(stylizers):
    grey = painted(stylizers["network"], Controls(saturation=0.0))
    assert np.ptp(grey, axis=-1).max() < 1e-4
    warm, cool = (painted(stylizers["network"], Controls(warmth=warmth)) for warmth in (0.5, -0.5))
    assert (warm[..., 2].mean(), cool[..., 0].mean()) < (cool[..., 2].mean(), warm[..., 0].mean())


@pytest.mark.parametrize("kind", ["optimisation", "network"])
def test_frame_by_frame(options, kind):
    """From the content itself to the full style, and from calm to lively."""
    frames = [np.asarray(CONTENT)[0]] * 3
    overrides = dict(options[kind])
    strengths = (0.0, 0.5, 1.0)
    paintings = list(
        tf_style.stylize_frames(
            frames,
            np.asarray(STYLES[0])[0],
            "instant" if kind == "network" else "draft",
            controls=lambda number: Controls(style_strength=strengths[number], consistency=0.0 if number else None),
            **overrides,
        )
    )
    distances = [np.abs(painting - frames[0]).mean() for painting in paintings]
    assert distances[0] < 1e-5
    assert distances[0] < distances[1] < distances[2]


def test_calmer_per_frame(stylizers):
    """A frame that is told to follow the one before is nearer to it."""
    scene, noise = np.asarray(CONTENT)[0], np.random.default_rng(0)
    frames = [np.clip(scene + noise.normal(0, 0.03, scene.shape), 0, 1).astype(np.float32) for _ in range(2)]
    changes = []
    for consistency in (0.0, 1.0):
        painter = make_painter(stylizers["network"], STYLES, consistency=0.5)
        painter.begin(frames[0])
        first, second = (painter.paint(frame, controls=Controls(consistency=consistency)) for frame in frames)
        changes.append(np.abs(second - first).mean())
    assert changes[1] < 0.7 * changes[0]


@pytest.mark.parametrize(
    "values",
    [
        {"style_strength": 1.5},
        {"saturation": -1.0},
        {"saturation": float("nan")},
        {"warmth": 2.0},
        {"consistency": -0.1},
        {"style_blend": (0.0, 0.0)},
        {"style_blend": (2.0, -1.0)},
    ],
)
def test_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))) as caught:
        Controls(**values)
    assert_one_sentence(str(caught.value))


@pytest.mark.parametrize("kind", ["optimisation", "network"])
def test_wrong_number_of_shares(stylizers, kind):
    with pytest.raises(ValueError, match="style_blend has 3 shares for 2 styles"):
        painted(stylizers[kind], Controls(style_blend=(1.0, 1.0, 1.0)))
