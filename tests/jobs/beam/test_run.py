"""A manifest as a Beam pipeline: the same pictures as without, once each, whatever is killed or tried again."""

import importlib.util
import json
import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import command
from tests.materials import assert_refused, colorful, picture
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


def results(folder):
    lines = [line for path in folder.glob("results*.jsonl") for line in path.read_text().splitlines()]
    return {row["name"]: row for row in map(json.loads, lines)}


def test_the_same_pictures_as_without(folder):
    outcome = command.run(["beam", "--manifest=bad.csv", "--output=beamed", *FLAGS], folder)
    assert outcome.status == 1, outcome.stderr  # of the broken one
    rows = results(folder / "beamed")
    assert sorted(rows) == ["1 a.png", "2 b.png", "3 c.png", "4 broken.png"]
    assert [name for name, row in rows.items() if row["error"]] == ["4 broken.png"]
    assert "broken.png" in rows["4 broken.png"]["error"]
    plain = command.run(["stylize", "--manifest=good.csv", "--output=plain", "--quiet", *FLAGS], folder)
    assert plain.status == 0, plain.stderr
    for name in ("a", "b", "c"):
        assert (folder / "beamed" / f"{name}.png").read_bytes() == (folder / "plain" / f"{name}.png").read_bytes()


def test_again_does_nothing_twice(folder):
    line = ["beam", "--manifest=good.csv", "--output=out", *FLAGS]
    outcome = command.run(line, folder)
    assert outcome.status == 0
    assert re.fullmatch(r"All 3 pictures are in .*out; results-\*.jsonl has a line about each.\n", outcome.stderr)
    times = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("*.png")}
    assert len(times) == 3
    (folder / "out" / "b.png").unlink()
    assert command.run(line, folder).status == 0
    rows = results(folder / "out")
    assert {name: row["skipped"] for name, row in rows.items()} == {
        "1 a.png": True, "2 b.png": False, "3 c.png": True,
    }  # fmt: skip
    for path, before in times.items():
        assert path.stat().st_mtime_ns == before or path.name == "b.png"


def test_a_bundle_that_is_tried_again(folder, monkeypatch):
    """A worker ends after the first picture; the same element on another worker paints the second only."""
    from tf_style.jobs.beam.run import PaintRows

    monkeypatch.chdir(folder)
    files = StylizeFiles(manifest="good.csv", output="out")
    rows = read_manifest(StylizeConfig().replace(**OPTIONS), files)[:2]
    worker = PaintRows(files)
    worker.setup()
    first = list(worker.process(("bucket", rows[:1])))
    assert [row["skipped"] for row in first] == [False]
    another = PaintRows(files)
    another.setup()
    outcomes = {row["name"]: row["skipped"] for row in another.process(("bucket", rows))}
    assert outcomes == {"1 a.png": True, "2 b.png": False}
    assert (folder / "out" / "b.png").is_file()


def test_large_pictures_are_painted_in_tiles(folder, monkeypatch):
    """Each by itself, so that workers share them."""
    from tf_style.jobs.beam.run import PaintRows, _bucket

    monkeypatch.chdir(folder)
    (folder / "large.csv").write_text("content,style,tile_size\na.png,style.png,32\nb.png,style.png,32\n")
    files = StylizeFiles(manifest="large.csv", output="out")
    rows = read_manifest(StylizeConfig().replace(**OPTIONS), files)
    assert _bucket(rows[0]) != _bucket(rows[1])
    worker = PaintRows(files)
    worker.setup()
    (outcome,) = worker.process((_bucket(rows[0]), rows[:1]))
    assert (outcome["error"], outcome["size"]) == (None, [48, 64])
    assert [path.name for path in (folder / "out").iterdir()] == ["a.png"]


def test_a_full_disk_is_the_failure_of_the_rows(folder, monkeypatch):
    """What was written before stays; nothing ends the pipeline."""
    from tf_style.jobs.beam.run import PaintRows

    write = images.write_image

    def full(path, *arguments, **options):
        if path.name == "b.png":
            raise images.WriteError(f"'{path}' cannot be written (No space left on device)")
        write(path, *arguments, **options)

    monkeypatch.chdir(folder)
    monkeypatch.setattr(images, "write_image", full)
    (folder / "same.csv").write_text(
        "content,style,output\na.png,style.png,\nb.png,style.png,\na.png,style.png,c.png\n"
    )
    files = StylizeFiles(manifest="same.csv", output="out", batch_size=3)
    worker = PaintRows(files)
    worker.setup()
    outcomes = list(worker.process(("bucket", read_manifest(StylizeConfig().replace(**OPTIONS), files))))
    assert [row["name"] for row in outcomes] == ["1 a.png", "2 b.png", "3 a.png"]
    assert outcomes[0]["error"] is None
    for row in outcomes[1:]:
        assert "No space left on device" in row["error"]
    assert [path.name for path in (folder / "out").iterdir()] == ["a.png"]


def counted(rows=None, failures=None, error=None):
    """What a pipeline returns, with some counters or none."""
    counters = [
        SimpleNamespace(key=SimpleNamespace(metric=SimpleNamespace(name=name)), result=count)
        for name, count in (("rows", rows), ("failures", failures)) if count is not None
    ]  # fmt: skip
    metrics = SimpleNamespace(query=lambda what: {"counters": counters})

    def answer():
        if error is not None:
            raise error
        return metrics

    return SimpleNamespace(metrics=answer)


@pytest.mark.parametrize(
    ("result", "status", "known"),
    [
        (counted(rows=3), 0, True),
        (counted(rows=3, failures=1), 1, True),
        (counted(), 1, False),
        (counted(rows=1), 1, False),
        (counted(error=NotImplementedError()), 1, False),
        (SimpleNamespace(metrics=lambda: None), 1, False),
    ],
)
def test_what_is_not_counted_is_no_success(result, status, known, capfd):
    from tf_style.jobs.beam.run import _status

    assert _status(result, 3, "out") == status
    stderr = capfd.readouterr().err
    assert stderr == "" if known else "look for errors in out/results-*.jsonl.\n" in stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--runer=FlinkRunner"], "Did you mean --runner?"),
        (["--direct_num_workers=2", "--parallelsm", "4"], "Did you mean --parallelism?"),
        (["FlinkRunner"], "no flag 'FlinkRunner'"),
        (["--direct_num_workers=two"], "invalid int value"),
        ([], ""),
        (["--direct_num_workers=2"], ""),
        (["--runner=FlinkRunner", "--known_to_flink=1"], ""),
    ],
)
def test_flags_for_beam(flags, words, capfd):
    """Mistyped ones are refused where the pipeline would run here for want of a runner."""
    from tf_style.jobs.beam.options import LOCAL_RUNNER, pipeline_options

    if not words:
        runner = pipeline_options(flags).get_all_options()["runner"]
        assert runner == ("FlinkRunner" if "--runner=FlinkRunner" in flags else LOCAL_RUNNER)
        return
    with pytest.raises(ConfigError) as caught:
        pipeline_options(flags)
    assert words in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_workers_get_absolute_paths(folder, monkeypatch):
    """Their working folder is another one: the command's own paths, the list's, and those in a preset's file."""
    from tf_style.jobs.beam import run as beam

    given = []
    monkeypatch.chdir(folder)
    monkeypatch.setattr(beam.beam, "Create", lambda elements: given.extend(elements) or beam.beam.transforms.Create([]))
    Path("own.cfg").write_text("--weights=w.h5\n")
    Path("w.h5").touch()
    write_network(Path("mine.npz"), {"kind": "many_styles"}, {})
    rows = ["content,color_from,network,preset,style", "sub/a,c.png,,own.cfg,", "b.png,,mine.npz,instant,great_wave",
            "c.png,,arbitrary,instant,"]  # fmt: skip
    Path("jobs.csv").write_text("\n".join(rows) + "\n")
    files = StylizeFiles(manifest="jobs.csv", output="out", style=("style.png", "great_wave"), color_from="d.png")
    beam.run(StylizeConfig(preserve_color="linear"), files, ("preserve_color",), [])
    first, second, third = (row for _, row in given)
    here = str(folder)
    assert (first.files.content, first.files.output) == (f"{here}/sub/a", f"{here}/out/a.png")
    assert (first.files.style, first.files.color_from) == ((f"{here}/style.png", "great_wave"), f"{here}/c.png")
    assert first.config.weights == f"{here}/w.h5"
    assert (second.files.style, second.files.color_from) == (("great_wave",), f"{here}/d.png")
    assert [row.config.network for row in (first, second, third)] == ["", f"{here}/mine.npz", "arbitrary"]
    with pytest.raises(ConfigError, match="--output=gs://bucket/out is a URL"):
        beam.run(StylizeConfig(), StylizeFiles(manifest="jobs.csv", output="gs://bucket/out"), (), [])


@pytest.mark.slow
def test_ctrl_c(folder):
    """It ends soon, with a sentence, and the same command does what is left."""
    rows = ["content,style,output", *(f"a.png,style.png,c{index}.png" for index in range(40))]
    (folder / "long.csv").write_text("\n".join(rows) + "\n")
    line = ["beam", "--manifest=long.csv", "--output=stopped", *FLAGS, "--batch_size=1"]
    process = command.fork(line, folder)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline and not list((folder / "stopped").glob("c*.png")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=200)
    assert process.returncode == 130, stderr
    assert stderr.count("\n") == 1
    assert re.search(r"Interrupted: \d+ of 40 pictures are in .*stopped; repeat the command to resume.", stderr), stderr
    assert 0 < len(list((folder / "stopped").glob("c*.png"))) < 40


@pytest.mark.slow
def test_killed_half_way(folder):
    rows = ["content,style,output", *(f"a.png,style.png,p{index}.png" for index in range(8))]
    (folder / "many.csv").write_text("\n".join(rows) + "\n")
    line = ["beam", "--manifest=many.csv", "--output=out", *command.SHORT, "--size=0", "--num_steps=40",
            "--batch_size=1"]  # fmt: skip
    process = command.fork(line, folder)
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline and len(list((folder / "out").glob("p*.png"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=200)
    done = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("p*.png")}
    assert 3 <= len(done) < 8
    assert command.run(line, folder).status == 0
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "out").glob("p*.png")}
    assert len(after) == 8
    assert {name: after[name] for name in done} == done
    assert sum(row["skipped"] for row in results(folder / "out").values()) == len(done)


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
