"""Facts about the installation and the machine, and a small painting as proof: what to send with a question."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from tf_style.config import PrintOptions
from tf_style.images.picture import one_line
from tf_style.jobs.run.memory import total_memory
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.version import versions

#: Extra -> a package that comes with it alone, and what it is for.
EXTRAS = {
    "gpu": ("nvidia-cudnn-cu12", "NVIDIA GPUs"),
    "serving": ("uvicorn", "tf-style serve"),
    "beam": ("apache-beam", "tf-style beam"),
    "dask": ("distributed", "tf-style beam on Dask"),
    "heic": ("pillow-heif", "HEIC, the photos of iPhones"),
    "clip": ("keras-hub", "--text_guidance=clip"),
    "video": ("av", "tf-style video"),
    "loadtest": ("locust", "load tests of a model server"),
    "dev": ("pytest", "tests of tf-style itself"),
    "bench": ("torch", "benchmarks beside PyTorch"),
}
#: The paintings of the self-test: options by preset.
PAINTINGS: dict[str, dict[str, Any]] = {
    "draft": {"num_steps": 2, "first_steps": 0, "min_size": 0, "style_statistic": "gram"},  # the quickest to compile
    "instant": {},
}
_SIZE = 64
_FAILED = 1


def run(options: PrintOptions) -> int:
    """Prints the facts, one a line or as JSON.

    Returns:
      The exit status: 0, or 1 if a painting of the self-test failed.
    """
    with quiet_tensorflow():
        facts = find_facts()
    text = "\n".join(f"{name:<22} {text}" for name, text in lines(facts))
    print(json.dumps(facts, indent=2) if options.json else text)
    failed = [f"{name}: {done['error']}" for name, done in facts["self_test"].items() if done["error"]]
    if failed:
        print(f"tf-style: The self-test does not paint ({'; '.join(failed)}).", file=sys.stderr)
    return _FAILED if failed else 0


def find_facts() -> dict[str, Any]:
    """Everything that is found, by subject."""
    return {
        "versions": versions(),
        "devices": _found(_devices),
        "compute_dtype": _found(_compute_dtype),
        "vgg19": _found(_vgg19),
        "extras": {name: {"installed": _is_installed(sign), "for": what} for name, (sign, what) in EXTRAS.items()},
        "disk": {"folder": str(Path.cwd()), "free_bytes": shutil.disk_usage(Path.cwd()).free},
        "memory": {"total_bytes": total_memory(), "available_bytes": _available_memory()},
        "self_test": {preset: _painting(preset, options) for preset, options in PAINTINGS.items()},
    }


def lines(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The facts in words: name and text of each."""
    yield from facts["versions"].items()
    for subject, words in _WORDS.items():
        found = facts[subject]
        yield from [(subject, found["error"])] if "error" in found else words(found)
    for name, extra in facts["extras"].items():
        yield f"extra {name}", f"{'installed' if extra['installed'] else 'not installed'}, for {extra['for']}"
    yield "disk", f"{facts['disk']['free_bytes'] / 1e9:.1f} GB free in {facts['disk']['folder']}"
    total, available = (_gigabytes(facts["memory"][f"{kind}_bytes"]) for kind in ("total", "available"))
    yield "memory", f"{total}, {available} available"
    for preset, done in facts["self_test"].items():
        text = f"paints {_SIZE} x {_SIZE} pixels in {done['seconds']} s"
        yield f"self-test {preset}", f"failed: {done['error']}" if done["error"] else text


#: Subject -> its lines, from what was found.
_WORDS: dict[str, Callable[[Any], list[tuple[str, str]]]] = {
    "devices": lambda found: [("device", name) for name in found["names"]],
    "compute_dtype": lambda found: [("compute_dtype auto", f"{found['auto']} ({found['reason']})")],
    "vgg19": lambda found: [
        (
            "VGG-19's weights",
            f"in {found['path']}" if found["available"] else f"not in {found['path']}; --backbone=vgg19 downloads them",
        )
    ],
}


def _found(find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a function finds, or the error, as when TensorFlow cannot be imported."""
    try:
        return find()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {one_line(error)}"}


def _devices() -> dict[str, Any]:
    import tensorflow as tf

    devices = tf.config.list_physical_devices()
    details = [tf.config.experimental.get_device_details(device).get("device_name", "") for device in devices]
    return {
        "names": [" ".join(filter(None, (one.device_type, name))) for one, name in zip(devices, details, strict=True)]
    }


def _compute_dtype() -> dict[str, Any]:
    from tf_style.backbones import auto_compute_dtype

    auto, reason = auto_compute_dtype()
    return {"auto": auto, "reason": reason}


def _vgg19() -> dict[str, Any]:
    from tf_style.backbones import cached_weights, weights_cache

    return {"path": str(weights_cache("vgg19")), "available": cached_weights("vgg19") is not None}


def _painting(preset: str, options: dict[str, Any]) -> dict[str, Any]:
    """Paints gradients; a picture that is not finite, or is the content itself, is no painting."""
    started = time.monotonic()
    error = _found(lambda: _paint(preset, options)).get("error")
    return {"seconds": round(time.monotonic() - started, 1), "error": error}


def _paint(preset: str, options: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    import tensorflow as tf

    from tf_style.api import stylize

    ramp = np.linspace(0.0, 1.0, _SIZE, dtype=np.float32)
    content, style = np.zeros((2, _SIZE, _SIZE, 3), np.float32)
    content[..., 0], content[..., 1], content[..., 2] = ramp, ramp[:, np.newaxis], 0.5
    style[...] = 0.5 + 0.5 * np.sin(40.0 * np.add.outer(ramp, ramp))[..., np.newaxis]
    tf.config.run_functions_eagerly(not options)  # one pass takes much longer to compile than to paint
    try:
        painting = np.asarray(stylize(content, style, preset, size=0, **options))
    finally:
        tf.config.run_functions_eagerly(False)
    if painting.shape != content.shape or not np.isfinite(painting).all() or np.allclose(painting, content, atol=1e-3):
        raise ValueError("the result is not a painting")
    return {}


def _is_installed(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _available_memory() -> int | None:
    """Bytes that programs can still take, or None if unknown."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:  # not Linux
        pass
    return None


def _gigabytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e9:.1f} GB"
