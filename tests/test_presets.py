"""Presets: every file in configs/ loads, says what it is, and builds; others are refused in one sentence."""

import dataclasses
from pathlib import Path

import pytest

import tf_style
from tests.materials import assert_one_sentence, tiny_vgg
from tf_style.build import build_backbone, build_objective, build_optimizer, build_stylizer
from tf_style.config import DEFAULT_PRESET, ConfigError, StylizeConfig, check_given
from tf_style.networks.archive import EMBEDDED
from tf_style.presets import load_preset, preset_config, preset_names
from tf_style.stylizers import FeedForwardStylizer

FOLDER = Path(__file__).resolve().parent.parent / "configs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.cfg"))


def refused(provoke):
    with pytest.raises(ConfigError) as caught:
        provoke()
    assert_one_sentence(caught.value)
    return str(caught.value)


def write(folder, text, name="mine.cfg"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_names():
    assert preset_names() == NAMES
    assert DEFAULT_PRESET in NAMES


@pytest.mark.parametrize("name", ["gatys2016", "gatys2016-adam", "fine", "draft", "instant"])
def test_the_promised_ones_are_there(name):
    assert name in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_loads_by_name_and_by_path(name):
    by_name, by_path = load_preset(name), load_preset(str(FOLDER / f"{name}.cfg"))
    assert by_name == by_path
    assert by_name.name == name
    assert isinstance(preset_config(name), StylizeConfig)


@pytest.mark.parametrize("name", NAMES)
def test_header_says_what_it_is(name):
    """The paper, the command, what to expect."""
    header = "\n".join(load_preset(name).header)
    assert f"--preset={name}" in header or name == DEFAULT_PRESET
    assert "tf-style stylize" in header
    assert len(header) > 100


@pytest.mark.parametrize("name", [name for name in NAMES if not preset_config(name).network])
def test_builds(name, monkeypatch, tmp_path):
    """All of it but the backbone's weights, which may not be here; its layers exist in the embedded one."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    config = preset_config(name)
    layers = [f"block{b}_conv1" for b in range(1, 6)] + ["block4_conv2"]
    stylizer = build_stylizer(config, tiny_vgg(layers))
    assert repr(build_objective(config)) == repr(stylizer.optimization.objective)
    assert stylizer.optimization.optimizer.steps_per_call == build_optimizer(config).steps_per_call
    assert stylizer.num_steps == config.num_steps
    outputs = build_backbone(config.replace(backbone="compact_vgg19", weights="")).output
    assert {tf_style.backbones.canonical_layer(layer) for layer in config.style_layers} <= set(outputs)


@pytest.mark.parametrize("name", [name for name in NAMES if preset_config(name).network])
def test_names_an_embedded_network(name):
    config = preset_config(name)
    assert config.network in EMBEDDED
    check_given(config, load_preset(name).options)
    assert isinstance(build_stylizer(config), FeedForwardStylizer)


@pytest.mark.parametrize("name", NAMES)
def test_options_are_those_of_the_config(name):
    options = load_preset(name).options
    assert set(options) <= {field.name for field in dataclasses.fields(StylizeConfig)}
    config = preset_config(name)
    for option in options:
        assert getattr(config, option) == getattr(StylizeConfig().replace(**{option: options[option]}), option)


def test_a_file_of_ones_own(tmp_path):
    path = write(tmp_path, "# Mine.\n#   More.\n\n--size=77\n  --style_blend = 1, 2 \n--weights=a=b\n")
    preset = load_preset(path)
    assert preset.name == "mine"
    assert preset.header == ("Mine.", "More.", "")
    assert preset.options == {"size": "77", "style_blend": "1, 2", "weights": "a=b"}
    config = preset_config(path)
    assert (config.size, config.style_blend, config.weights) == (77, (1.0, 2.0), "a=b")


def test_flags_override_the_preset_and_the_preset_the_default(tmp_path):
    path = write(tmp_path, "--size=77\n--seed=5\n")
    config = preset_config(path).replace(size=99)
    assert (config.size, config.seed, config.num_steps) == (99, 5, StylizeConfig().num_steps)


@pytest.mark.parametrize(
    ("name", "hint"), [("fin", "'fine'"), ("drft", "'draft'"), ("gatys", "'gatys2016'"), ("xyz", "")]
)
def test_unknown_preset(name, hint):
    message = refused(lambda: preset_config(name))
    assert all(known in message for known in NAMES)
    assert ("Did you mean" in message) == bool(hint)
    assert hint in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("size=3\n", "Line 1 .*'size=3'"),
        ("--size=512\n\n--jit_compile\n", "Line 3 .*'--jit_compile'"),
        ("--sise=3\n", "In preset .*Unknown option 'sise'. Did you mean 'size'?"),
        ("--size=big\n", "In preset .*size must be a whole number"),
        ("--content_weight=nan\n", "In preset .*content_weight"),
    ],
)
def test_wrong_lines(text, part, tmp_path):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=part) as caught:
        preset_config(path)
    assert_one_sentence(caught.value)


def test_not_a_text_file(tmp_path):
    path = tmp_path / "picture.cfg"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    assert str(path) in refused(lambda: preset_config(str(path)))


def test_a_folder(tmp_path):
    refused(lambda: preset_config(str(tmp_path)))


def test_no_name():
    refused(lambda: preset_config(""))
