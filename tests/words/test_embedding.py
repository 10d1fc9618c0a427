"""Sentences as vectors: what is near, what is ignored, what is refused."""

import subprocess
import sys

import numpy as np
import pytest

from tests import command
from tf_style.words.embedding import _TABLE, WordsError, embed, known_words

NEARER = [  # the first is nearer to the second than to the third
    ("stormy", "tempest", "teapot"),
    ("crimson", "scarlet", "turquoise"),
    ("azure", "cobalt", "ochre"),
    ("golden", "gilded", "muddy"),
    ("serene", "tranquil", "violent"),
    ("gloomy", "sombre", "cheerful"),
    ("lonely", "solitary", "crowded"),
    ("pointillism", "tiny dots", "marble statue"),
    ("impasto", "thick paint", "thin line"),
    ("ukiyo-e", "Japanese woodblock print", "oil portrait"),
    ("chiaroscuro", "light and shadow", "flat pastel colours"),
    ("watercolour", "gouache", "bronze"),
    ("ocean", "waves", "desert"),
    ("blossom", "spring flowers", "winter snow"),
    ("Van Gogh", "swirling brush strokes", "geometric grid"),
    ("a ship in a storm", "boat on rough waves", "fruit on a table"),
    ("a lady in an elegant dress", "portrait of a noble woman", "mountains in fog"),
    ("black and white", "monochrome", "colourful"),
]


def cosine(first, second):
    one, other = embed([first, second])
    return float(one @ other)


@pytest.mark.parametrize(("word", "near", "far"), NEARER)
def test_near_words_are_near(word, near, far):
    assert cosine(word, near) > cosine(word, far) + 0.05


def test_vectors_have_length_one():
    vectors = embed(["a stormy sea", "tea", "the red and the black"])
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == 3
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)


def test_sentences_do_not_touch_each_other():
    together = embed(["a stormy sea", "tea", "gold leaf"])
    np.testing.assert_array_equal(together, np.concatenate([embed([s]) for s in ("a stormy sea", "tea", "gold leaf")]))


def test_no_sentences_give_no_rows():
    assert embed([]).shape == (0, embed(["sea"]).shape[1])


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("Stormy SEA!", "stormy sea"),
        ("the stormy sea, and xyzzyq", "stormy sea"),
        ("sea stormy", "stormy sea"),
        ("ukiyo-e", "Ukiyo e"),
        ("ukiyo\u2010e", "ukiyo-e"),
        ("moon-light", "moonlight"),
        ("golden-brown", "golden brown"),
        ("Cézanne's hedgehogs", "cezanne hedgehog"),
        ("Dürer", "durer"),
        ("woodblock prints", "woodblock print"),
        ("teapots", "teapot"),
        ("self portrait", "self-portrait"),
        ("van gogh’s", "Van Gogh"),
    ],
)
def test_spelling_does_not_matter(written, same):
    np.testing.assert_allclose(embed([written])[0], embed([same])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Impasto, in the style of Van Gogh: xyzzyq!", ["impasto", "van gogh"]),
        ("a still life", ["still life"]),
        ("still water", ["still", "water"]),
        ("waves, wavelike, xyzzyqs", ["waves", "wave"]),
        ("1889, 42 x 30", []),
        ("the of and", []),
        ("", []),
    ],
)
def test_known_words(sentence, words):
    assert known_words(sentence) == words


@pytest.mark.parametrize("sentence", ["", "  \n"])
def test_an_empty_sentence_is_refused(sentence):
    with pytest.raises(WordsError, match=r"^The sentence is empty; describe a picture, such as 'stormy sea.*'\.$"):
        embed(["tea", sentence])


@pytest.mark.parametrize("sentence", ["xyzzyq", "the", "海の絵", "!?", "42"])
def test_a_sentence_of_unknown_words_is_refused(sentence):
    with pytest.raises(WordsError, match="^None of the words of .* is known; describe a picture in plain English"):
        embed([sentence])


def test_the_table_is_small():
    assert _TABLE.stat().st_size < 2.5e6
    assert _TABLE.with_suffix(".md").is_file()


def test_it_is_silent_and_needs_no_tensorflow():
    program = """
import sys
from tf_style.words import embedding
first = embedding.embed(["a stormy sea", "tempest"])
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
sys.stdout.buffer.write(first.tobytes())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, cwd=command.ROOT, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == embed(["a stormy sea", "tempest"]).tobytes()  # another process, the same bytes
