"""Style libraries: what they read, what they find, and how well the package's own finds what people ask for."""

import numpy as np
import pytest

from benchmarks import words
from tests.words.conftest import embed
from tf_style.words import naming
from tf_style.words.choice import choose
from tf_style.words.library import StyleLibrary
from tf_style.words.naming import LibraryError, picture_file


def test_finds_the_nearest_and_shares_add_up(folder):
    found = StyleLibrary.open().search("swirling stars at night")
    assert found[0].style == "night" and found[0].path == folder / "night.webp"
    assert found[0].title == "Night" and found[0].artist == "C. Painter" and found[0].caption.startswith("night")
    assert found[0].similarity == pytest.approx(0.75 + 0.25 / np.sqrt(3))  # "night, swirling stars", then "stars"
    np.testing.assert_allclose(sum(one.share for one in found), 1)
    similarities = np.array([one.similarity for one in found])
    expected = np.exp(similarities / 0.05)
    np.testing.assert_allclose([one.share for one in found], expected / expected.sum())
    assert len(StyleLibrary.open().search("sea", 2)) == 2
    assert len(StyleLibrary.open().search("sea", 9)) == 4


def test_titles_count_too(folder):
    assert StyleLibrary.open().search("garden")[0].style == "garden"


def test_a_folder_without_a_list_has_titles_from_its_files(folder):
    (folder / "captions.csv").unlink()
    (folder / "IMG_1.webp").write_bytes((folder / "gold.webp").read_bytes())
    (folder / "golden_mosaic.webp").write_bytes((folder / "gold.webp").read_bytes())
    library = StyleLibrary.open(folder, embed)
    assert {"big wave", "golden mosaic", "IMG 1"} <= {entry.title for entry in library.entries}
    assert library.search("mosaic")[0].style == "golden_mosaic"


def test_pictures_that_no_word_describes_are_not_near(folder):
    (folder / "captions.csv").write_text("file,caption\ngold.webp,\n", encoding="utf-8")
    library = StyleLibrary.open(folder, lambda sentences: embed([text.replace("night", "x") for text in sentences]))
    assert [one.similarity for one in library.search("mosaic")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,title\n", "include caption|include file and caption"),
        ("file,caption\nlost.webp,sea\n", "line 2: there is no picture 'lost.webp'"),
        ("file,caption\ngold.webp,sea,waves\n", "too many values"),
        (b"file,caption\ngold.webp,\xff\n", "UTF-8"),
    ],
)
def test_says_what_is_wrong_with_a_list(folder, text, said):
    (folder / "captions.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(LibraryError, match=said):
        StyleLibrary.open(folder, embed)


def test_says_what_is_wrong_with_a_folder(tmp_path):
    with pytest.raises(LibraryError, match="not a folder"):
        StyleLibrary.open(tmp_path / "none", embed)
    with pytest.raises(LibraryError, match="holds no picture"):
        StyleLibrary.open(tmp_path, embed)


def test_empty_words_are_refused(folder):
    with pytest.raises(LibraryError, match="No words"):
        StyleLibrary.open().search("  ")


def test_names_stand_for_files(folder):
    assert picture_file("library:big_wave") == str(folder / "big_wave.webp")
    assert picture_file("library:Big Wave") == str(folder / "big_wave.webp")
    assert picture_file("big_wave") == "big_wave"
    with pytest.raises(LibraryError, match=r"no picture 'library:wave'.*Near names: big_wave"):
        picture_file("library:wave")
    with pytest.raises(LibraryError, match=r"Near names: garden"):
        picture_file("library:gardne")


def test_words_that_nothing_is_near_name_the_nearest(folder):
    library = StyleLibrary.open()
    with pytest.raises(
        LibraryError, match=r"No picture .* near 'portrait'; the nearest are Big Wave \(0\.00\), Garden"
    ):
        choose("portrait", library)
    assert len(choose("portrait", library, far=True).styles) == 3  # none is nearer than another


def test_a_word_that_only_sets_an_option_may_stand_alone(folder):
    with pytest.raises(ValueError, match="no known word"):
        choose("subtle", StyleLibrary.open())


def test_own_folders_are_named_by_their_files(folder, monkeypatch):
    choice = choose("golden mosaic, muted", StyleLibrary.open())
    assert choice.styles[0] == "library:gold"
    assert list(choice.options) == ["style_blend", "saturation"]
    monkeypatch.setattr(naming, "FOLDER", folder.parent)
    assert choice.styles[0] == str(folder / "gold.webp")


@pytest.fixture(scope="module")
def library():
    """The package's own."""
    return StyleLibrary.open()


def test_finds_what_people_ask_for(library):
    """Bar T1: the questions were written by someone who had not seen the captions."""
    found = words.answers(library)
    right = [[style in answer.right for style in answer.found] for answer in found]
    assert len(found) == 40
    assert np.mean([hits[0] for hits in right]) >= 0.65
    assert np.mean([any(hits) for hits in right]) >= 0.85
    agree = words.agreements(found)
    assert len(agree) >= 8 and sum(agree) >= 6


def test_every_picture_of_the_package_is_described(library):
    for entry in library.entries:
        assert len(entry.captions) >= 2 and entry.artist and entry.licence, entry.style


def test_names_find_their_painters(library):
    """Bar T2: a name finds the painter's paintings, even if the library does not say who painted them."""
    everything, descriptions, one_nameless = words.name_ranks(library.entries).values()
    assert np.mean(everything) <= 0.02
    assert np.mean(descriptions) <= 0.25
    assert len(one_nameless) == 41 and np.mean(one_nameless) <= 0.25


def test_the_record_tells_all(tmp_path, library):
    words.main([f"--output={tmp_path / 'WORDS.md'}"])
    text = (tmp_path / "WORDS.md").read_text()
    assert text.count("| T1") == 3 and text.count("| T2") == 3
