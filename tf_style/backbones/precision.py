"""The floating-point type of the convolutions."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import keras

from tf_style.ops.padding import runs_on_tensorflows_cpu

COMPUTE_DTYPES = ("auto", "float32", "bfloat16")

_CPU_INFO = Path("/proc/cpuinfo")
_CPU_WITH_BFLOAT16 = ("amx_bf16", "avx512_bf16")  # either makes it 1.5 to 3 times as fast as float32
_FIRST_GPU_WITH_BFLOAT16 = (8, 0)  # NVIDIA Ampere


def resolve_compute_dtype(compute_dtype: str = "auto") -> str:
    """The type that convolutions will run in on this machine.

    Args:
      compute_dtype: "float32", "bfloat16", or "auto": bfloat16 if the GPU (compute capability 8.0 and later) or the CPU
        (`amx_bf16` or `avx512_bf16`) computes with it, else float32. Elsewhere bfloat16 is correct but slow.

    Returns:
      "float32" or "bfloat16".

    Raises:
      ValueError: Any other name.
    """
    if compute_dtype not in COMPUTE_DTYPES:
        raise ValueError(f"Unknown compute_dtype {compute_dtype!r}. Allowed: {', '.join(COMPUTE_DTYPES)}.")
    if compute_dtype != "auto":
        return compute_dtype
    return auto_compute_dtype()[0]


def auto_compute_dtype() -> tuple[str, str]:
    """What "auto" means on this machine, and why, in words."""
    if keras.backend.backend() != "tensorflow":
        return "float32", f"Keras's backend is {keras.backend.backend()}"
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        found = [tf.config.experimental.get_device_details(gpu).get("compute_capability") for gpu in gpus]
        fast = all(capability and capability >= _FIRST_GPU_WITH_BFLOAT16 for capability in found)
        reason = f"compute capability {', '.join('.'.join(map(str, one or '?')) for one in found)}; bfloat16 needs 8.0"
    else:
        there = [flag for flag in _CPU_WITH_BFLOAT16 if cpu_has(flag)]
        fast = bool(there)
        reason = f"the CPU has {' and '.join(there)}" if fast else f"the CPU lacks {' and '.join(_CPU_WITH_BFLOAT16)}"
    return "bfloat16" if fast else "float32", reason


def cpu_has(flag: str) -> bool:
    """Whether the processor has a feature, by its name in /proc/cpuinfo; False if there is no such file."""
    try:
        return flag in _CPU_INFO.read_text().split()
    except OSError:  # not Linux
        return False


def computes_on_x86_cpu() -> bool:
    """Whether TensorFlow computes on an x86 processor, without a GPU."""
    return platform.machine() in ("x86_64", "AMD64") and runs_on_tensorflows_cpu()


def uses_onednn() -> bool:
    """Whether TensorFlow computes with oneDNN: on x86 CPUs with AVX-512, unless `TF_ENABLE_ONEDNN_OPTS` says else."""
    asked = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "")
    return computes_on_x86_cpu() and (asked == "1" or (asked != "0" and cpu_has("avx512f")))
