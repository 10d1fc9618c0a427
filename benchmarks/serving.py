"""What serving adds to the engine: an export behind the local server against the same session in this process.

  python -m benchmarks.serving

Exports, starts `tf-style serve`, measures, and writes benchmarks/SERVING.md. TensorFlow Serving itself and GPUs are not
measured here.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import COMMIT, CONTENT, ROOT, STYLE, machine, table
from benchmarks.timing import in_turns
from tf_style import images
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.serving.client import Client

with quiet_tensorflow():
    import tensorflow as tf

    from tf_style.serving.models.session import Session

RESULTS = ROOT / "benchmarks" / "SERVING.md"
COMMAND = [sys.executable, "-m", "tf_style.cli.main"]
#: (height, width) of the mixed requests.
SIZES = ((64, 64), (96, 64), (64, 96), (96, 96), (128, 96), (80, 120))


class InProcess:
    """The exported model in this process: in the local server's session, or as tf.saved_model.load loads it."""

    def __init__(self, version: Path) -> None:
        self._session = Session.load(version)
        self._definition = self._session.signatures["stylize"]
        self._function = tf.saved_model.load(str(version)).signatures["stylize"]

    def stylize(self, content: np.ndarray, style: np.ndarray, *, num_steps: int) -> np.ndarray:
        """As `Client.stylize`, in the session."""
        values = self._inputs(content, style, num_steps)
        feeds = {self._definition.inputs[name].name: value for name, value in values.items()}
        return self._session.run(feeds, [self._definition.outputs["image"].name])[0][0]

    def stylize_loaded(self, content: np.ndarray, style: np.ndarray, *, num_steps: int) -> np.ndarray:
        """The same with tf.saved_model.load."""
        values = self._inputs(content, style, num_steps)
        return self._function(**{name: tf.constant(value) for name, value in values.items()})["image"].numpy()[0]

    def _inputs(self, content: np.ndarray, style: np.ndarray, num_steps: int) -> dict[str, np.ndarray]:
        values = {name: tf.make_ndarray(default) for name, default in self._definition.defaults.items()}
        return values | {"content": content[None], "style": style[None], "num_steps": np.array([num_steps], np.int32)}


def picture(path: Path, size: int) -> np.ndarray:
    """Uint8 [H, W, 3] with its long side at `size`."""
    read = images.read_image(path)
    pixels = images.resize(read, images.fit_size(read.size, size)).pixels
    return np.round(pixels * 255).astype(np.uint8)


def timed(call: Callable[[], Any]) -> float:
    """Seconds of one call."""
    started = time.monotonic()
    call()
    return time.monotonic() - started


def overhead(client: Client, local: InProcess, size: int, num_steps: int, rounds: int) -> list[str]:
    """One row: medians of served and in-process calls, taken in turns."""
    content, style = picture(CONTENT, size), picture(STYLE, size)
    paints = [lambda: local.stylize(content, style, num_steps=num_steps)]
    paints.append(lambda: client.stylize(content, style, num_steps=num_steps))
    for paint in paints:
        paint()
    seconds = [[timed(paint) for paint in paints] for _ in range(rounds)]
    here, served = (statistics.median(column) for column in zip(*seconds, strict=True))
    return [
        f"{size} px, num_steps {num_steps}",
        f"{here:.3f}",
        f"{served:.3f}",
        f"{1000 * (served - here):.0f} ms",
        f"{100 * (served / here - 1):.1f} %",
    ]


def crowd(client: Client, requests: int, clients: int, pid: int) -> list[list[str]]:
    """Rows about many clients at once: failures, wrong answers, memory of the server."""
    rng = np.random.default_rng(0)
    pairs = [
        (rng.integers(0, 256, (*size, 3), np.uint8), rng.integers(0, 256, (64, 64, 3), np.uint8)) for size in SIZES
    ]
    serial = [client.stylize(*pair, num_steps=1) for pair in pairs]

    def ask(index: int) -> int:
        try:
            answer = client.stylize(*pairs[index % len(pairs)], num_steps=1)
        except Exception as error:  # whatever it is, it counts
            print(f"  request {index}: {error}", flush=True)
            return -1
        return int(np.abs(answer.astype(int) - serial[index % len(pairs)]).max())

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(requests // 5)))  # to warm up
        before = resident(pid)
        started = time.monotonic()
        differences = list(pool.map(ask, range(requests)))
        seconds = time.monotonic() - started
    return [
        ["requests, clients", f"{requests}, {clients}"],
        ["failures", str(differences.count(-1))],
        ["largest difference from the serial answer, levels of 255", str(max(differences))],
        ["answers not equal to the serial one", str(sum(difference > 0 for difference in differences))],
        ["requests a second", f"{requests / seconds:.1f}"],
        ["server's memory before and after, MiB", f"{before:.0f}, {resident(pid):.0f}"],
    ]


def session_row(local: InProcess, requests: int, clients: int, rounds: int) -> list[str]:
    """One row: requests a second in the server's session and with tf.saved_model.load, taken in turns."""
    content, style = picture(CONTENT, 64), picture(STYLE, 64)

    def rate(paint: Callable[..., np.ndarray]) -> float:
        seconds = timed(lambda: list(pool.map(lambda _: paint(content, style, num_steps=1), range(requests))))
        return requests / seconds

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        ways = {
            name: partial(rate, paint) for name, paint in (("session", local.stylize), ("load", local.stylize_loaded))
        }
        in_turns(ways, 1)  # to warm up
        rates = in_turns(ways, rounds)
    return [
        f"64 px, num_steps 1, {clients} threads",
        f"{rates['session']:.1f}",
        f"{rates['load']:.1f}",
        f"{rates['session'] / rates['load']:.2f}",
    ]


def resident(pid: int) -> float:
    """MiB of memory a process has now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def wait_until_ready(server: subprocess.Popen, port: int) -> None:
    """Until the gRPC port is open, which it is only after the first load."""
    while server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server stopped before it was ready.")


def measure(args: argparse.Namespace, folder: Path) -> str:
    """All sections."""
    export = [*COMMAND, "export", f"--output={folder}", f"--backbone={args.backbone}", f"--weights={args.weights}"]
    export_seconds = timed(lambda: subprocess.run(export, cwd=ROOT, check=True, capture_output=True))
    version = folder / "1"
    size = sum(path.stat().st_size for path in version.rglob("*") if path.is_file()) / 2**20
    load_seconds = timed(lambda: Session.load(version).close())
    port = free_port()
    serve = [*COMMAND, "serve", f"--model_base_path={folder}", f"--port={port}"]
    with subprocess.Popen(serve, cwd=ROOT, stdout=subprocess.DEVNULL) as server:
        try:
            ready_seconds = timed(lambda: wait_until_ready(server, port))
            with Client(f"127.0.0.1:{port}") as client:
                content, style = picture(CONTENT, 256), picture(STYLE, 256)
                asked = [timed(lambda: client.stylize(content, style, num_steps=1)) for _ in range(6)]
                later = statistics.median(asked[1:])
                print(f"  first answer {asked[0]:.2f} s, later {later:.2f} s", flush=True)
                many = crowd(client, args.requests, args.clients, server.pid)
                local = InProcess(version)
                rows = [overhead(client, local, 512, 10, args.rounds), overhead(client, local, 64, 1, 25)]
                session = session_row(local, 4 * args.clients, args.clients, args.rounds)
        finally:
            server.terminate()
    facts = [
        ["export, seconds", f"{export_seconds:.1f}"],
        ["size on disk, MB", f"{size:.1f}"],
        ["SavedModel load, seconds", f"{load_seconds:.1f}"],
        ["server's start to its first open port (load and warm-up), seconds", f"{ready_seconds:.1f}"],
        ["first answer after the start, later ones (256 px, num_steps 1), seconds", f"{asked[0]:.2f}, {later:.2f}"],
        ["first over later", f"{asked[0] / later:.2f}"],
    ]
    header = ["", "in this process, s", "over gRPC, s", "difference", ""]
    return "\n\n".join(
        [
            f"# Serving\n\n{datetime.date.today()}, commit {COMMIT}, {machine()}. Made by `python -m "
            f"benchmarks.serving`; preset fine, backbone {args.backbone}; the server is `tf-style serve`.",
            table(["", ""], facts),
            "## Served against in-process, the same session code and picture (50 steps over 5 scales at 512 px)",
            table(header, rows),
            "## The server's session against `tf.saved_model.load`, requests a second",
            table(["", "session", "tf.saved_model.load", "ratio"], [session]),
            "## Many clients at once, mixed sizes",
            table(["", ""], many),
        ]
    )


def main() -> None:
    """Measures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="compact_vgg19")
    parser.add_argument("--weights", default="")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = measure(args, Path(folder) / "tf_style")
    print(text)
    args.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
