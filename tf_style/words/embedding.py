"""Sentences as vectors, from a table of word vectors in the package: no network, no model, NumPy only."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_style.words.splitting import terms

_TABLE = Path(__file__).parent / "data" / "vectors.npz"  # made by benchmarks/word_table.py; see vectors.md beside it


class WordsError(ValueError):
    """A sentence is empty, or no word of it is known; the message says what to do."""


class Table(NamedTuple):
    """Terms with their rows, and the rows: `vectors[row] * scales[row]` is a term's vector."""

    rows: dict[str, int]
    vectors: np.ndarray
    scales: np.ndarray


def embed(sentences: Sequence[str]) -> np.ndarray:
    """Vectors whose dot products say how near the meanings of sentences are (1 for the same words, about 0 for none).

    A sentence is the sum of the vectors of its words, scaled to length 1. A word's length is its weight: common words
    are short. Words that are not known are ignored; so is their order. Anything of this form, such as a sentence
    encoder, can stand in its place: sentences in, rows of length 1 out.

    Args:
      sentences: English sentences or lists of words, at least one word of each in the table.

    Returns:
      float32 [n, d], each row of length 1.

    Raises:
      WordsError: A sentence is empty, or the table has none of its words.

    Example:
      >>> sea, tempest, tea = embed(["a stormy sea", "tempest", "a teapot"])
      >>> bool(sea @ tempest > sea @ tea)
      True

    Reference:
      Arora et al., A Simple but Tough-to-Beat Baseline for Sentence Embeddings, 2017,
      https://openreview.net/forum?id=SyK00v5xx. Theirs weights words by their frequency; here the weights were fitted
      together with the vectors, to the sentence encoder MiniLM.
    """
    table = word_table()
    vectors = np.empty([len(sentences), table.vectors.shape[1]], np.float32)
    for index, sentence in enumerate(sentences):
        rows = [table.rows[word] for word in _known(sentence, table)]
        vectors[index] = table.scales[rows] @ table.vectors[rows].astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def known_words(sentence: str) -> list[str]:
    """The words and terms of a sentence that `embed` uses, as the table spells them; none, an empty list.

    Example:
      >>> known_words("Impasto, in the style of Van Gogh: xyzzy!")
      ['impasto', 'van gogh']
    """
    return terms(sentence, word_table().rows)


def _known(sentence: str, table: Table) -> list[str]:
    if not sentence.strip():
        raise WordsError("The sentence is empty; describe a picture, such as 'stormy sea, thick brush strokes'.")
    found = terms(sentence, table.rows)
    if not found:
        raise WordsError(
            f"None of the words of {sentence!r} is known; describe a picture in plain English words, such as "
            f"'stormy sea, thick brush strokes'."
        )
    return found


@functools.lru_cache(maxsize=1)
def word_table() -> Table:
    """The package's table of words, read once."""
    with np.load(_TABLE) as archive:
        words = archive["words"].tobytes().decode("ascii").split("\n")
        return Table(
            {word: row for row, word in enumerate(words)}, archive["vectors"], archive["scales"].astype(np.float32)
        )
