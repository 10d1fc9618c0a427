"""A small style library in place of the package's own, and a stand-in for the table of words."""

import numpy as np
import pytest

from tests import command
from tf_style.words import library, naming

WORDS = ("stormy", "sea", "waves", "golden", "mosaic", "night", "stars", "swirling", "garden", "quiet", "portrait")
CAPTIONS = """file,title,artist,year,licence,caption
big_wave.webp,Big Wave,A. Painter,1831,public domain,stormy sea with waves | blue waves
gold.webp,Gold,B. Painter,1908,public domain,golden mosaic
night.webp,Night,C. Painter,1889,public domain,"night, swirling stars | stars"
garden.webp,Garden,D. Painter,1900,public domain,quiet garden
"""


def embed(sentences):
    """A direction for each known word."""
    rows = np.array(
        [[float(word in sentence.lower().replace(",", " ").split()) for word in WORDS] for sentence in sentences]
    )
    if not rows.any(1).all():
        raise ValueError("no known word")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the library."""
    place = tmp_path / "library"
    place.mkdir()
    for seed, name in enumerate(("big_wave", "gold", "night", "garden")):
        command.write_picture(place / f"{name}.webp", 40, 48, seed=seed)
    (place / "captions.csv").write_text(CAPTIONS, encoding="utf-8")
    monkeypatch.setattr(naming, "FOLDER", place)
    monkeypatch.setattr(library, "_own_embedder", embed)
    return place
