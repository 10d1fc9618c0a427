"""From a sentence to the rows of the word table, in a graph; what `tf_style.words.splitting` does in Python."""

from __future__ import annotations

import re
import unicodedata

import tensorflow as tf

from tf_style.words.embedding import Table
from tf_style.words.splitting import DOUBLING, ENDINGS, LONGEST_TERM, PLAIN, SHORTEST_STEM, STOP_WORDS

_MISSING = -1
_LAST_LETTER = 0x20000  # beyond it there are no more Latin letters, in any disguise


class Splitter(tf.Module):
    """Finds the terms of a sentence in a table of words.

    Args:
      table: The words and their rows.
    """

    def __init__(self, table: Table) -> None:
        super().__init__("splitter")
        self._rows = _lookup("words", list(table.rows), list(table.rows.values()))
        self._stop_words = _lookup("stop_words", sorted(STOP_WORDS), [1] * len(STOP_WORDS))
        codes, spellings = zip(*_plain_letters(), strict=True)
        self._letters = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(codes, tf.int32), tf.constant(spellings)), " "
        )

    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """The rows of a sentence's terms, int64 [n], in their order; the longest term is taken, from the left.

        Args:
          text: String scalar, UTF-8.
        """
        words = self._words(text)
        number = tf.size(words)
        rows, lengths = self._matches(words)
        places = tf.range(number)

        def after(start: tf.Tensor, place: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            at, length = place
            return tf.where(at >= start, at + length, start)

        starts = tf.scan(after, (places, lengths), initializer=tf.constant(0))
        taken = places >= tf.concat([[0], starts], 0)[:number]
        return tf.boolean_mask(rows, taken & (rows != _MISSING))

    def _words(self, text: tf.Tensor) -> tf.Tensor:
        """Words in the spelling of the table, string [n]; with a hyphen the whole if it is known, else its parts."""
        letters = self._letters.lookup(tf.strings.unicode_decode(text, "UTF-8"))
        plain = tf.strings.reduce_join(letters)
        for pattern in ("['-]{2,}", "(^| )['-]", "['-]( |$)"):  # what stands between two letters stays
            plain = tf.strings.regex_replace(plain, pattern, " ")
        words = tf.strings.regex_replace(tf.strings.split(plain), "'s$|'", "")
        whole = tf.strings.regex_replace(words, "-", "")
        parts = tf.strings.regex_replace(words, "-", " ")
        words = tf.where(self._rows.lookup(whole) != _MISSING, whole, parts)
        return tf.strings.split(tf.strings.reduce_join(words, separator=" "))

    def _matches(self, words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The row of the longest term that begins at each word, and how many words it has; 1 if there is none."""
        number = tf.size(words)
        padded = tf.concat([words, tf.fill([LONGEST_TERM - 1], "")], 0)
        stops = self._stop_words.lookup(padded) != _MISSING
        spellings, counts = [], []
        for count in range(1, LONGEST_TERM + 1):  # what comes later is the better term
            parts = [padded[start : start + number] for start in range(count)]
            stopped = tf.reduce_any([stops[start : start + number] for start in range(count)], 0)
            apart, together = (tf.strings.join(parts, between) for between in (" ", ""))
            both = [tf.where(stopped, "", together), *([apart] if count > 1 else [])]
            spellings += [tf.where(tf.range(number) <= number - count, spelling, "") for spelling in both]
            counts += [count] * len(both)
        rows = self._table_rows(tf.stack(spellings))
        last = len(counts) - 1 - tf.argmax(tf.reverse(rows != _MISSING, [0]), 0, tf.int32)
        found = tf.gather(tf.transpose(rows), last, axis=1, batch_dims=1)
        return found, tf.where(found == _MISSING, 1, tf.gather(counts, last))

    def _table_rows(self, terms: tf.Tensor) -> tf.Tensor:
        """The rows of terms, or of their likeliest stems in the table, int64 as the terms."""
        rows = self._rows.lookup(tf.stack([terms, *_stems(terms)], -1))
        first = tf.argmax(rows != _MISSING, -1)
        return tf.gather(rows, first, axis=-1, batch_dims=2)


def _stems(terms: tf.Tensor) -> list[tf.Tensor]:
    """What remains without each ending, likeliest first; the term itself where it ends otherwise."""
    found = []
    for ending, instead in ENDINGS:
        found.append(tf.strings.regex_replace(terms, f"^(.{{{SHORTEST_STEM},}}){ending}$", rf"\1{instead}"))
        if not instead and ending in DOUBLING:
            stem = tf.strings.regex_replace(terms, f"^(.{{{SHORTEST_STEM + 1},}}){ending}$", r"\1")
            last, before = (tf.strings.substr(tf.strings.join(["  ", stem]), -place, 1) for place in (1, 2))
            doubled = (stem != terms) & (last == before) & (last != "s")
            found.append(tf.where(doubled, tf.strings.regex_replace(stem, ".$", ""), terms))
    return found


def _lookup(name: str, keys: list[str], values: list[int]) -> tf.lookup.StaticHashTable:
    initializer = tf.lookup.KeyValueTensorInitializer(tf.constant(keys), tf.constant(values, tf.int64))
    return tf.lookup.StaticHashTable(initializer, _MISSING, name=name)


def _plain_letters() -> list[tuple[int, str]]:
    """Each character that is more than a space between words, with its letters: 'e' for 'é', '' for a loose accent."""
    found = []
    for code in range(_LAST_LETTER):
        plain = unicodedata.normalize("NFKD", chr(code).lower().translate(PLAIN))
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
        plain = re.sub("[^a-z'-]", " ", plain)
        if plain.strip() or not plain:
            found.append((code, plain))
    return found
