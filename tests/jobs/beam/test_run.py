"""A manifest as a Beam pipeline: the same pictures as without, once each, whatever is killed or tried again."""

import importlib.util
import json
import re
import signal
import time
from pathlib import Path

import pytest

from tests import command
from tests.materials import assert_one_sentence, assert_refused, colorful, picture
from tf_style import images
from tf_style.config import ConfigError, StylizeConfig, StylizeFiles
from tf_style.jobs.folder.manifest import read_manifest
from tf_style.networks.archive import write_network

NO_BEAM = "apache-beam is not installed; the extra `beam` brings it"
pytestmark = pytest.mark.skipif(importlib.util.find_spec("apache_beam") is None, reason=NO_BEAM)

FLAGS = [*command.SHORT, "--size=0", "--batch_size=2"]
OPTIONS = {flag.partition("=")[0].removeprefix("--"): flag.partition("=")[2] for flag in command.SHORT[:-1]}
OPTIONS["size"] = 0


@pytest.fixture
def folder(tmp_path):
    for name, size, seed in (("a", (48, 64), 1), ("b", (48, 64), 2), ("c", (40, 56), 3)):
        images.write_image(tmp_path / f"{name}.png", picture(*size, seed=seed)[0].numpy())
    images.write_image(tmp_path / "style.png", colorful(4, (48, 48))[0].numpy())
    (tmp_path / "broken.png").write_bytes(b"no picture")
    rows = ["content,style,num_steps", "a.png,style.png,", "b.png,style.png,", "c.png,style.png,4"]
    (tmp_path / "good.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "bad.csv").write_text("\n".join([*rows, "broken.png,style.png,"]) + "\n")
    return tmp_path


def rows_of(manifest, **files):
    return read_manifest(StylizeConfig().replace(**OPTIONS), StylizeFiles(manifest=manifest, output="out", **files))


def results(folder):
    """Of results.jsonl, a line about each row; batches leave nothing else."""
    assert not (folder / ".results").exists()
    lines = list(map(json.loads, (folder / "results.jsonl").read_text().splitlines()))
    assert len({row["name"] for row in lines}) == len(lines)
    return {row["name"]: row for row in lines}


def test_the_same_pictures_as_without(folder):
    outcome = command.run(["beam", "--manifest=bad.csv", "--output=beamed", *FLAGS], folder)
    assert outcome.status == 1, outcome.stderr  # of the broken one
    rows = results(folder / "beamed")
    assert sorted(rows) == ["1 a.png", "2 b.png", "3 c.png", "4 broken.png"]
    assert [name for name, row in rows.items() if row["error"]] == ["4 broken.png"]
    assert rows["4 broken.png"]["error"].startswith(f"'{folder}/broken.png' is not a picture")
    assert [line.partition(" ")[0] for line in outcome.stderr.splitlines()] == ["tf-style:"] * 2
    assert f"tf-style: {rows['4 broken.png']['error']}\n" in outcome.stderr
    assert f"3 of 4 pictures are in {folder}/beamed" in outcome.stderr
    plain = command.run(["stylize", "--manifest=good.csv", "--output=plain", "--quiet", *FLAGS], folder)
    assert plain.status == 0, plain.stderr
    for name in ("a", "b", "c"):
        assert (folder / "beamed" / f"{name}.png").read_bytes() == (folder / "plain" / f"{name}.png").read_bytes()


@pytest.mark.usefixtures("eagerly")
def test_again_does_nothing_twice(folder):
    line = ["beam", "--manifest=good.csv", "--output=out", *FLAGS]
    outcome = command.run(line, folder)
    assert outcome.status == 0
    assert re.fullmatch(r"All 3 pictures are in .*out; results.jsonl there has a line about each.\n", outcome.stderr)
    times = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.png")}
    assert len(times) == 3
    (folder / "out" / "b.png").unlink()
    (folder / "out" / ".results").mkdir()  # as after a kill
    assert command.run(line, folder).status == 0
    rows = results(folder / "out")
    assert {name: row["skipped"] for name, row in rows.items()} == {
        "1 a.png": True, "2 b.png": False, "3 c.png": True,
    }  # fmt: skip
    for path, before in times.items():
        assert path.stat().st_mtime_ns == before or path.name == "b.png"


@pytest.mark.usefixtures("eagerly")
def test_a_batch_that_is_tried_again(folder, monkeypatch):
    """A worker ends after the first picture; another one paints the second only, and a third does nothing."""
    from tf_style.jobs.beam.results import gather
    from tf_style.jobs.beam.worker import PaintRows, paint_rows

    monkeypatch.chdir(folder)
    batch = tuple(rows_of("good.csv")[:2])
    (first,) = paint_rows(batch[:1], "out")
    assert (first["size"], first["error"]) == ([48, 64], None)
    for _ in range(2):
        assert PaintRows("out").process(batch) == ()
        times = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.png")}
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("*.png")} == times
    assert [row["name"] for row in gather([batch], [], "out", "unknown")] == ["1 a.png", "2 b.png"]
    rows = results(folder / "out")
    assert [(row["size"], row["error"], row["skipped"]) for row in rows.values()] == [([48, 64], None, False)] * 2
    assert (rows["1 a.png"]["seconds"] is None, rows["2 b.png"]["seconds"] > 0) == (True, True)


@pytest.mark.usefixtures("eagerly")
def test_large_pictures_are_painted_in_tiles(folder, monkeypatch):
    """Each by itself, so that workers share them."""
    from tf_style.jobs.beam.run import make_batches
    from tf_style.jobs.beam.worker import paint_rows

    monkeypatch.chdir(folder)
    (folder / "large.csv").write_text("content,style,tile_size\na.png,style.png,32\nb.png,style.png,32\n")
    first, second = make_batches(rows_of("large.csv"), 2)
    assert len(first) == len(second) == 1
    (outcome,) = paint_rows(first, "out")
    assert (outcome["error"], outcome["size"]) == (None, [48, 64])
    assert [path.name for path in (folder / "out").iterdir()] == ["a.png"]


FULL = "cannot be written (No space left on device)"


@pytest.mark.parametrize("error", [images.WriteError(f"'b.png' {FULL}"), RuntimeError(f"half of it\n{FULL}")])
@pytest.mark.usefixtures("eagerly")
def test_any_error_is_a_failure_of_the_rows(folder, monkeypatch, error):
    """What was written before stays; nothing ends the pipeline."""
    from tf_style.jobs.beam.worker import paint_rows

    write = images.write_image

    def full(path, *arguments, **options):
        if path.name == "b.png":
            raise error
        write(path, *arguments, **options)

    monkeypatch.chdir(folder)
    monkeypatch.setattr(images, "write_image", full)
    (folder / "same.csv").write_text(
        "content,style,output\na.png,style.png,\nb.png,style.png,\na.png,style.png,c.png\n"
    )
    outcomes = paint_rows(rows_of("same.csv", batch_size=3), "out")
    assert [row["name"] for row in outcomes] == ["1 a.png", "2 b.png", "3 a.png"]
    assert outcomes[0]["error"] is None
    for row in outcomes[1:]:
        assert re.fullmatch(r"'[ab].png'.* cannot be written \(No space left on device\)+", row["error"])
    assert [path.name for path in (folder / "out").iterdir()] == ["a.png"]


def test_a_pipeline_that_breaks(folder, monkeypatch, capfd):
    """A worker that cannot even begin, or a runner that gives up: one sentence, and what is known of each row."""
    from tf_style.jobs.beam import pipeline
    from tf_style.jobs.beam import run as beam

    def broken(*_, **__):
        raise RuntimeError("Traceback (most recent call last):\n  File ...\nModuleNotFoundError: no 'tf_style'\n")

    monkeypatch.setattr(pipeline.beam, "Create", broken)
    monkeypatch.chdir(folder)
    files = StylizeFiles(manifest="good.csv", output="out")
    assert beam.run(StylizeConfig().replace(**OPTIONS), files, (), []) == 1
    first, second = capfd.readouterr().err.splitlines()
    assert "ended early (RuntimeError: ModuleNotFoundError: no 'tf_style'); repeat the command" in first
    assert second.startswith("tf-style: 0 of 3 pictures are in")
    assert all(row["error"].startswith(f"'{folder}/") for row in results(folder / "out").values())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--runer=FlinkRunner"], "Did you mean --runner?"),
        (["--direct_num_workers=2", "--parallelsm", "4"], "Did you mean --parallelism?"),
        (["FlinkRunner"], "no flag 'FlinkRunner'"),
        (["--direct_num_workers=two"], "invalid int value"),
        (["--runner=FlinkRuner"], "Beam cannot load --runner=FlinkRuner (Unexpected pipeline runner"),
        (["--runner=nowhere.Runner"], "Beam cannot load --runner=nowhere.Runner (No module named 'nowhere')"),
        ([], ""),
        (["--direct_num_workers=2"], ""),
        (["--runner=FlinkRunner", "--known_to_flink=1"], ""),
    ],
)
def test_flags_for_beam(flags, words, capfd):
    """Mistyped ones are refused where the pipeline would run here for want of a runner."""
    from tf_style.jobs.beam.options import LOCAL_RUNNER, load_runner, pipeline_options

    if not words:
        runner = pipeline_options(flags).get_all_options()["runner"]
        assert runner == ("FlinkRunner" if "--runner=FlinkRunner" in flags else LOCAL_RUNNER)
        return
    with pytest.raises(ConfigError) as caught:
        load_runner(pipeline_options(flags))
    assert words in str(caught.value)
    assert_one_sentence(caught.value)
    assert capfd.readouterr() == ("", "")


def test_workers_get_absolute_paths(folder, monkeypatch):
    """Their working folder is another one: the command's own paths, the list's, and those in a preset's file."""
    from tf_style.jobs.beam import run as beam

    given = []
    monkeypatch.chdir(folder)
    monkeypatch.setattr(beam, "run_pipeline", lambda batches, *_: given.extend(sum(batches, ())) or "")
    Path("own.cfg").write_text("--weights=w.h5\n")
    Path("w.h5").touch()
    write_network(Path("mine.npz"), {"kind": "many_styles"}, {})
    rows = ["content,color_from,network,preset,style", "sub/a,c.png,,own.cfg,", "b.png,,mine.npz,instant,great_wave",
            "c.png,,arbitrary,instant,"]  # fmt: skip
    Path("jobs.csv").write_text("\n".join(rows) + "\n")
    files = StylizeFiles(manifest="jobs.csv", output="out", style=("style.png", "great_wave"), color_from="d.png")
    beam.run(StylizeConfig(preserve_color="linear"), files, ("preserve_color",), [])
    first, second, third = sorted(given, key=lambda row: row.number)
    here = str(folder)
    assert (first.files.content, first.files.output) == (f"{here}/sub/a", f"{here}/out/a.png")
    assert (first.files.style, first.files.color_from) == ((f"{here}/style.png", "great_wave"), f"{here}/c.png")
    assert first.config.weights == f"{here}/w.h5"
    assert (second.files.style, second.files.color_from) == (("great_wave",), f"{here}/d.png")
    assert [row.config.network for row in (first, second, third)] == ["", f"{here}/mine.npz", "arbitrary"]
    for output, words in (("gs://bucket/out", "is a URL"), ("w.h5", "is a file")):
        with pytest.raises(ConfigError, match=f"--output={output} {words}"):
            beam.run(StylizeConfig(), StylizeFiles(manifest="jobs.csv", output=output), (), [])


@pytest.mark.slow
def test_ctrl_c(folder):
    """It ends soon, with a sentence, and the same command does what is left."""
    rows = ["content,style,output", *(f"a.png,style.png,c{index}.png" for index in range(16))]
    (folder / "long.csv").write_text("\n".join(rows) + "\n")
    line = ["beam", "--manifest=long.csv", "--output=stopped", *FLAGS, "--batch_size=1", "--num_steps=20"]
    process = command.fork(line, folder)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline and not list((folder / "stopped").glob("c*.png")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == 130, stderr
    assert stderr.count("\n") == 1
    assert re.search(r"Interrupted: \d+ of 16 pictures are in .*stopped; repeat the command to resume.", stderr), stderr
    done = {path.name: path.stat().st_mtime_ns for path in (folder / "stopped").glob("c*.png")}
    assert 0 < len(done) < 16
    assert command.run([*line, "--num_steps=1"], folder).status == 0
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "stopped").glob("c*.png")}
    assert len(after) == 16
    assert after.items() >= done.items()
    assert sum(row["skipped"] for row in results(folder / "stopped").values()) == len(done)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--manifest, --output must be given"),
        (["--manifest=nowhere.csv", "--output=out"], "cannot be read"),
        (["--manifest=good.csv", "--output=out", "--content=a.png"], "content"),
        (["--manifest=good.csv", "--output=out", "--", "--runer=FlinkRunner"], "Did you mean --runner?"),
    ],
)
def test_refusals(folder, flags, words):
    outcome = command.run(["beam", *flags], folder)
    assert_refused(outcome, words)
