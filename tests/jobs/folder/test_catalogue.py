"""Manifests: rows with their own styles, options and masks, in one process; bad lists, bad rows, going on."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests import command
from tests.materials import QUICK, assert_refused, colorful, picture
from tf_style import images
from tf_style.build import Guides
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.folder import catalogue
from tf_style.jobs.folder.manifest import Row, read_manifest
from tf_style.jobs.run.models import Models

BASE = ["stylize", "--output=out", "--quiet", *command.SHORT, "--size=0"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("catalogue")
    (place / "in").mkdir()
    for name, size, seed in (("a", (48, 64), 1), ("b", (48, 64), 2), ("c", (40, 56), 3)):
        images.write_image(place / "in" / f"{name}.png", picture(*size, seed=seed)[0].numpy())
    for name, seed in (("one", 4), ("two", 5)):
        images.write_image(place / "in" / f"{name}.png", colorful(seed, (48, 48))[0].numpy())
    mask = np.zeros((48, 64, 3), np.float32)
    mask[:, 32:] = 1.0
    images.write_image(place / "in" / "right.png", mask)
    images.write_image(place / "in" / "left.png", 1.0 - mask)
    images.write_image(place / "in" / "large.png", picture(200, 200, seed=6)[0].numpy())
    (place / "in" / "broken.png").write_bytes(b"no picture")
    rows = [
        "content,style,output,num_steps,content_mask,style_masks,preset",
        "in/a.png,in/one.png,,,,,",
        "in/b.png,in/one.png,,,,,",
        "in/c.png,in/one.png,more/c2,5,,,",
        "in/a.png,in/two.png,masked.png,,in/right.png,,",
        "in/a.png,in/one.png|in/two.png,regions.jpg,,,in/left.png|in/right.png,",
        "in/broken.png,in/one.png,,,,,",
        "in/a.png,in/broken.png,bad_style,,,,",
        "in/c.png,in/one.png,masked_badly.png,,in/right.png,,",
        "in/large.png,in/one.png,,,,,",
    ]
    (place / "jobs.csv").write_text("\n".join(rows) + "\n")
    lines = [
        {"content": "in/a.png", "style": ["in/one.png"], "output": "json_a.png"},
        {"content": "in/b.png", "preset": "instant", "style_strength": 0.5, "output": "instant_b.png"},
        {"content": "in/c.png", "style": "great_wave", "network": "many_styles", "output": "named.png"},
    ]
    (place / "jobs.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    return place


#: What rows of jobs.csv are by themselves: output -> content and flags.
SINGLES = {
    "a.png": ("a", ["--style=in/one.png"]),
    "more/c2.png": ("c", ["--style=in/one.png", "--num_steps=5"]),
    "masked.png": ("a", ["--style=in/two.png", "--content_mask=in/right.png"]),
    "large.png": ("large", ["--style=in/one.png", "--tile_size=150"]),
}


def single(content, number):
    """A command for one picture."""
    return ["stylize", f"--content=in/{content}.png", f"--output=single_{number}.png", *BASE[2:]]


@pytest.fixture(scope="module")
def outcomes(folder):
    lines = {
        "csv": [*BASE, "--manifest=jobs.csv", "--json=csv.json", "--tile_size=150"],
        "jsonl": ["stylize", "--output=out", "--quiet", "--size=0", "--manifest=jobs.jsonl", "--style=in/two.png",
                  "--num_steps=3", "--first_steps=0", "--min_size=0", "--backbone=compact_vgg19",
                  "--json=jsonl.json"],
        **{name: [*single(content, number), *more] for number, (name, (content, more)) in enumerate(SINGLES.items())},
        "again": [*BASE, "--manifest=jobs.csv", "--skip_existing", "--json=again.json", "--tile_size=150"],
    }  # fmt: skip
    with command.eagerly():
        return command.run_lines(lines, folder)


def test_each_row_is_painted_with_its_own_options(outcomes, folder):
    record = json.loads((folder / "csv.json").read_text())
    rows = {row["name"].split()[0]: row for row in record["pictures"]}
    assert len(rows) == 9
    assert [number for number, row in sorted(rows.items()) if row["error"]] == ["6", "7", "8"]
    for name in ("a.png", "b.png", "more/c2.png", "masked.png", "regions.jpg", "large.png"):
        assert (folder / "out" / name).is_file()
    for number, name in enumerate(SINGLES):
        assert outcomes[name].status == 0, outcomes[name].stderr
        found, alone = (images.read_image(folder / path).pixels for path in (f"out/{name}", f"single_{number}.png"))
        assert np.abs(found - alone).max() < 4 / 255, name
    original, masked = (
        images.to_uint8(images.read_image(folder / name).pixels) for name in ("in/a.png", "out/masked.png")
    )
    np.testing.assert_array_equal(masked[:, :32], original[:, :32])


def test_failures_are_said_and_counted(outcomes):
    outcome = outcomes["csv"]
    assert outcome.status == 1
    lines = outcome.stderr.splitlines()
    assert lines[-1] == "tf-style: 3 of 9 pictures failed."
    assert sum("broken.png" in line for line in lines) == 2
    assert any("aspect" in line for line in lines)
    assert "Traceback" not in outcome.stderr


def test_json_lines_presets_and_names(outcomes, folder):
    assert outcomes["jsonl"].status == 0, outcomes["jsonl"].stderr
    record = json.loads((folder / "jsonl.json").read_text())
    assert [row["error"] for row in record["pictures"]] == [None] * 3
    for name in ("json_a", "instant_b", "named"):
        assert (folder / "out" / f"{name}.png").is_file()


def test_going_on(outcomes, folder):
    record = json.loads((folder / "again.json").read_text())
    assert len(record["skipped"]) == 6
    assert len(record["pictures"]) == 3


def test_the_report_is_in_the_rows_order(tmp_path, monkeypatch):
    """Row 10 comes after row 2; and rows are known by their numbers, not compared with all others."""
    rows = ["content,style,output", *(f"no.png,no.png,p{number}.png" for number in range(1, 13))]
    (tmp_path / "jobs.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "out").mkdir()
    for number in (3, 11):
        (tmp_path / "out" / f"p{number}.png").write_text("there")
    files = StylizeFiles(manifest=str(tmp_path / "jobs.csv"), output=str(tmp_path / "out"),
                         json=str(tmp_path / "run.json"), skip_existing=True, quiet=True)  # fmt: skip
    monkeypatch.setattr(Row, "__eq__", None)
    assert catalogue.run(StylizeConfig(backbone="compact_vgg19"), files, "fine") == 1
    record = json.loads((tmp_path / "run.json").read_text())
    assert [int(row["name"].split()[0]) for row in record["pictures"]] == [1, 2, *range(4, 11), 12]
    assert record["skipped"] == ["3 no.png", "11 no.png"]


def test_models_are_shared():
    """What differs only outside the compiled step shares it; a change of the objective does not."""
    models, config = Models(), StylizeConfig(**QUICK)
    first = models.stylizer(config, Guides())
    assert models.stylizer(config.replace(size=64), Guides()) is first
    other = models.stylizer(config.replace(seed=3, num_steps=5, init="noise", preserve_color="linear"), Guides())
    assert other is not first
    assert other.optimization is first.optimization
    assert other.num_steps == 5
    heavier = models.stylizer(config.replace(style_weight=3), Guides())
    assert heavier.optimization is not first.optimization
    assert heavier.optimization.backbone is first.optimization.backbone
    for size, batch in (((32, 40), 1), ((48, 36), 1), ((32, 40), 1)):
        for stylizer in (first, other):
            stylizer(picture(*size, seed=1, batch=batch), [picture(32, 32, seed=2)])
    assert first.optimization.num_traces == 1


BAD = {
    "no file": (None, "jobs.csv", "cannot be read"),
    "suffix": ("content\n", "jobs.txt", ".csv or .jsonl"),
    "empty": ("", "jobs.csv", "must begin with a line of comma-separated column names"),
    "no rows": ("content,style\n", "jobs.csv", "has no rows"),
    "no header": ("a.png,b.png\n", "jobs.csv", "column names"),
    "unknown column": ("content,style,contnet_mask\na.png,b.png,c.png\n", "jobs.csv", "Did you mean 'content_mask'?"),
    "values": ("content,style\na.png\n", "jobs.csv", "Row 1"),
    "option": ("content,style,num_steps\na.png,b.png,many\n", "jobs.csv", "num_steps must be a whole number"),
    "no style": ("content,size\na.png,64\n", "jobs.csv", "the style is missing"),
    "no content": ("content,style\n,b.png\n", "jobs.csv", "the content is missing"),
    "twice": ("content,style\na.png,b.png\nx/a.png,b.png\n", "jobs.csv", "the same output as row 1"),
    "outside": ("content,style,output\na.png,b.png,../c.png\n", "jobs.csv", "must lie in the --output folder"),
    "format": ("content,style,output\na.png,b.png,c.xyz\n", "jobs.csv", "suffix"),
    "json": ("[1]\n", "jobs.jsonl", "not a JSON object"),
    "cut json": ('{"content": "a.png"\n', "jobs.jsonl", "not a JSON object"),
    "latin": (b"content,style\n\xe9.png,b.png\n", "jobs.csv", "not UTF-8"),
    "network": ("content,style,network,num_steps\na.png,b.png,arbitrary,3\n", "jobs.csv", "num_steps is for"),
    "layer": ("content,style,content_layers\na.png,b.png,blok\n", "jobs.csv", "no layer 'blok'"),
    "quote": ('content,style\na.png,s.png\nb.png,"s.png\nc.png,s.png\n', "jobs.csv", "Row 2"),
    "quote astray": ('content,style\na.png,s.png\nb.png,"s"t.png\nc.png,s.png\n', "jobs.csv", "Row 2"),
    "two quotes": ('content,style\na.png,s.png\nb.png,"s.png\nc.png,s.png"\n', "jobs.csv", "spans several lines"),
    "quote in the header": ('content,"style\na.png,s.png\n', "jobs.csv", "The first line"),
    "endless value": ('content,style\na.png,"' + 140_000 * "b" + '"\n', "jobs.csv", "is not valid CSV"),
    "column twice": ("content,style, style\na.png,s.png,t.png\n", "jobs.csv", "the column 'style' twice"),
    "name twice": ('{"content": "a.png", "style": "s.png", "style": "t.png"}\n', "jobs.jsonl", "Row 1"),
    "keep weight": ("content,style,keep_weight\na.png,b.png,3\n", "jobs.csv", "give keep_mask as well"),
    "mask count": ("content,style,style_masks\na.png,b.png,c.png|d.png\n", "jobs.csv", "2 masks for"),
    "shares": ('content,style,style_blend\na.png,b.png,"0.5,0.5"\n', "jobs.csv", "style_blend has 2 shares"),
    "preset": ("content,style,preset\na.png,b.png,fin\n", "jobs.csv", "Did you mean 'fine'?"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_manifests(name, tmp_path):
    text, file, words = BAD[name]
    path = tmp_path / file
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        read_manifest(StylizeConfig(), StylizeFiles(manifest=str(path), output=str(tmp_path / "out")))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_are_relative_to_the_list(tmp_path, monkeypatch):
    """Whatever their names end in, and whatever lies in the working folder; names of styles and the like stay."""
    lists = tmp_path / "lists"
    (lists / "nets").mkdir(parents=True)
    for name in ("art", "mine.npz", "own.cfg", "nets/network.npz", "arbitrary", "fine", "w.h5"):
        (lists / name).write_text("--num_steps=7\n--preserve_color=linear\n")
    (lists / "great_wave").mkdir()
    monkeypatch.chdir(tmp_path)
    (lists / "jobs.csv").write_text(
        "content,style,color_from,content_mask,weights,network,preset,output\n"
        "photos/img001,art,colors,mask,w.h5,,own.cfg,\n"
        "/abs/a,great_wave|odd/wave|x.png,,,,nets,fine,b.png\n"
        "c.png,/abs/style,,,,mine.npz,,\n"
        "d.png,one,,,,arbitrary,,\n"
        "e.png,one,,,,elsewhere/net,,\n"
    )
    rows = read_manifest(StylizeConfig(), StylizeFiles(manifest="lists/jobs.csv", output="out"))
    first, second, *_ = (row.files for row in rows)
    assert (first.content, first.style, first.color_from) == ("lists/photos/img001", ("lists/art",), "lists/colors")
    assert (first.content_mask, first.output) == ("lists/mask", "out/img001.png")
    assert (rows[0].config.weights, rows[0].config.num_steps) == ("lists/w.h5", 7)
    assert (second.content, second.style) == ("/abs/a", ("great_wave", "lists/odd/wave", "lists/x.png"))
    assert rows[2].files.style == ("/abs/style",)
    networks = [row.config.network for row in rows]
    assert networks == ["", "lists/nets", "lists/mine.npz", "arbitrary", "lists/elsewhere/net"]


def test_items_of_options_may_be_separated_as_files_are(tmp_path):
    (tmp_path / "jobs.csv").write_text(
        "content,style,style_blend,palette\na.png,s.png|t.png,0.7|0.3,#264653|#e9c46a\nb.png,s.png|t.png,"
        '"0.7,0.3","#264653,#e9c46a"\n'
    )
    files = StylizeFiles(manifest=str(tmp_path / "jobs.csv"), output=str(tmp_path / "out"))
    first, second = (row.config for row in read_manifest(StylizeConfig(), files))
    assert first == second
    assert first.style_blend == (0.7, 0.3)


def test_names_that_look_like_lines(tmp_path):
    """U+2028 and U+0085, which JSON need not escape, end no line; nor do empty columns come twice."""
    path = tmp_path / "jobs.jsonl"
    path.write_text('{"content": "a\u2028\x85b.png", "style": "s.png"}\r\n\n{"content": "c.png", "style": "s.png"}')
    files = StylizeFiles(manifest=str(path), output=str(tmp_path / "out"))
    assert [Path(row.files.content).name for row in read_manifest(StylizeConfig(), files)] == [
        "a\u2028\x85b.png",
        "c.png",
    ]
    path = tmp_path / "jobs.csv"
    path.write_text('content,style,,\r\n"a,1.png","s.png",,\r\n')
    (row,) = read_manifest(StylizeConfig(), StylizeFiles(manifest=str(path), output=str(tmp_path / "out")))
    assert Path(row.files.content).name == "a,1.png"


@pytest.mark.parametrize(
    ("row", "words"),
    [("a.png,b.png,a.png", "a picture of row 1"), ("c.png,b.png,b.png", "a picture of row 1"),
     ("a.png,b.png,jobs.csv.png", "")],
)  # fmt: skip
def test_no_input_is_painted_over(tmp_path, row, words):
    (tmp_path / "jobs.csv").write_text(f"content,style,output\n{row}\n")
    files = StylizeFiles(manifest=str(tmp_path / "jobs.csv"), output=str(tmp_path), json=str(tmp_path / "run.json"))
    if not words:
        assert len(read_manifest(StylizeConfig(), files)) == 1
        return
    with pytest.raises(ConfigError, match=words):
        read_manifest(StylizeConfig(), files)


def test_the_record_is_no_input(tmp_path):
    (tmp_path / "jobs.csv").write_text("content,style\na.png,b.png\n")
    files = StylizeFiles(
        manifest=str(tmp_path / "jobs.csv"), output=str(tmp_path / "out"), json=str(tmp_path / "a.png")
    )
    with pytest.raises(ConfigError, match="--json"):
        read_manifest(StylizeConfig(), files)


def test_the_commands_feather_is_for_rows_with_masks(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("content,style,content_mask\na.png,b.png,\nc.png,b.png,m.png\n")
    files = StylizeFiles(manifest=str(path), output=str(tmp_path / "out"), feather=0.3)
    rows = read_manifest(StylizeConfig(), files)
    assert [row.files.feather for row in rows] == [StylizeFiles.feather, 0.3]


def test_what_a_manifest_leaves_no_room_for(folder):
    outcome = command.run([*BASE, "--manifest=jobs.csv", "--content=in/a.png"], folder)
    assert_refused(outcome, "--content is for single pictures")


@pytest.mark.slow
def test_killed_half_way(folder):
    """Nothing is lost, nothing is done twice, no half-written file is left."""
    rows = ["content,style,output", *(f"in/a.png,in/one.png,p{index}.png" for index in range(8))]
    (folder / "many.csv").write_text("\n".join(rows) + "\n")
    line = [
        "stylize", "--manifest=many.csv", "--output=killed", "--quiet", *command.SHORT, "--size=0", "--num_steps=40",
        "--batch_size=1", "--skip_existing",
    ]  # fmt: skip
    process = command.fork(line, folder)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline and not (folder / "killed" / "p2.png").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=200)
    done = {path.name: path.stat().st_mtime_ns for path in (folder / "killed").glob("p*.png")}
    assert 2 <= len(done) < 8
    for name in done:
        images.read_image(folder / "killed" / name)
    assert command.run(line, folder).status == 0
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "killed").iterdir()}
    assert len(after) == 8
    assert {name: after[name] for name in done} == done
