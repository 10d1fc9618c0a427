"""Several processes, one for each device: each paints its share, and all report to the first process."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from tf_style.config import ConfigError
from tf_style.jobs.folder.painter import Painter
from tf_style.jobs.folder.report import FolderReport
from tf_style.jobs.folder.share import Share
from tf_style.jobs.run.allocator import keep_freed_memory
from tf_style.jobs.run.interruption import Interruption
from tf_style.jobs.run.quiet import quiet_tensorflow

_VISIBLE = "CUDA_VISIBLE_DEVICES"

#: Makes the painters of a share; it is sent to other processes.
Painters = Callable[[FolderReport, Share], Iterable[Painter]]


class WorkerError(OSError):
    """A process ended before its work."""


def paint_share(
    painters: Painters, share: Share, report: FolderReport, interruption: Interruption
) -> tuple[bool, bool]:
    """Paints a share of the pictures in this process.

    Returns:
      Whether all is done, and whether a model was loaded.
    """
    begun = False
    for painter in painters(report, share):
        complete = painter.paint_all(interruption)
        begun = begun or painter.begun
        if not complete:
            return False, begun
    return True, begun


def paint_on_devices(
    painters: Painters, devices: Sequence[str], report: FolderReport, interruption: Interruption
) -> tuple[bool, bool]:
    """Paints in a process for each device; returns what `paint_share` does.

    Args:
      painters: Makes the painters of each share.
      devices: Places among the visible GPUs, from 0, or "cpu".
      report: Collects each picture's outcome.
      interruption: Once it is asked for, all processes stop after the step they are in.

    Raises:
      ConfigError, ImageError, NetworkError, WeightsError: As painting in one process.
      WorkerError: A process was killed.
    """
    context = multiprocessing.get_context("spawn")
    shown = [_visible(device) for device in devices]
    workers: list[Any] = []
    ears: dict[Any, Any] = {}
    for index, (device, number) in enumerate(zip(devices, shown, strict=True)):
        ear, mouth = context.Pipe(duplex=False)
        work = functools.partial(_work, painters, Share(index, len(devices)), device, number, mouth)
        workers.append(context.Process(target=work, daemon=True))
        workers[-1].start()
        mouth.close()
        ears[ear] = workers[-1]
    try:
        return _listen(ears, report, interruption)
    except KeyboardInterrupt:
        interruption.at_once = False
        return False, False
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()


def _visible(device: str) -> str:
    """What `CUDA_VISIBLE_DEVICES` must be for a device.

    Raises:
      ConfigError: There is no such device among those that the variable names.
    """
    if device == "cpu":
        return "-1"
    if _VISIBLE not in os.environ:
        return device
    names = os.environ[_VISIBLE].split(",")
    if int(device) >= len(names):
        raise ConfigError(
            f"--devices names GPU {device}, counted from 0, but {_VISIBLE} shows {len(names)}; give one of these."
        )
    return names[int(device)]


def _listen(ears: dict[Any, Any], report: FolderReport, interruption: Interruption) -> tuple[bool, bool]:
    """Repeats to the report what the processes say, until all have ended."""
    complete, begun, said = True, False, set()
    ear: Any
    while ears:
        if interruption.asked:
            for worker in ears.values():
                worker.terminate()  # a worker stops after its step, as this process would
        for ear in wait(list(ears), timeout=0.2):
            try:
                what, values = ear.recv()
            except EOFError:
                worker = ears.pop(ear)
                worker.join()
                complete = complete and not worker.exitcode
                if worker.exitcode and not interruption.asked:
                    raise WorkerError(
                        f"A process of --devices ended with status {worker.exitcode}; if it ran out of memory, lower "
                        "--batch_size or --size, and repeat the command with --skip_existing."
                    ) from None
                continue
            if what == "failure":
                raise values
            if what == "end":
                complete, begun = complete and values[0], begun or values[1]
            elif what == "say":
                if values not in said:  # every process has the same headline
                    report.display.say(*values)
                said.add(values)
            else:
                interruption.at_once = False
                getattr(report, what)(*values)
    report.display.close()
    return complete, begun


class _Display:
    """The part of a display that painters use, in another process."""

    def __init__(self, mouth: Connection) -> None:
        self._mouth = mouth

    def say(self, text: str) -> None:
        self._mouth.send(("say", (text,)))

    def close(self) -> None:
        """Nothing is open here."""


class _RemoteReport(FolderReport):
    """Tells the first process what happens."""

    def __init__(self, mouth: Connection) -> None:
        self._mouth = mouth
        self.display: Any = _Display(mouth)

    def step(self, *values: Any) -> None:
        self._mouth.send(("step", values))

    def done(self, *values: Any) -> None:
        self._mouth.send(("done", values))

    def failed(self, *values: Any) -> None:
        self._mouth.send(("failed", values))


def _work(painters: Painters, share: Share, device: str, visible: str, mouth: Connection) -> None:
    """Paints a share; runs in a process of its own."""
    os.environ[_VISIBLE] = visible
    for name in ("SIGINT", "SIGHUP"):  # the first process decides; it gets them too
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    keep_freed_memory()
    try:
        with Interruption() as interruption:
            _check_device(device)
            mouth.send(("end", paint_share(painters, share, _RemoteReport(mouth), interruption)))
    except KeyboardInterrupt:
        mouth.send(("end", (False, False)))
    except BrokenPipeError:  # the first process is gone
        pass
    except (ValueError, OSError) as error:
        mouth.send(("failure", error))


def _check_device(device: str) -> None:
    """Raises ConfigError unless TensorFlow sees the process's one device."""
    with quiet_tensorflow():
        import tensorflow as tf

        found = device == "cpu" or tf.config.list_physical_devices("GPU")
    if not found:
        raise ConfigError(
            f"--devices names GPU {device}, counted from 0, but TensorFlow finds no such GPU; give others, or leave "
            "--devices out."
        )
