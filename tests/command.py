"""Command lines: in this process, in a fork, or as the whole program.

Loading TensorFlow takes seconds, and so does the first trace of the library's functions. `run` and `run_lines`
therefore call `main` in this process. `fork` is for runs that are killed or interrupted: it forks a process that has
loaded TensorFlow and done nothing else. `start` is the whole program, from its beginning. Run as a program
(`python -m tests.command LINES RESULTS`), this module calls `main` once for each list of arguments, and writes down the
outcomes.
"""

import contextlib
import functools
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
HEAVY_MODULES = ("numpy", "PIL", "matplotlib", "keras", "tensorflow", "tensorflow_probability")

_PATIENCE = 200  # seconds; longer than any of these runs takes on a slow machine

#: Short runs, whatever the presets say: two shallow layers of the embedded backbone, one scale, few steps.
SHORT = (
    "--backbone=compact_vgg19",
    "--compute_dtype=float32",
    "--content_layers=conv2_1",
    "--style_layers=conv1_1,conv2_1",
    "--size=48",
    "--init=content",
    "--min_size=0",
    "--num_steps=3",
    "--first_steps=0",
    "--style_statistic=gram",
    "--total_variation_weight=1",
    "--average_decay=0.9",
    "--relative_tolerance=0",
    "--nojit_compile",
)

# A test run in the background ignores Ctrl-C, and so would its children. (Not by `preexec_fn`: between fork and exec
# the threads of gRPC may end the child.)
_HEEDING_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("tf_style.cli.main", run_name="__main__", alter_sys=True)
"""


class Outcome(NamedTuple):
    """How a command ended; `modules` are those of HEAVY_MODULES that the process had loaded by then."""

    status: int | None
    stdout: str
    stderr: str
    modules: tuple[str, ...] = ()


def environment(keras_home, **variables):
    """The variables of a child process: an empty cache of Keras, and TensorFlow as talkative as it is by default."""
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**inherited, "PYTHONPATH": path, "KERAS_HOME": str(keras_home), **variables}


class Forked:
    """A command in a forked process, used as a `Popen`."""

    def __init__(self, arguments, folder, setup):
        self._scratch = tempfile.TemporaryDirectory()
        self._texts = [Path(self._scratch.name) / name for name in ("stdout", "stderr")]
        given = (list(map(str, arguments)), str(folder), environment(Path(folder) / "keras"), self._texts, setup)
        self._process = _forks().Process(target=_run_here, args=given)
        self._process.start()

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def send_signal(self, number):
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def errors(self):
        """What it wrote to stderr so far."""
        return self._texts[1].read_text() if self._texts[1].exists() else ""

    def communicate(self, timeout):
        """Waits for its end; returns what it wrote to stdout and stderr."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            raise TimeoutError(f"after {timeout} seconds")
        texts = tuple(text.read_text() for text in self._texts)
        self._scratch.cleanup()
        return texts


@functools.cache
def _forks():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tensorflow", "keras", "tensorflow_probability", "tf_style.jobs.folder.session"])
    return context


def _run_here(arguments, folder, variables, texts, setup):
    """In the forked process: what `python -m tf_style.cli.main` does."""
    for stream, text in zip((1, 2), texts, strict=True):
        os.dup2(os.open(text, os.O_CREAT | os.O_WRONLY | os.O_APPEND), stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["tf-style", *arguments]
    if setup is not None:
        setup()
    from tf_style.cli.main import main

    sys.exit(main())


def forked(target, *arguments):
    """Starts a function in a fork; returns the process."""
    process = _forks().Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def over(base, flags):
    """A command line's flags, with other flags in the place of its own of the same names (styles would add up)."""
    names = {flag.partition("=")[0] for flag in flags}
    return [flag for flag in base if flag.partition("=")[0] not in names] + list(flags)


def fork(arguments, folder, setup=None):
    """One command line in a fork, not waited for; before it, `setup` is called there."""
    return Forked(arguments, folder, setup)


def run(arguments, folder):
    """One command line in this process; its working folder is not the project's."""
    return run_lines({"": arguments}, folder)[""]


@contextlib.contextmanager
def eagerly():
    """What the library would compile runs as it is written: for many short runs, each of which would be traced anew."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def run_script(path, arguments, folder):
    """A Python file as a program, in this process."""
    import pytest

    with pytest.MonkeyPatch.context() as patch, _written() as texts:
        patch.chdir(folder)
        patch.setattr(sys, "argv", [str(path), *map(str, arguments)])
        try:
            runpy.run_path(str(path), run_name="__main__")
            status = 0
        except SystemExit as ending:
            status = ending.code or 0
        except Exception:
            traceback.print_exc()
            status = 1
    return Outcome(status, *texts)


def start(arguments, folder, **options_and_variables):
    """One process from the start of Python, not waited for.

    `stdout` and `stderr` are as for `Popen`, other keywords are environment variables.
    """
    streams = {name: options_and_variables.pop(name, subprocess.PIPE) for name in ("stdout", "stderr")}
    return subprocess.Popen(
        [sys.executable, "-c", _HEEDING_CTRL_C, *map(str, arguments)],
        cwd=folder,
        env=environment(Path(folder) / "keras", **options_and_variables),
        text=True,
        **streams,
    )


def signal_at_step(arguments, folder, state, number, step):
    """Runs a training, and sends the signal once its checkpoint, a file, is at a step or beyond."""
    process = fork(arguments, folder)
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline and _step_of(state) < step:
        time.sleep(0.005)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=_PATIENCE)
    return Outcome(process.returncode, stdout, stderr)


def _step_of(state):
    import numpy as np  # not above: whether commands load it is tested

    if not state.exists():
        return 0
    try:
        with np.load(state) as archive:
            return json.loads(str(archive["meta"]))["step"]
    except FileNotFoundError:  # taken away after the last step
        return 0


def run_lines(lines, folder, fresh=False, **variables):
    """Many command lines, one after the other, {name: arguments} -> {name: Outcome}.

    `fresh` runs them in one new process: for tests of what is loaded, and of what loading says.
    """
    lines = {name: list(map(str, arguments)) for name, arguments in lines.items()}
    keras_home = Path(folder) / "keras"
    if not fresh:
        import pytest

        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for name, value in {"KERAS_HOME": str(keras_home), **variables}.items():
                patch.setenv(name, value)
            urllib.request.install_opener(None)  # it keeps the proxies of its first use
            try:
                return {name: _outcome(arguments) for name, arguments in lines.items()}
            finally:
                urllib.request.install_opener(None)
    with tempfile.TemporaryDirectory() as scratch:
        given, found = Path(scratch) / "lines.json", Path(scratch) / "results.json"
        given.write_text(json.dumps(lines))
        subprocess.run(
            [sys.executable, "-m", "tests.command", given, found],
            cwd=folder,
            env=environment(keras_home, **variables),
            check=True,
            timeout=600,
        )
        return {
            name: Outcome(*texts, tuple(modules)) for name, (*texts, modules) in json.loads(found.read_text()).items()
        }


def write_picture(path, height=36, width=48, seed=0, mode="RGB"):
    """A picture of smooth random colours."""
    import numpy as np  # here, so that the processes below load what the command line loads, and no more
    from PIL import Image

    values = np.random.default_rng(seed).integers(0, 256, (6, 8, len(mode)), dtype=np.uint8)
    Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


def _outcome(arguments):
    from tf_style.cli.main import main

    with _written() as texts:
        try:
            status = main(arguments)
        except BaseException:  # a traceback is what tests look for
            traceback.print_exc()
            status = None
        finally:
            if "keras" in sys.modules:  # --quiet switches it off for the whole process
                sys.modules["keras"].utils.enable_interactive_logging()
    return Outcome(status, *texts, tuple(name for name in HEAVY_MODULES if name in sys.modules))


@contextlib.contextmanager
def _written():
    """Afterwards holds what was written to stdout and stderr, by Python and by libraries."""
    texts = []
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+", buffering=1)) for _ in range(2)]
        stack.enter_context(contextlib.redirect_stdout(files[0]))
        stack.enter_context(contextlib.redirect_stderr(files[1]))
        kept = os.dup(1), os.dup(2)
        for stream, file in zip((1, 2), files, strict=True):
            os.dup2(file.fileno(), stream)
        try:
            yield texts
        finally:
            for stream, (other, file) in enumerate(zip(kept, files, strict=True), 1):
                file.flush()
                os.dup2(other, stream)
                os.close(other)
                file.seek(0)
                texts.append(file.read())


def _main(given, found):
    lines = json.loads(Path(given).read_text())
    Path(found).write_text(json.dumps({name: _outcome(arguments) for name, arguments in lines.items()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
