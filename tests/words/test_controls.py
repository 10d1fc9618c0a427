"""Words that set options."""

import dataclasses

import pytest

from tf_style.config import StylizeConfig
from tf_style.words.controls import RULES, controls_of

TABLE = [
    ("a harbour in black and white", {"saturation": 0.0}, "a harbour in black and white"),
    ("Monochrome ink", {"saturation": 0.0}, "Monochrome ink"),
    ("greyscale hills", {"saturation": 0.0}, "greyscale hills"),
    ("gray-scale hills", {"saturation": 0.0}, "gray-scale hills"),
    ("muted night", {"saturation": 0.6}, "muted night"),
    ("pale, faded fresco", {"saturation": 0.6}, "pale, faded fresco"),
    ("fresco, desaturated", {"saturation": 0.6}, "fresco"),
    ("saturated flowers", {"saturation": 1.35}, "flowers"),
    ("vivid flowers", {"saturation": 1.35}, "vivid flowers"),
    ("colourful flowers", {"saturation": 1.35}, "colourful flowers"),
    ("flowers in bold colors", {"saturation": 1.35}, "flowers in bold colors"),
    ("warm evening", {"warmth": 0.4}, "warm evening"),
    ("cool morning", {"warmth": -0.4}, "cool morning"),
    ("cold winter", {"warmth": -0.4}, "cold winter"),
    ("stormy sea with a light touch", {"style_strength": 0.6}, "stormy sea"),
    ("a subtle stormy sea", {"style_strength": 0.6}, "a stormy sea"),
    ("slightly stormy sea", {"style_strength": 0.6}, "stormy sea"),
    ("bold strokes", {"style_strength": 1.0}, "bold strokes"),
    ("strong strokes", {"style_strength": 1.0}, "strokes"),
    ("stormy sea, keep colours", {"preserve_color": "luminance"}, "stormy sea"),
    ("stormy sea in its own colours", {"preserve_color": "luminance"}, "stormy sea"),
    ("stormy sea, keep the original colors", {"preserve_color": "luminance"}, "stormy sea"),
    ("golden ornaments, keep the photo's colours", {"preserve_color": "luminance"}, "golden ornaments"),
    ("muted black and white", {"saturation": 0.0}, "muted black and white"),
    ("warm light, cold shadows", {}, "warm light, cold shadows"),
    ("not warm, without bold strokes", {}, "not warm, without bold strokes"),
    ("scold the warmonger coldly", {}, "scold the warmonger coldly"),
    ("subtle", {"style_strength": 0.6}, ""),
    ("", {}, ""),
]


@pytest.mark.parametrize(("text", "controls", "rest"), TABLE)
def test_words_set_options(text, controls, rest):
    assert controls_of(text) == (controls, rest)


def test_each_rule_sets_an_option_that_allows_its_value():
    names = {field.name for field in dataclasses.fields(StylizeConfig)}
    for rule in RULES:
        assert rule.option in names
        StylizeConfig().replace(**{rule.option: rule.value})
