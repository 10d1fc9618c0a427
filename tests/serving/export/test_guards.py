"""Bad input to an exported model is an INVALID_ARGUMENT of one clear sentence, and the process lives on.

The C++ session checks no shapes, so what the graph does not refuse may end the process; here that would be pytest's.
"""

import numpy as np
import pytest

from tests.serving.export.exported import (
    MAX_ASKED,
    MAX_BATCH,
    MAX_PIXELS,
    MAX_STEPS,
    SHAPE,
    Served,
    assert_refused,
    pixels,
    small_model,
)

pytestmark = pytest.mark.slow

CONTENT, STYLE = pixels(48, 64, seed=1), pixels(40, 56, seed=2)
PAIR = {"content": CONTENT, "style": STYLE}
NAN = float("nan")
ROWS = "must have one row, or one for each content"


@pytest.fixture(scope="module")
def served():
    return Served(small_model())


def with_content(content):
    return {**PAIR, "content": content}


def with_style(style):
    return {**PAIR, "style": style}


BAD_PAIRS = {
    "content of rank 3": (with_content(CONTENT[0]), SHAPE),
    "content of rank 5": (with_content(CONTENT[None]), SHAPE),
    "content a scalar": (with_content(np.uint8(7)[()].reshape(())), SHAPE),
    "content a vector": (with_content(CONTENT.reshape(-1)), SHAPE),
    "grey content": (with_content(CONTENT[..., :1]), SHAPE),
    "content with alpha": (with_content(np.concatenate([CONTENT, CONTENT[..., :1]], -1)), SHAPE),
    "content of floats": (with_content(CONTENT.astype(np.float32)), "to be uint8 but float is provided"),
    "no content": (with_content(CONTENT[:0]), f"content must hold 1 to {MAX_BATCH} pictures"),
    "content without rows": (with_content(CONTENT[:, :0]), "each side of content must have at least 32 pixels"),
    "content without columns": (with_content(CONTENT[:, :, :0]), "each side of content must have at least 32 pixels"),
    "content of one pixel": (with_content(CONTENT[:, :1, :1]), "each side of content must have at least 32 pixels"),
    "content of 31 rows": (with_content(CONTENT[:, :31]), "each side of content must have at least 32 pixels"),
    "content too large": (with_content(pixels(101, 300)), f"content may have at most {MAX_PIXELS} pixels"),
    "contents too large together": (
        with_content(pixels(96, 96, batch=4)),
        f"content may have at most {MAX_PIXELS} pixels in all its pictures",
    ),
    "too many contents": (with_content(np.repeat(CONTENT, MAX_BATCH + 1, 0)), f"1 to {MAX_BATCH} pictures"),
    "style of rank 3": (with_style(STYLE[0]), SHAPE),
    "style of rank 2": (with_style(STYLE[0, :, :, 0]), SHAPE),
    "style of 4 channels": (with_style(np.concatenate([STYLE, STYLE[..., :1]], -1)), SHAPE),
    "no style": (with_style(STYLE[:0]), f"style must hold 1 to {MAX_BATCH} pictures"),
    "style too small": (with_style(STYLE[:, :8, :8]), "each side of style must have at least 32 pixels"),
    "style too large": (with_style(pixels(200, 151)), f"style may have at most {MAX_PIXELS} pixels"),
    "style of int32": (with_style(STYLE.astype(np.int32)), "to be uint8 but int32 is provided"),
    "2 styles for 1 content": (with_style(np.repeat(STYLE, 2, 0)), ROWS),
    "2 styles for 3 contents": ({"content": np.repeat(CONTENT, 3, 0), "style": np.repeat(STYLE, 2, 0)}, ROWS),
}

BAD_OPTIONS = {
    "no steps": ({"num_steps": [0]}, f"num_steps must be 1 to {MAX_ASKED}"),
    "negative steps": ({"num_steps": [-3]}, f"num_steps must be 1 to {MAX_ASKED}"),
    "too many steps": ({"num_steps": [MAX_ASKED + 1]}, f"num_steps must be 1 to {MAX_ASKED}"),
    "steps at the end of int32": ({"num_steps": [2**31 - 1]}, f"num_steps must be 1 to {MAX_ASKED}"),
    "steps as a scalar": ({"num_steps": np.array(3, np.int32)}, SHAPE),
    "steps of rank 2": ({"num_steps": np.full((1, 1), 3, np.int32)}, SHAPE),
    "steps as floats": ({"num_steps": [2.0]}, "to be int32 but float is provided"),
    "steps empty": ({"num_steps": np.zeros(0, np.int32)}, ROWS),
    "steps for 2": ({"num_steps": [3, 3]}, ROWS),
    "negative seed": ({"seed": [-1]}, "seed must be 0 to"),
    "seeds for 3": ({"seed": [1, 2, 3]}, ROWS),
    "content weight NaN": ({"content_weight": [NAN]}, "content_weight must be 0 to 1e"),
    "style weight NaN": ({"style_weight": [NAN]}, "style_weight must be 0 to 1e"),
    "style weight infinite": ({"style_weight": [float("inf")]}, "style_weight must be 0 to 1e"),
    "style weight negative": ({"style_weight": [-1.0]}, "style_weight must be 0 to 1e"),
    "style weight huge": ({"style_weight": [1e30]}, "style_weight must be 0 to 1e"),
    "weights for 2": ({"content_weight": [1.0, 2.0]}, ROWS),
    "weights of rank 2": ({"content_weight": np.ones((1, 1), np.float32)}, SHAPE),
}


def assert_refused_and_alive(served, sentence, signature, **inputs):
    assert_refused(served, sentence, signature, **inputs)
    good = served("stylize", **PAIR, num_steps=[1])
    assert good["image"].shape == CONTENT.shape


@pytest.mark.parametrize("signature", ["stylize", "start"])
@pytest.mark.parametrize("case", BAD_PAIRS)
def test_bad_pictures(served, case, signature):
    inputs, sentence = BAD_PAIRS[case]
    assert_refused_and_alive(served, sentence, signature, **inputs)


@pytest.mark.parametrize("signature", ["stylize", "start"])
@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_options(served, case, signature):
    options, sentence = BAD_OPTIONS[case]
    assert_refused_and_alive(served, sentence, signature, **PAIR, **options)


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ([16, 64], "size must be a height and width of at least 32"),
        ([-5, -5], "size must be a height and width of at least 32"),
        ([100_000, 100_000], "size must be a height and width"),
        ([64, 64, 3], SHAPE),
        ([64], SHAPE),
        (np.array(64, np.int32), SHAPE),
    ],
)
def test_bad_sizes_for_a_code(served, size, sentence):
    assert_refused_and_alive(served, sentence, "encode_style", style=STYLE, size=size)


def test_bad_codes(served):
    code = served("encode_style", style=STYLE, size=[48, 64])["style_code"]
    for bad, sentence in (
        (code[0], SHAPE),
        (code[:, :, 1:], SHAPE),
        (code[:0], ROWS),
        (np.repeat(code, 2, 0), ROWS),
        (code[:, :1], "style_code must have as many scales as the content"),
        (np.full_like(code, np.nan), "style_code must be finite"),
    ):
        assert_refused_and_alive(served, sentence, "stylize_encoded", content=CONTENT, style_code=bad)


def test_bad_states(served):
    state = served("start", **PAIR)
    image = state["state_run_image"]
    two = np.int32
    for changes, sentence in (
        ({"state_scale": np.array(9, two)}, "state must be of this content"),
        ({"state_scale": np.array(-1, two)}, "state must be of this content"),
        ({"state_scale": np.array([0], two)}, SHAPE),
        ({"state_run_image": image[0]}, SHAPE),
        ({"state_run_image": image[:, :-1]}, "state must be of this content"),
        ({"state_run_image": np.repeat(image, 2, 0)}, "state must be of this content"),
        ({"state_run_image": np.full_like(image, NAN)}, "the picture in state must be finite"),
        ({"state_run_average": image[:, :, :-2]}, "state must be of this content"),
        ({"state_run_average": np.full_like(image, np.inf)}, "the average in state must be finite"),
        ({"state_run_step": np.array(1000, two)}, "state must be within the steps of its scale"),
        ({"state_run_step": np.array(-1, two)}, ""),
        ({"state_run_done": np.zeros(5, bool)}, "state must hold a row for each content"),
        ({"state_num_steps": np.array([10**6], two)}, f"num_steps must be 1 to {MAX_ASKED}"),
        ({"state_run_optimizer_first": image[:, :-3]}, "state must be of this content"),
        ({"state_run_optimizer_first": np.zeros((50, 1, 1, 3), np.float32)}, "state must be of this content"),
        ({"state_run_optimizer_steps": np.zeros((1, 1), two)}, SHAPE),
        ({"state_weight_style": np.zeros(3, np.float32)}, "state must hold a row for each content"),
    ):
        assert_refused_and_alive(served, sentence, "advance", **PAIR, num_steps=[1], **{**state, **changes})
    other = pixels(96, 96, seed=3)
    inputs = {"content": other, "style": STYLE, "num_steps": [1], **state}
    assert_refused_and_alive(served, "state must be of this content", "advance", **inputs)
    for steps in ([0], [-1], [MAX_STEPS + 1], [1, 1]):
        assert_refused_and_alive(served, "num_steps must", "advance", **PAIR, num_steps=steps, **state)
