"""Worker processes: Dask's, one of them killed, and those of Beam's runner for one machine."""

import importlib.util
import threading
import time

import pytest
from PIL import Image

from benchmarks.workers import work
from tests import command
from tests.jobs.beam.test_run import FLAGS, NO_BEAM, results
from tests.materials import assert_refused

pytestmark = pytest.mark.skipif(importlib.util.find_spec("apache_beam") is None, reason=NO_BEAM)
needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="dask is not installed; the extra `dask` brings it"
)


@pytest.fixture
def folder(tmp_path):
    first, second = (Image.open(command.write_picture(tmp_path / "style.png", seed=seed)) for seed in (1, 2))
    first.save(tmp_path / "photo.gif", save_all=True, append_images=[second])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def manifest(folder, pictures):
    rows = [f"photo.gif,style.png,p{index}.png" for index in range(pictures)]
    text = "\n".join(["content,style,output", "broken.png,style.png,", *rows])
    (folder / "jobs.csv").write_text(text + "\n")
    return ["beam", "--manifest=jobs.csv", "--output=out", *FLAGS, "--batch_size=1"]


def assert_all_but_the_broken_one(folder, pictures, status, stderr):
    assert (status, len(stderr.splitlines())) == (1, 3), stderr
    assert stderr.startswith(f"tf-style: '{folder}/photo.gif' has 2 frames; the first one is used.\n")
    assert f"tf-style: '{folder}/broken.png' is not a picture that can be read" in stderr
    assert f"tf-style: {pictures} of {pictures + 1} pictures are in {folder}/out" in stderr
    rows = list(results(folder / "out").values())
    assert [row["name"] for row in rows] == ["1 broken.png", *(f"{index + 2} photo.gif" for index in range(pictures))]
    assert [row["error"] is None for row in rows] == [False] + [True] * pictures
    assert not any(row["skipped"] for row in rows)
    assert sorted(path.name for path in (folder / "out").iterdir()) == sorted(
        [*(f"p{index}.png" for index in range(pictures)), "results.jsonl"]
    )


@needs_dask
@pytest.mark.slow
def test_a_dask_worker_is_killed(folder):
    """Another one does what it did not finish; what it did finish stays as it is."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=":0") as cluster:
        address = cluster.scheduler_address
        workers = [command.forked(work, address) for _ in range(2)]
        flags = ["--", "--runner=DaskRunner", f"--dask_client_address={address}"]
        done = {}

        def kill():
            deadline = time.monotonic() + 200
            while len(done) < 2 and time.monotonic() < deadline:
                time.sleep(0.02)
                done.update({path: path.stat().st_mtime_ns for path in (folder / "out").glob("p*.png")})
            workers[0].kill()

        killer = threading.Thread(target=kill)
        killer.start()
        outcome = command.run([*manifest(folder, 8), "--num_steps=40", *flags], folder)
        killer.join()
        workers[1].kill()
    assert 2 <= len(done) < 8
    assert_all_but_the_broken_one(folder, 8, outcome.status, outcome.stderr)
    assert {path: path.stat().st_mtime_ns for path in done} == done


@needs_dask
def test_dasks_flags(folder):
    flags = ["--runner=DaskRunner", "--dask_client_adress=here:8786"]
    assert_refused(command.run([*manifest(folder, 1), "--", *flags], folder), "Did you mean --dask_client_address?")
    from tf_style.jobs.beam.options import DASK_RUNNER, pipeline_options

    for given, size in ([], 1), (["--dask_partition_size=3"], 3), (["--dask_npartitions=4"], None):
        options = pipeline_options(["--runner=dask", *given]).get_all_options()
        assert (options["runner"], options["partition_size"]) == (DASK_RUNNER, size)


@pytest.mark.slow
def test_processes_on_this_machine(folder):
    flags = ["--", "--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    outcome = command.run([*manifest(folder, 1), *flags], folder)
    assert_all_but_the_broken_one(folder, 1, outcome.status, outcome.stderr)
