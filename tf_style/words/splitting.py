"""From a sentence to the terms of a table: lower case, no accents, terms of several words, endings taken off."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

_SAYS_NOTHING = """
    a about above after again all along also am among an and any are around as at be because been before behind
    being below beneath beside between both but by can could did do does doing down during each else etc ever every
    for from had has have having he her here hers him his how i if in inside into is it its itself just like made
    make makes me more most much my near no nor not of off on onto or other others our out over own per picture
    pictures quite rather same shall she should so some something style such than that the their them then there
    these they this those through to too toward towards under until up upon us very was we were what when where
    which while who whom whose why will with within without would you your
"""
#: Words that say nothing about a picture; they are never looked up.
STOP_WORDS = frozenset(_SAYS_NOTHING.split())
LONGEST_TERM = 3  # words

# Endings, and what takes their place; tried in this order where a word is not in the table as it stands.
ENDINGS = (
    ("iness", "y"), ("iest", "y"), ("ness", ""), ("like", ""), ("ies", "y"), ("ied", "y"), ("ier", "y"), ("ily", "y"),
    ("s", ""), ("es", ""), ("ing", "e"), ("ing", ""), ("ed", "e"), ("ed", ""), ("er", "e"), ("er", ""), ("est", "e"),
    ("est", ""), ("ish", ""), ("ish", "e"), ("ly", ""), ("y", ""), ("y", "e"),
)  # fmt: skip
DOUBLING = ("ing", "ed", "er", "est", "ish", "y")  # "dotted": "dot"
SHORTEST_STEM = 3  # letters
PLAIN = str.maketrans({"\u2019": "'", "\u2010": "-", "œ": "oe", "æ": "ae", "ø": "o", "ß": "ss"})
_WORD = re.compile(r"[a-z]+(?:[-'][a-z]+)*")


def words_of(text: str) -> list[list[str]]:
    """The words of a text in the spelling of the table: `[["ukiyoe", "ukiyo", "e"], ["prints"]]` of "Ukiyo-e prints".

    A word with a hyphen comes first as one word, then in its parts, for the reader to choose.
    """
    plain = unicodedata.normalize("NFKD", text.lower().translate(PLAIN))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    found = []
    for word in _WORD.findall(plain):
        word = word.removesuffix("'s")
        parts = word.replace("'", "").split("-")
        found.append(["".join(parts), *parts] if len(parts) > 1 else parts)
    return found


def term_of(text: str) -> str:
    """How a table spells a term: "trompeloeil" for "Trompe-l'œil", "van gogh" for "Van Gogh"."""
    return " ".join(word[0] for word in words_of(text))


def terms(sentence: str, known: Collection[str]) -> list[str]:
    """The terms of a sentence that are in `known`, in their order; the longest is taken, from the left."""
    words = [part for whole, *parts in words_of(sentence) for part in ([whole] if whole in known else parts or [whole])]
    found, start = [], 0
    while start < len(words):
        for count in range(min(LONGEST_TERM, len(words) - start), 0, -1):
            match = _match(words[start : start + count], known)
            if match is not None:
                found.append(match)
                break
        start += count
    return found


def _match(words: list[str], known: Collection[str]) -> str | None:
    """Words as one term of the table, apart or together ("ukiyo e"), or what is left of them without an ending."""
    if len(words) == 1 and words[0] in STOP_WORDS:
        return None
    spellings = [" ".join(words)] if STOP_WORDS.intersection(words) else [" ".join(words), "".join(words)]
    return next((form for term in spellings for form in forms(term) if form in known), None)


def forms(term: str) -> Iterator[str]:
    """A term, then its stems, likeliest first: "dotted" gives "dotted", "dotte", "dott", "dot"."""
    yield term
    for ending, instead in ENDINGS:
        stem = term.removesuffix(ending)
        if stem != term and len(stem) >= SHORTEST_STEM:
            yield stem + instead
            if not instead and ending in DOUBLING and len(stem) > SHORTEST_STEM and stem[-1] == stem[-2] != "s":
                yield stem[:-1]
