"""From a sentence to pictures of a library, their shares and options, in a graph: what `tf_style.words.choice` does."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_style.serving.words.splitting import Splitter
from tf_style.words.choice import COUNT, DIGITS, NEAR
from tf_style.words.controls import DENIALS, NEUTRAL, RULES
from tf_style.words.embedding import word_table
from tf_style.words.library import SECOND, TEMPERATURE, StyleLibrary

# RE2 has no lookaround: what stands beside a word is matched with it, and put back.
_LETTER = r"\pL\pN_-"
_BEFORE, _AFTER = rf"(^|[^{_LETTER}])", rf"($|[^{_LETTER}])"
_DENIED = "|".join(DENIALS)
_MARK = "\u16a0"  # a letter that no sentence has
_MARKED = rf"\1{_MARK}\2"
_NONE, _ZERO = -2.0, 0.0  # cosines that stand for sentences that do not exist, and for a picture without any


class Chosen(NamedTuple):
    """What a sentence chooses.

    `places` int64 [COUNT] are the library's pictures, best first, `shares` float32 [COUNT] their shares, whose sum is
    about 1 (they are rounded, as those that the command prints), and `similarity` float32 [] says how near the best is.
    `options` holds a float32 scalar for each option of `NEUTRAL`, and a bool scalar for "luminance". `known` is false
    if no word of the sentence is in the table; then the others mean nothing.
    """

    places: tf.Tensor
    shares: tf.Tensor
    similarity: tf.Tensor
    options: dict[str, tf.Tensor]
    known: tf.Tensor


class Chooser(tf.Module):
    """Finds the pictures that a sentence describes, as `tf_style.words.choice.choose` does.

    Args:
      library: Where to look; with the package's own table of words.
    """

    def __init__(self, library: StyleLibrary) -> None:
        super().__init__("chooser")
        table = word_table()
        self.splitter = Splitter(table)
        self._word_vectors = tf.constant(table.vectors)
        self._scales = tf.constant(table.scales)
        self._sentences = tf.constant(library.vectors, tf.float32)
        self._own = tf.constant(_sentences_of(library))
        self.count = min(COUNT, len(library.entries))

    def __call__(self, text: tf.Tensor) -> Chosen:
        """Chooses.

        Args:
          text: String scalar, UTF-8.
        """
        options, rest = _options(text)
        rest = tf.where(tf.strings.regex_full_match(rest, r"(?s).*[\pL\pN_].*"), rest, text)
        rows = self.splitter(rest)
        vectors = tf.cast(tf.gather(self._word_vectors, rows), tf.float32)
        total = tf.linalg.matvec(vectors, tf.gather(self._scales, rows), transpose_a=True)
        vector = tf.math.divide_no_nan(total, tf.norm(total))
        cosines = tf.concat([tf.linalg.matvec(self._sentences, vector), [_NONE, _ZERO]], 0)
        nearest, second = tf.unstack(tf.math.top_k(tf.gather(cosines, self._own), 2).values, axis=1)
        best = tf.math.top_k((1 - SECOND) * nearest + SECOND * second, self.count)  # of equals the first, as there
        shares = tf.nn.softmax(best.values / TEMPERATURE)
        shares = tf.round(shares * 10.0**DIGITS) / 10.0**DIGITS
        return Chosen(best.indices, shares, best.values[0], options, tf.size(rows) > 0)


def near_enough(chosen: Chosen) -> tf.Tensor:
    """Whether the best picture is near, a bool scalar."""
    return chosen.similarity >= NEAR


def _sentences_of(library: StyleLibrary) -> np.ndarray:
    """The places of each picture's sentences, int32 [pictures, most sentences]; filled up with stand-ins."""
    none, zero = len(library.vectors), len(library.vectors) + 1
    own = [np.flatnonzero(library.rows == row).tolist() for row in range(len(library.entries))]
    own = [places * 2 if len(places) == 1 else places or [zero, zero] for places in own]
    most = max(map(len, own))
    return np.array([places + [none] * (most - len(places)) for places in own], np.int32)


def _options(text: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """What `controls_of` finds: options, and the text without the words that only set one."""
    taken = remaining = text
    found: dict[str, list[tuple[tf.Tensor, float | str]]] = {}
    for rule in RULES:
        denied = rf"(?i)((?:^|[^\pL\pN_])(?:{_DENIED}) )((?:{rule.words}){_AFTER})"
        words = rf"(?i){_BEFORE}(?:{rule.words}){_AFTER}"
        guarded = tf.strings.regex_replace(taken, denied, _MARKED)  # no word begins behind a letter
        is_there = tf.strings.regex_full_match(guarded, f"(?s).*{words}.*")
        found.setdefault(rule.option, []).append((is_there, rule.value))
        taken = _replaced(guarded, words, "_")
        if not rule.stays:
            kept = tf.strings.regex_replace(remaining, denied, _MARKED)
            kept = tf.strings.regex_replace(_replaced(kept, words, ""), _MARK, "")
            remaining = tf.where(is_there, kept, remaining)
    options = {name: _agreed(found[name], neutral) for name, neutral in NEUTRAL.items()}
    return {**options, "luminance": found["preserve_color"][0][0]}, remaining


def _replaced(text: tf.Tensor, words: str, by: str) -> tf.Tensor:
    """Replaces all words; twice, because a match takes what stands between it and the next."""
    for _ in range(2):
        text = tf.strings.regex_replace(text, words, rf"\1{by}\2")
    return text


def _agreed(found: list[tuple[tf.Tensor, float | str]], neutral: float) -> tf.Tensor:
    """The value farthest from the neutral one; that itself if there are values on both sides of it, or none."""
    values = tf.stack([tf.where(is_there, float(value), neutral) for is_there, value in found])
    low, high = tf.reduce_min(values), tf.reduce_max(values)
    both = (low < neutral) & (high > neutral)
    return tf.where(both, neutral, tf.where(neutral - low > high - neutral, low, high))
