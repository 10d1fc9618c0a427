"""Which pictures belong together, at which sizes they are compared, and the table."""

import pytest

from tests import command
from tests.materials import assert_one_sentence
from tf_style.config import ConfigError, EvaluateFiles
from tf_style.jobs.evaluating.pairs import Pair, find_pairs
from tf_style.jobs.evaluating.pictures import PictureReader
from tf_style.jobs.evaluating.table import COLUMNS, medians, table


def files(content="c.png", style="s.png", painting="p.png", **more):
    lists = {"content": content, "style": style, "painting": painting}
    return EvaluateFiles(**{name: tuple(text.split(",")) for name, text in lists.items()}, **more)


def test_lists_pair_up_by_position():
    assert find_pairs(files("a,b", "s,t", "p,q")) == [Pair("a", "s", "p"), Pair("b", "t", "q")]


def test_a_list_of_one_serves_for_all():
    assert find_pairs(files("a", "s,t", "p,q")) == [Pair("a", "s", "p"), Pair("a", "t", "q")]
    assert find_pairs(files("a,b", "s", "p,q")) == [Pair("a", "s", "p"), Pair("b", "s", "q")]
    assert find_pairs(files()) == [Pair("c.png", "s.png", "p.png")]


@pytest.mark.parametrize(
    ("lists", "parts"),
    [
        (("a,b", "s", "p,q,r"), ["2 pictures", "--content", "3 paintings"]),
        (("a", "s,t,u", "p,q"), ["3 pictures", "--style", "2 paintings"]),
        (("a,b", "s", "p"), ["2 pictures", "--content", "1 painting "]),
    ],
)
def test_lists_of_other_lengths_are_refused(lists, parts):
    with pytest.raises(ConfigError) as refusal:
        files(*lists)
    assert_one_sentence(refusal.value)
    for part in parts:
        assert part in str(refusal.value)


def csv_pairs(folder, text, encoding="utf-8"):
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return find_pairs(EvaluateFiles(pairs=str(path)))


def test_a_csv_file_names_pairs_from_its_folder(tmp_path):
    text = 'content,style,painting\na.png,s.png,out/p.png\n\n"b,c.png", t.png ,/else/q.png\n'
    wanted = [
        Pair(str(tmp_path / "a.png"), str(tmp_path / "s.png"), str(tmp_path / "out" / "p.png")),
        Pair(str(tmp_path / "b,c.png"), str(tmp_path / "t.png"), "/else/q.png"),
    ]
    assert csv_pairs(tmp_path, text) == wanted
    assert csv_pairs(tmp_path, text.replace("\n", "\r\n"), "utf-8-sig") == wanted, "as spreadsheets write it"


def test_columns_come_in_any_order_and_others_are_left_alone(tmp_path):
    (pair,) = csv_pairs(tmp_path, "method,painting,content,style\nours,p,c,s\n")
    assert pair == Pair(*(str(tmp_path / name) for name in "csp"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["content,style,painting", "''"]),
        ("a.png,s.png,p.png\n", ["content,style,painting", "'a.png,s.png,p.png'"]),
        ("content;style;painting\na;s;p\n", ["content,style,painting", "'content;style;painting'"]),
        ("content,style,painting,style\na,s,p,t\n", ["once"]),
        ("content,style,painting\n", ["no painting", "row"]),
        ("content,style,painting\na,s,p\na,s\n", ["Line 3", "2 values", "3 columns"]),
        ("content,style,painting\na,s,p,q\n", ["Line 2", "4 values"]),
        ("content,style,painting\na,,p\n", ["Line 2", "no style"]),
        ('content,style,painting\n"a,s,p\n', ["not a valid CSV file"]),
    ],
)
def test_other_csv_files_are_refused(tmp_path, text, parts):
    with pytest.raises(ConfigError) as refusal:
        csv_pairs(tmp_path, text)
    assert_one_sentence(refusal.value)
    for part in ["pairs.csv", *parts]:
        assert part in str(refusal.value)


def test_a_csv_file_that_is_no_text_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="UTF-8"):
        csv_pairs(tmp_path, "content,style,painting\nä,ö,ü\n", "latin-1")
    with pytest.raises(ConfigError, match="cannot be read"):
        find_pairs(EvaluateFiles(pairs=str(tmp_path)))


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_sizes(tmp_path):
    """Paintings to the long side, the content to the painting's exact size, styles reduced only."""
    painting = command.write_picture(tmp_path / "p.png", 45, 60)
    content = command.write_picture(tmp_path / "c.png", 151, 200)
    small, large = (command.write_picture(tmp_path / f"{side}.png", side, side + 8) for side in (40, 100))
    reader = PictureReader(96, 10**6)
    read = reader.read(Pair(str(content), str(small), str(painting)))
    assert (read.painting.size, read.content.size, read.style.size) == ((72, 96), (72, 96), (40, 48))
    assert read.note == ""
    again = reader.read(Pair(str(content), str(large), str(painting)))
    assert again.style.size == (89, 96)
    assert again.content is read.content, "read once for paintings of one size"
    other = reader.read(Pair(str(small), str(small), str(painting)))
    assert other.content.size == (72, 96)
    assert "aspect" in other.note
    assert_one_sentence(other.note)


# --- table ------------------------------------------------------------------------------------------------------------


def row(painting, *values):
    return {"painting": painting, **dict(zip(COLUMNS, values, strict=True))}


def test_the_table_is_aligned_and_ends_with_medians():
    rows = [row("a.png", 0.5, 10.25, 1.0), row("longer.png", 0.1, 0.2, 0.3), row("c.png", 0.3, 0.4, -0.1)]
    assert table(rows).splitlines() == [
        "painting    style distance  content distance  structural similarity",
        "a.png               0.5000           10.2500                 1.0000",
        "longer.png          0.1000            0.2000                 0.3000",
        "c.png               0.3000            0.4000                -0.1000",
        "median              0.3000            0.4000                 0.3000",
    ]
    assert "median" not in table(rows[:1])
    assert medians(rows[:2]) == pytest.approx(dict(zip(COLUMNS, (0.3, 5.225, 0.65), strict=True)))


def test_the_table_can_be_written_anywhere():
    assert "\\xe4\\u2014.png" in table([row("ä—.png", 0, 0, 0)], "ascii")
    assert "\\udcff.png" in table([row("\udcff.png", 0, 0, 0)])
    assert "a\\nb.png" in table([row("a\nb.png", 0, 0, 0)])
