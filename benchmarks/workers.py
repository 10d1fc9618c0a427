"""Pictures an hour of `tf-style beam` on Dask, with one worker process of one thread and with several.

  python -m benchmarks.workers

Each cluster paints the list once to load and compile, then in turns with the others. A round's time runs from the
moment when each worker has painted a picture to the last picture, so that starting the command is not in it. Other
arguments go to the command. The record goes to benchmarks/WORKERS.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import record
from benchmarks.record import CONTENT, STYLE, listed, table
from benchmarks.timing import in_turns
from tf_style.jobs.beam.results import RESULTS

OPTIONS = ["--preset=draft", "--size=160", "--first_steps=30", "--batch_size=1"]
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def work(address: str) -> None:
    """A Dask worker whose TensorFlow has one thread."""
    from distributed import Worker

    os.environ.update(dict.fromkeys(_THREADS, "1"))
    os.setsid()  # Linux shares busy cores between sessions, not processes

    async def until_closed() -> None:
        async with Worker(address, nthreads=1, dashboard=False) as worker:
            await worker.finished()

    asyncio.run(until_closed())


def start(address: str) -> Any:
    """A process that does this."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=(address,), daemon=True)
    process.start()
    return process


def pictures_an_hour(cluster: Any, num_workers: int, manifest: Path, flags: list[str], shares: list[float]) -> float:
    """Paints the list; adds to `shares` how much of the workers' time went into painting."""
    output = manifest.parent / f"painted_{num_workers}"
    shutil.rmtree(output, ignore_errors=True)
    beam = ["--runner=DaskRunner", f"--dask_client_address={cluster.scheduler_address}"]
    record.call("tf_style.cli.main", "beam", f"--manifest={manifest}", f"--output={output}", *flags, "--", *beam)
    rows = map(json.loads, (output / RESULTS).read_text(encoding="utf-8").splitlines())
    painted = sorted((Path(row["output"]).stat().st_mtime, row["seconds"]) for row in rows)
    later = painted[num_workers:]
    seconds = painted[-1][0] - painted[num_workers - 1][0]
    shares.append(sum(own for _, own in later) / (num_workers * seconds))
    return 3600 * len(later) / seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures, and writes the table."""
    from distributed import LocalCluster

    parser = record.parser(__doc__, "WORKERS.md")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--workers", type=listed(int), default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    args, others = parser.parse_known_args(arguments)
    flags = [*OPTIONS, *others]
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        manifest = Path(scratch) / "jobs.csv"
        with open(manifest, "w", newline="", encoding="utf-8") as file:
            rows = [(CONTENT, STYLE, f"{index}.png") for index in range(args.pictures)]
            csv.writer(file).writerows([("content", "style", "output"), *rows])
        ways, shares = {}, {str(count): [] for count in args.workers}
        for count in args.workers:
            cluster = stack.enter_context(LocalCluster(n_workers=0, dashboard_address=":0"))
            for _ in range(count):
                stack.callback(start(cluster.scheduler_address).kill)
            ways[str(count)] = partial(pictures_an_hour, cluster, count, manifest, flags, shares[str(count)])
        in_turns(ways, 1)  # to warm up
        rates = in_turns(ways, args.rounds)
    base = rates[str(args.workers[0])]
    lines = [
        [name, f"{rate:.0f}", f"{rate / base:.2f}", f"{statistics.median(shares[name][1:]):.0%}"]
        for name, rate in rates.items()
    ]
    note = (
        f"{args.pictures} pictures with `{' '.join(flags)}`, medians of {args.rounds} rounds, the clusters in turns. "
        "Each worker is a process of one thread. The last column is the share of the workers' time that went into "
        "painting; the rest is Beam's, Dask's, and waiting for the last picture."
    )
    header = ["workers", "pictures an hour", f"to {args.workers[0]}", "of their time painting"]
    record.write(args.output, "Worker processes of tf-style beam", "workers", note, table(header, lines))


if __name__ == "__main__":
    main()
