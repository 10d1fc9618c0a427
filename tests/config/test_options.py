"""Options: how text is read, what is refused, and how the refusal reads."""

import dataclasses
import math
import subprocess
import sys

import pytest

from tests.materials import assert_one_sentence
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles, parse_value

FILES = {"content": "a.jpg", "style": ("b.jpg",), "output": "c.png"}
FIELDS = {field.name: field for field in dataclasses.fields(StylizeConfig)}


def refused(**overrides):
    with pytest.raises(ConfigError) as caught:
        StylizeConfig().replace(**overrides)
    assert_one_sentence(caught.value)
    return str(caught.value)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("size", "0", 0),
        ("size", " 640 ", 640),
        ("size", "320x200", "320x200"),
        ("size", 640.0, 640),
        ("learning_rate", "0.5", 0.5),
        ("learning_rate", 1, 1.0),
        ("content_weight", "1e3", 1000.0),
        ("style_blend", "0.7,0.3", (0.7, 0.3)),
        ("style_blend", " 0.7 , 0.3, ", (0.7, 0.3)),
        ("style_blend", [1, 2], (1.0, 2.0)),
        ("style_blend", "", ()),
        ("style_layers", "conv1_1, conv2_1", ("conv1_1", "conv2_1")),
        ("content_layers", ["conv4_2"], ("conv4_2",)),
        ("jit_compile", "true", True),
        ("jit_compile", "auto", "auto"),
        ("optimizer", "lbfgs", "lbfgs"),
        ("weights", "/a folder/file.h5", "/a folder/file.h5"),
    ],
)
def test_values_are_read(option, text, value):
    read = getattr(StylizeConfig().replace(**{option: text}), option)
    assert read == value
    assert type(read) is type(value)


QUIET = next(field for field in dataclasses.fields(StylizeFiles) if field.name == "quiet")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("False", False), ("1", True), ("0", False), (True, True), (False, False)]
)
def test_switches_are_read(text, value):
    assert parse_value(QUIET, text) is value


def test_an_automatic_switch_that_is_neither():
    assert "jit_compile must be true, false or auto, but 'perhaps' was given" in refused(jit_compile="perhaps")


def test_a_switch_that_is_neither():
    with pytest.raises(ConfigError, match="quiet must be true or false, but 'perhaps' was given"):
        parse_value(QUIET, "perhaps")


@pytest.mark.parametrize("kind", ["content", "style"])
def test_other_layers_reset_their_weights(kind):
    """A preset's weights are for the preset's layers."""
    config = StylizeConfig().replace(**{f"{kind}_layers": "conv1_1,conv2_1", f"{kind}_layer_weights": "1,2"})
    assert getattr(config, f"{kind}_layer_weights") == (1.0, 2.0)
    assert getattr(config.replace(**{f"{kind}_layers": "conv3_1"}), f"{kind}_layer_weights") == ()
    assert getattr(config.replace(seed=3), f"{kind}_layer_weights") == (1.0, 2.0)


def test_replace_makes_another():
    config = StylizeConfig()
    assert config.replace(size=64) != config
    assert config == StylizeConfig()
    assert hash(config.replace(size=64)) == hash(StylizeConfig(size=64))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.size = 3


def test_the_defaults_read_back_as_themselves():
    config = StylizeConfig()
    as_text = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in dataclasses.asdict(config).items()
    }
    assert config.replace(**as_text) == config


# --- refusing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typo", "meant"), [("sise", "size"), ("num_step", "num_steps"), ("style_wieght", "style_weight")]
)
def test_unknown_option(typo, meant):
    assert refused(**{typo: 3}) == f"Unknown option '{typo}'. Did you mean '{meant}'?"


def test_unknown_option_like_no_other():
    message = refused(xyz=3)
    assert all(name in message for name in FIELDS)


@pytest.mark.parametrize(
    ("option", "typo", "meant"),
    [
        ("optimizer", "l-bfgs", "lbfgs"),
        ("backbone", "vgg-19", "vgg19"),
        ("init", "contnet", "content"),
        ("style_statistic", "grams", "gram"),
        ("pooling", "averag", "average"),
    ],
)
def test_unknown_choice(option, typo, meant):
    message = refused(**{option: typo})
    assert message.endswith(f"Did you mean '{meant}'?")
    assert all(choice in message for choice in FIELDS[option].metadata["choices"])


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("num_steps", "big", "a whole number"),
        ("num_steps", 3.5, "a whole number"),
        ("num_steps", "", "a whole number"),
        ("num_steps", [512], "a whole number"),
        ("num_steps", "1e3", "a whole number"),
        ("size", "1e3", "a whole number of pixels, or a box such as 320x200"),
        ("size", "0x200", "a whole number of pixels, or a box such as 320x200"),
        ("learning_rate", "fast", "a number"),
        ("style_blend", "half,half", "comma-separated values"),
        ("style_blend", 0.5, "comma-separated values"),
    ],
)
def test_wrong_kind(option, value, kind):
    assert refused(**{option: value}).startswith(f"{option} must be {kind}, but ")


NUMBERS = [name for name, field in FIELDS.items() if type(field.default) in (int, float)]
NUMBER_LISTS = [name for name, field in FIELDS.items() if "tuple[float" in str(field.type)]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", math.nan, math.inf])
@pytest.mark.parametrize("option", NUMBERS + NUMBER_LISTS)
def test_not_a_number_and_infinity(option, value):
    if option in NUMBER_LISTS:
        value = f"1,{value}" if isinstance(value, str) else (1.0, value)
    assert option in refused(**{option: value})


@pytest.mark.parametrize("option", NUMBERS + NUMBER_LISTS)
def test_below_the_minimum(option):
    """Every number has a least value, and just below it is refused."""
    minimum = FIELDS[option].metadata["minimum"]
    assert minimum is not None
    below = minimum - (1 if FIELDS[option].type in ("int", "int | str") else 1e-9)
    assert "at least" in refused(**{option: (below,) if option in NUMBER_LISTS else below})


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ({"average_decay": 1.0}, "below 1"),
        ({"average_decay": 5}, "below 1"),
        ({"style_blend": "0,0"}, "positive sum"),
        ({"content_weight": 0, "style_weight": 0}, "both 0"),
        (
            {"style_layers": "conv1_1,conv2_1", "style_layer_weights": "1"},
            "one value for each of the 2 layers",
        ),
        ({"content_layer_weights": "1,2"}, "one value for each of the 1 layers"),
    ],
)
def test_values_that_do_not_go_together(overrides, part):
    assert part in refused(**overrides)


def test_without_layers():
    """Named by the option, before a model is built."""
    assert "style_layers" in refused(style_layers="")


# --- files of a run ---------------------------------------------------------------------------------------------------


def test_files():
    files = StylizeFiles(**FILES)
    assert (files.bit_depth, files.quiet, files.save_every) == (8, False, 0)


@pytest.mark.parametrize("missing", FILES)
def test_a_file_that_is_missing(missing):
    with pytest.raises(ConfigError, match=f"--{missing} must be given") as caught:
        StylizeFiles(**{**FILES, missing: type(FILES[missing])()})
    assert "\n" not in str(caught.value)
    assert "tf-style stylize --content=photo.jpg" in str(caught.value)  # how it is to be called


@pytest.mark.parametrize(
    ("option", "value"),
    [("bit_depth", 12), ("bit_depth", 32), ("quality", 0), ("quality", 101), ("max_pixels", 0), ("save_every", -1),
     ("checkpoint_seconds", math.nan)],
)  # fmt: skip
def test_files_refuse(option, value):
    with pytest.raises(ConfigError, match=option) as caught:
        StylizeFiles(**FILES, **{option: value})
    assert_one_sentence(caught.value)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, tf_style.config, tf_style.presets; assert not {'tensorflow', 'numpy', 'absl'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
