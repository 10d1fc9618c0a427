"""Words in a graph choose what words at the command line choose."""

import csv
from pathlib import Path

import pytest
import tensorflow as tf

from tf_style.serving.words.choice import Chooser, near_enough
from tf_style.words.choice import NEAR, choose
from tf_style.words.controls import NEUTRAL, controls_of
from tf_style.words.embedding import known_words, word_table
from tf_style.words.library import StyleLibrary

QUERIES = Path(__file__).parents[2] / "words" / "queries.csv"
ODD = (
    "Trompe-l'œil of Van Gogh's café", "ukiyo-e prints -- ''it's'' a dog's-life", "stormy sea, muted",
    "not muted, not bold colours, vivid", "muted pale muted bold bold colours", "vivid bold colours", "subtle",
    "warm and cold sea", "keep its own colours, sea", "not keep its own colors sea", "B&W ink", "in CoLoUrs, warm",
    "a light touch of gold, slightly", "strongly strong STRONG sea", "IMPASTO, Dotted; spotting misty fussy",
    "\ufb01ne \uff47old 𝐬𝐞𝐚", "sea\nnight\tmuted", "without vivid sea", "Cézanne's apples", "of the van gogh of",
    "stillness of mistiest fog", "cool-blue muted-gold", "naïve façade", "海 sea", "o'er the the van", "quarterly tax",
)  # fmt: skip


@pytest.fixture(scope="module")
def library():
    return StyleLibrary.open()


@pytest.fixture(scope="module")
def chooser(library):
    chooser = Chooser(library)
    text = tf.TensorSpec([], tf.string)
    chooser.called = tf.function(chooser.__call__, input_signature=[text], autograph=False)
    chooser.split = tf.function(chooser.splitter.__call__, input_signature=[text], autograph=False)
    return chooser


def sentences(library):
    with QUERIES.open(encoding="utf-8", newline="") as file:
        yield from (row["query"] for row in csv.DictReader(file))
    yield from ODD
    for entry in library.entries[::3]:
        yield from entry.sentences


def test_the_same_terms(library, chooser):
    table = list(word_table().rows)
    for text in sentences(library):
        assert [table[row] for row in chooser.split(tf.constant(text))] == known_words(text), text


def test_the_same_paintings_shares_and_options(library, chooser):
    for text in sentences(library):
        found, wanted = chooser.called(tf.constant(text)), choose(text, library, far=True)
        styles = [library.entries[place].style for place in found.places.numpy()]
        shares = [share for share in found.shares.numpy() if share]
        assert styles[: len(shares)] == [one.style for one in wanted.found], text
        assert shares == pytest.approx(wanted.options["style_blend"], abs=1e-5), text
        controls = {"preserve_color": "none", **NEUTRAL, **controls_of(text)[0]}
        luminance = found.options["luminance"].numpy()
        options = {name: pytest.approx(found.options[name].numpy()) for name in NEUTRAL}
        assert controls == {**options, "preserve_color": "luminance" if luminance else "none"}, text
        assert bool(near_enough(found)) == (wanted.found[0].similarity >= NEAR), text


@pytest.mark.parametrize("text", ["", "  ", "xyzzy plugh", "the of and", "- '", "海"])
def test_words_that_say_nothing(chooser, text):
    assert not chooser.called(tf.constant(text)).known
