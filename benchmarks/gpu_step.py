"""Milliseconds of a step on a GPU: ours, as XLA compiles it, beside PyTorch's.

  python -m benchmarks.gpu_step --dump=steps --weights=NOTOP.h5   where TensorFlow is; needs no GPU
  python -m benchmarks.gpu_step --run=steps                       where JAX, PyTorch and the GPU are

`--dump` writes the step of Adam on the classic objective, as a GPU would get it (HLO, before optimisation), and what
goes in. `--run` compiles and runs that with JAX's XLA; it needs no TensorFlow. PyTorch, if installed, takes the same
steps, one kernel after the other and, on a GPU, as a CUDA graph. The record goes to benchmarks/GPU.md. JAX has no
public way to run HLO, so another version than 0.10 may need changes here.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks import record
from benchmarks.record import CONTENT, STYLE, listed, table

STEPS = ("vgg19-bfloat16", "vgg19-float32", "compact_vgg19-bfloat16")
LEARNING_RATE, BETAS = 0.02, (0.9, 0.99)


@contextlib.contextmanager
def as_on_a_gpu() -> Iterator[None]:
    """Builds what a machine with a GPU would build."""
    with (
        mock.patch("tf_style.backbones.pooling.uses_onednn", lambda: False),
        mock.patch("tf_style.backbones.convolution._gradient_is_slow", lambda: False),
        mock.patch("tf_style.ops.padding.runs_on_tensorflows_cpu", lambda: False),
    ):
        yield


def compiled_step(args: argparse.Namespace, name: str) -> tuple[Callable[..., Any], tuple, Any, Any]:
    """A step as a `tf.function`, its arguments, the content and the style."""
    import tensorflow as tf

    from benchmarks.ours import classic
    from benchmarks.pictures import tensor

    backbone, dtype = name.split("-")
    options = {"optimizer": "adam", "learning_rate": LEARNING_RATE, "backbone": backbone, "compute_dtype": dtype}
    if backbone != "vgg19":
        options["weights"] = ""
    optimization = classic(args, jit_compile=True, **options).optimization
    content, style = tensor(CONTENT, args.size), tensor(STYLE, args.size)
    targets, state = optimization.targets(content, [style]), optimization.start(content)
    return optimization.compiled_step, (state, targets, tf.constant(1), {}), content, style


def dump(args: argparse.Namespace) -> None:
    """Writes a step's HLO, and in an `.npz` its inputs by place and type, and the pictures."""
    import tensorflow as tf

    args.dump.mkdir(parents=True, exist_ok=True)
    for name in args.steps:
        with as_on_a_gpu():
            function, inputs, content, style = compiled_step(args, name)
            hlo = function.experimental_get_compiler_ir(*inputs)(stage="hlo_serialized")
            graph = function.get_concrete_function(*inputs)
        variables = {id(variable.handle): variable for variable in graph.graph.variables}
        captured = [variables[id(handle)] for handle in graph.captured_inputs]
        arrays = [tensor.numpy() for tensor in (*tf.nest.flatten(inputs), *captured)]
        named = {f"{place:03}-{array.dtype}": _raw(array) for place, array in enumerate(arrays)}
        np.savez(args.dump / f"{name}.npz", content=content.numpy(), style=style.numpy(), **named)
        (args.dump / f"{name}.hlo").write_bytes(hlo)
        print(f"{name}: {len(hlo)} bytes of HLO, {len(arrays)} inputs", flush=True)


def _raw(array: np.ndarray) -> np.ndarray:
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def load(path: Path) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """A step's inputs, the content and the style."""
    import ml_dtypes

    with np.load(path) as file:
        names = sorted(set(file.files) - {"content", "style"})
        inputs = [file[name].view(ml_dtypes.bfloat16) if name.endswith("bfloat16") else file[name] for name in names]
        return inputs, file["content"], file["style"]


def run_xla(hlo: bytes, inputs: Sequence[np.ndarray], repeats: int) -> tuple[float, float, list[np.ndarray]]:
    """Seconds of compiling, milliseconds of a step, and the state after the last one."""
    import jax
    from jaxlib import _jax

    device = jax.devices()[0]
    started = time.perf_counter()
    devices = _jax.DeviceList((device,))
    step = device.client.compile_and_load(_jax.mlir.hlo_to_stablehlo(hlo), devices)
    compiling = time.perf_counter() - started
    arrays = [jax.device_put(array, device) for array in inputs]

    def steps(state: list[Any], count: int) -> list[Any]:
        for _ in range(count):
            results = step.execute_sharded([*state, *arrays[len(state) :]])
            state = [shards[0] for shards in results.disassemble_into_single_device_arrays()]
        jax.block_until_ready(state)
        return state

    state = steps([], 3)  # the first takes all of the inputs
    started = time.perf_counter()
    state = steps(state, repeats)
    return compiling, 1000.0 * (time.perf_counter() - started) / repeats, [np.asarray(array) for array in state]


def run_pytorch(
    inputs: Sequence[np.ndarray], content: np.ndarray, style: np.ndarray, dtype: str, repeats: int, *, graph: bool
) -> float:
    """Milliseconds of a step of Adam on the same objective, as a CUDA graph or not."""
    import torch

    from benchmarks.peer_pytorch import ClassicObjective

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True  # as XLA does
    torch.backends.cudnn.benchmark = True
    weights = [array.astype(np.float32) for array in inputs if array.dtype.name == dtype][-26:]
    pairs = [
        (kernel.transpose(3, 2, 0, 1).copy(), bias) for kernel, bias in zip(weights[::2], weights[1::2], strict=True)
    ]
    pictures = [torch.from_numpy(array.transpose(0, 3, 1, 2).copy()).to(device) for array in (content, style)]
    objective = ClassicObjective(pairs, *pictures, dtype=dtype, channels_last=True)
    pixels = pictures[0].clone().requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=LEARNING_RATE, betas=BETAS, capturable=graph)

    def step() -> None:
        loss, _ = objective(pixels)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            pixels.clamp_(0.0, 1.0)

    def plain() -> None:
        optimizer.zero_grad(set_to_none=True)
        step()

    once: Callable[[], Any] = plain
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    if graph:  # as PyTorch's notes on CUDA graphs say: warm up on a side stream, then capture
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                plain()
        torch.cuda.current_stream().wait_stream(side)
        captured = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(captured):
            step()
        once = captured.replay
    for _ in range(3):
        once()
    wait()
    started = time.perf_counter()
    for _ in range(repeats):
        once()
    wait()
    return 1000.0 * (time.perf_counter() - started) / repeats


def run(args: argparse.Namespace) -> None:
    """Times all dumped steps; writes the record."""
    import jax

    rows = []
    for name in (path.stem for path in sorted(args.run.glob("*.hlo"))):
        backbone, dtype = name.split("-")
        inputs, content, style = load(args.run / f"{name}.npz")
        compiling, milliseconds, state = run_xla((args.run / f"{name}.hlo").read_bytes(), inputs, args.repeats)
        if not np.isfinite(state[0]).all():
            raise SystemExit(f"{name}: the picture is not finite.")
        rows.append([f"tf_style, {backbone}, {dtype}, XLA", f"{milliseconds:.2f}", f"{compiling:.0f}"])
        for graph in _pytorchs_ways() if backbone == "vgg19" else ():
            milliseconds = run_pytorch(inputs, content, style, dtype, args.repeats, graph=graph)
            kind = "as a CUDA graph" if graph else "one kernel after the other"
            rows.append([f"PyTorch, {backbone}, {dtype}, {kind}", f"{milliseconds:.2f}", ""])
    size = " x ".join(map(str, content.shape[1:3]))
    record.write(
        args.output,
        "A step on a GPU",
        "gpu_step",
        f"{jax.devices()[0].device_kind}; JAX {jax.__version__}; {size} pixels. A step of Adam on the classic "
        "objective (content, Gram matrices of five layers).",
        table(["", "milliseconds", "seconds to compile"], rows),
    )


def _pytorchs_ways() -> tuple[bool, ...]:
    """Whether to run PyTorch as a CUDA graph: both ways, one, or none if it is not installed."""
    if importlib.util.find_spec("torch") is None:
        return ()
    import torch

    return (False, True) if torch.cuda.is_available() else (False,)


def main(arguments: Sequence[str] | None = None) -> None:
    """Dumps the steps, runs them, or both."""
    parser = record.parser(__doc__, "GPU.md")
    record.add_vgg19(parser)
    parser.add_argument("--dump", type=Path, help="the folder to write the steps to")
    parser.add_argument("--run", type=Path, help="a folder of steps to time")
    parser.add_argument("--steps", type=listed(), default=list(STEPS), help="backbone-dtype, separated by commas")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=100)
    args = parser.parse_args(arguments)
    if args.dump:
        dump(args)
    if args.run:
        run(args)


if __name__ == "__main__":
    main()
