"""The peer: neural style transfer after Gatys et al. (2016), as an ordinary good PyTorch user writes it.

It is here to be compared with, so it is meant to be fast and small: frozen weights, ReLU in place, nothing computed
after the last layer needed, weights cast once and not every step. It imports torch, numpy, h5py and Pillow only.

    python -m benchmarks.peer_pytorch --content=a.jpg --style=b.jpg --weights=vgg19_notop.h5 --output=out.png

Departures from the paper, all of them usual in the PyTorch scripts: the losses are means and not sums (so one weight
holds across sizes), max pooling, and a start from the content picture unless `--init=noise` is given.

Reference: Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import PIL
import torch
from PIL import Image, ImageOps
from torch.nn import functional

LAYERS = (
    "conv1_1", "conv1_2", "pool1",
    "conv2_1", "conv2_2", "pool2",
    "conv3_1", "conv3_2", "conv3_3", "conv3_4", "pool3",
    "conv4_1", "conv4_2", "conv4_3", "conv4_4", "pool4",
    "conv5_1",
)  # fmt: skip
CONVOLUTIONS = tuple(name for name in LAYERS if name.startswith("conv"))
CONTENT_LAYER = "conv4_2"
STYLE_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Weights = Sequence[tuple[Any, Any]]  # (kernel OIHW, bias O) of each of CONVOLUTIONS, arrays or tensors
Terms = dict[str, torch.Tensor]


class Evaluation(NamedTuple):
    """One evaluation of the objective: seconds since the optimiser's start, its number from 1, and the loss."""

    seconds: float
    number: int
    loss: float


class Result(NamedTuple):
    """What an optimiser returns: valid pixels [1, 3, H, W] in [0, 1], the record, and the loss of those pixels."""

    image: torch.Tensor
    evaluations: list[Evaluation]
    seconds: float
    loss: float
    terms: dict[str, float]


# Weights ---------------------------------------------------------------------------------------------------------


def load_vgg19(path: str | Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Reads VGG-19 up to block5_conv1 from a Keras h5 file; returns (kernel OIHW, bias O) float32, first layer first.

    Any layout will do in which a layer's name is a group: its kernel is the 4-D array there, its bias the 1-D one.

    Raises:
        ValueError: a layer is missing, or has not exactly one kernel and one bias.
    """
    found: dict[str, list[np.ndarray]] = {_keras_name(name): [] for name in CONVOLUTIONS}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            for layer in found.keys() & set(name.split("/")):
                found[layer].append(item[()].astype(np.float32))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    weights = []
    for layer, arrays in found.items():
        kernels = [array for array in arrays if array.ndim == 4]
        biases = [array for array in arrays if array.ndim == 1]
        if len(kernels) != 1 or len(biases) != 1:
            raise ValueError(
                f"{path}: {layer} has {len(kernels)} kernels and {len(biases)} biases, expected one of each. "
                "Give Keras's VGG-19 'notop' weights."
            )
        weights.append((np.ascontiguousarray(kernels[0].transpose(3, 2, 0, 1)), biases[0]))
    return weights


def _keras_name(layer: str) -> str:
    return "block{}_conv{}".format(*layer.removeprefix("conv").split("_"))


# Objective -------------------------------------------------------------------------------------------------------


def gram_matrix(feature: torch.Tensor) -> torch.Tensor:
    """Gram matrix F F^T / (C * H * W) of a feature [1, C, H, W]; returns [C, C]."""
    flat = feature[0].flatten(1)
    return flat @ flat.T / flat.numel()


def total_variation(image: torch.Tensor) -> torch.Tensor:
    """Mean squared horizontal difference plus mean squared vertical difference of an image [1, 3, H, W] (L2)."""
    horizontal = image[..., :, 1:] - image[..., :, :-1]
    vertical = image[..., 1:, :] - image[..., :-1, :]
    return horizontal.square().mean() + vertical.square().mean()


class ClassicObjective:
    """Weighted content, style and total variation loss of an image against one content and one style picture.

    Calling it returns the total and its terms, already weighted, so that the terms add up to the total.

    Args:
        weights: (kernel OIHW, bias O) of conv1_1 ... conv5_1, of any widths, see `load_vgg19`.
        content: [1, 3, H, W], RGB in [0, 1]; images must have its size.
        style: [1, 3, h, w], RGB in [0, 1], of its own size.
        content_weight: of the mean squared difference of features at conv4_2.
        style_weight: of the mean squared difference of Gram matrices, at each of the five style layers.
        total_variation_weight: of `total_variation`; with 0 the term is left out.
        dtype: of the convolutions, "float32" or "bfloat16" (autocast); pixels and losses are always float32.
        channels_last: memory layout of pictures and features; by default only with bfloat16.
    """

    def __init__(
        self,
        weights: Weights,
        content: torch.Tensor,
        style: torch.Tensor,
        *,
        content_weight: float = 5.0,
        style_weight: float = 100.0,
        total_variation_weight: float = 0.0,
        dtype: str = "float32",
        channels_last: bool | None = None,
    ) -> None:
        if len(weights) != len(CONVOLUTIONS):
            raise ValueError(f"Got weights of {len(weights)} convolutions, expected {len(CONVOLUTIONS)}.")
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.total_variation_weight = total_variation_weight
        self.dtype = DTYPES[dtype]
        self.channels_last = dtype == "bfloat16" if channels_last is None else channels_last
        self._memory_format = torch.channels_last if self.channels_last else torch.contiguous_format
        self._mean = torch.tensor(CAFFE_MEAN_BGR).view(1, 3, 1, 1)
        # Cast once: autocast caches its casts only for weights that are being trained.
        self._weights = {
            name: (
                torch.as_tensor(kernel).to(dtype=self.dtype, memory_format=self._memory_format),
                torch.as_tensor(bias).to(dtype=self.dtype),
            )
            for name, (kernel, bias) in zip(CONVOLUTIONS, weights, strict=True)
        }
        with torch.no_grad():
            self._content = self.features(content, (CONTENT_LAYER,))[CONTENT_LAYER].float()
            style_features = self.features(style, STYLE_LAYERS)
            self._grams = {name: gram_matrix(style_features[name].float()) for name in STYLE_LAYERS}

    def features(self, image: torch.Tensor, layers: Sequence[str]) -> Mapping[str, torch.Tensor]:
        """Features after ReLU at the named layers, in the compute dtype; stops after the last of them."""
        features = {}
        x = (255.0 * image.flip(1) - self._mean).contiguous(memory_format=self._memory_format)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            for name in LAYERS:
                if name in self._weights:
                    x = functional.relu_(functional.conv2d(x, *self._weights[name], padding=1))
                else:
                    x = functional.max_pool2d(x, 2)
                if name in layers:
                    features[name] = x
                    if len(features) == len(layers):
                        break
        return features

    def __call__(self, image: torch.Tensor) -> tuple[torch.Tensor, Terms]:
        features = self.features(image, (*STYLE_LAYERS, CONTENT_LAYER))
        content = functional.mse_loss(features[CONTENT_LAYER].float(), self._content)
        terms = {f"content/{CONTENT_LAYER}": self.content_weight * content}
        for name, target in self._grams.items():
            style = functional.mse_loss(gram_matrix(features[name].float()), target)
            terms[f"style/{name}"] = self.style_weight * style
        if self.total_variation_weight:
            terms["total_variation"] = self.total_variation_weight * total_variation(image)
        return torch.stack(list(terms.values())).sum(), terms

    def value_and_gradient(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the total and its gradient with respect to the image: one evaluation, as the optimisers make it."""
        image = image.detach().requires_grad_()
        total, _ = self(image)
        (gradient,) = torch.autograd.grad(total, image)
        return total.detach(), gradient


# Optimisers ------------------------------------------------------------------------------------------------------


def run_lbfgs(
    objective: ClassicObjective,
    image: torch.Tensor,
    evaluations: int,
    *,
    history_size: int = 100,
    line_search: str | None = None,
) -> Result:
    """Minimises with torch.optim.LBFGS from an image [1, 3, H, W]; pixels are clamped only at the end.

    Without a line search (the classic scripts) an iteration is one evaluation. `line_search="strong_wolfe"` may end
    a few evaluations beyond the number asked for, as it finishes the search it is in.
    """
    pixels = image.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [pixels],
        lr=1.0,
        max_iter=evaluations,
        max_eval=evaluations,
        history_size=history_size,
        tolerance_grad=-1.0,  # never reached: only the number of evaluations ends the run
        tolerance_change=-1.0,
        line_search_fn=line_search,
    )
    record: list[Evaluation] = []
    start = time.perf_counter()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        total, _ = objective(pixels)
        total.backward()
        record.append(Evaluation(time.perf_counter() - start, len(record) + 1, total.item()))
        return total.detach()

    optimizer.step(closure)
    return _result(objective, pixels, record, time.perf_counter() - start)


def run_adam(objective: ClassicObjective, image: torch.Tensor, steps: int, lr: float = 0.02) -> Result:
    """Minimises with torch.optim.Adam from an image [1, 3, H, W], clamping the pixels to [0, 1] after each step."""
    pixels = image.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=lr)
    record: list[Evaluation] = []
    start = time.perf_counter()
    for number in range(1, steps + 1):
        optimizer.zero_grad()
        total, _ = objective(pixels)
        total.backward()
        record.append(Evaluation(time.perf_counter() - start, number, total.item()))
        optimizer.step()
        with torch.no_grad():
            pixels.clamp_(0.0, 1.0)
    return _result(objective, pixels, record, time.perf_counter() - start)


def _result(objective: ClassicObjective, pixels: torch.Tensor, record: list[Evaluation], seconds: float) -> Result:
    with torch.no_grad():
        image = pixels.detach().clamp(0.0, 1.0)
        total, terms = objective(image)
    return Result(image, record, seconds, total.item(), {name: term.item() for name, term in terms.items()})


def time_evaluations(objective: ClassicObjective, image: torch.Tensor, repeats: int) -> list[float]:
    """Seconds of each of `repeats` evaluations with gradient, after one to warm up."""
    objective.value_and_gradient(image)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        objective.value_and_gradient(image)
        seconds.append(time.perf_counter() - start)
    return seconds


# Pictures --------------------------------------------------------------------------------------------------------


def read_image(path: str | Path, size: int = 0) -> torch.Tensor:
    """Reads a picture, or a float32 array [H, W, 3] from an npy file, as [1, 3, H, W], RGB in [0, 1].

    A picture is scaled down (Lanczos, aspect kept) to a long side of `size` pixels, and never up; 0 keeps its size.
    An npy file is taken as it is: another program's pixels.
    """
    if Path(path).suffix == ".npy":
        array = np.load(path).astype(np.float32)
        if array.ndim != 3 or array.shape[-1] != 3:
            raise ValueError(f"{path}: got an array of shape {array.shape}, expected [H, W, 3].")
    else:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGB")
        long_side = max(picture.size)
        if 0 < size < long_side:
            width, height = (max(1, round(side * size / long_side)) for side in picture.size)
            picture = picture.resize((width, height), Image.Resampling.LANCZOS)
        array = np.asarray(picture, np.float32) / 255.0
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


def write_image(path: str | Path, image: torch.Tensor) -> None:
    """Writes an image [1, 3, H, W], RGB in [0, 1], as an 8-bit picture, or as a float32 [H, W, 3] npy file."""
    array = image[0].permute(1, 2, 0).numpy()
    if Path(path).suffix == ".npy":
        np.save(path, np.ascontiguousarray(array))
    else:
        Image.fromarray(np.rint(array * 255.0).astype(np.uint8)).save(path)


def initial_image(init: str, content: torch.Tensor, seed: int) -> torch.Tensor:
    """The start: the content picture, or uniform noise in [0, 1] from the seed."""
    if init == "content":
        return content.clone()
    return torch.rand(content.shape, generator=torch.Generator().manual_seed(seed))


# Command line ----------------------------------------------------------------------------------------------------


def peak_memory() -> dict[str, int]:
    """Peak resident memory of this process in bytes, by the kernel's two counts.

    `ru_maxrss` starts from the peak of the process that started this one (Linux keeps it across exec), so a large
    parent hides a small child; `VmHWM` starts from nothing and is the one to compare, where there is one.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return {"peak_rss_bytes": peaks[0] if peaks else usage, "ru_maxrss_bytes": usage}


def environment() -> dict[str, Any]:
    """What the numbers depend on beside the settings.

    Where `fast_bfloat16` is false, PyTorch has no bfloat16 convolution for this CPU (oneDNN wants AVX-512 or better)
    and falls back on a reference kernel, tens of times slower than float32: times of it compare with nothing.
    """
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "pillow": PIL.__version__,
    }
    return {
        "versions": versions,
        "threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "fast_bfloat16": bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    }


def parser() -> argparse.ArgumentParser:
    """The command line's arguments."""
    summary = (__doc__ or "").split("\n")[0]
    result = argparse.ArgumentParser(prog="python -m benchmarks.peer_pytorch", description=summary)
    add = result.add_argument
    add("--mode", choices=("run", "time", "loss"), default="run", help="make a picture, time, or judge --image")
    add("--content", type=Path, required=True, help="picture, or npy of [H, W, 3] float32 in [0, 1], taken as it is")
    add("--style", type=Path, required=True, help="likewise")
    add("--weights", type=Path, required=True, help="Keras VGG-19 notop h5 file")
    add("--image", type=Path, help="mode loss: the image to judge; else: where to start, instead of --init")
    add("--size", type=int, default=512, help="long side of the content in pixels, never scaled up; 0: its own")
    add("--style_size", type=int, help="the same for the style (default: --size)")
    add("--optimizer", choices=("lbfgs", "adam"), default="lbfgs")
    add("--evaluations", type=int, default=400, help="evaluations of the objective with gradient")
    add("--learning_rate", type=float, default=0.02, help="of Adam")
    add("--line_search", choices=("strong_wolfe",), help="of L-BFGS; the classic scripts have none")
    add("--init", choices=("content", "noise"), default="content")
    add("--seed", type=int, default=0)
    add("--content_weight", type=float, default=5.0)
    add("--style_weight", type=float, default=100.0)
    add("--total_variation_weight", type=float, default=0.0)
    add("--dtype", choices=tuple(DTYPES), default="float32", help="of the convolutions")
    add("--channels_last", action=argparse.BooleanOptionalAction, help="memory layout (default: with bfloat16 only)")
    add("--threads", type=int, default=0, help="0: as PyTorch chooses")
    add("--repeats", type=int, default=5, help="mode time: evaluations to time, after one to warm up")
    add("--output", type=Path, help="mode run: the picture, or its float32 pixels for a name ending in .npy")
    add("--json", type=Path, help="the record")
    return result


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Does what the arguments ask for; returns the record."""
    load_average = os.getloadavg()[0]  # of the last minute: near 0 on a machine fit to measure on
    start = time.perf_counter()
    content = read_image(args.content, args.size)
    style = read_image(args.style, args.size if args.style_size is None else args.style_size)
    image = initial_image(args.init, content, args.seed) if args.image is None else read_image(args.image)
    if image.shape != content.shape:
        raise ValueError(f"The image has shape {tuple(image.shape)}, the content {tuple(content.shape)}: not the same.")
    objective = ClassicObjective(
        load_vgg19(args.weights),
        content,
        style,
        content_weight=args.content_weight,
        style_weight=args.style_weight,
        total_variation_weight=args.total_variation_weight,
        dtype=args.dtype,
        channels_last=args.channels_last,
    )
    record: dict[str, Any] = {
        "mode": args.mode,
        "settings": {name: str(value) if isinstance(value, Path) else value for name, value in vars(args).items()},
        "dtype": args.dtype,
        "channels_last": objective.channels_last,
        "content_shape": list(content.shape[2:]),
        "style_shape": list(style.shape[2:]),
        "load_average": load_average,
        "setup_seconds": time.perf_counter() - start,
    }
    if args.mode == "time":
        seconds = time_evaluations(objective, image, args.repeats)
        record["seconds_per_evaluation"] = {
            "median": statistics.median(seconds),
            "min": min(seconds),
            "all": seconds,
        }
    elif args.mode == "loss":
        with torch.no_grad():
            total, terms = objective(image)
        record["loss"] = total.item()
        record["terms"] = {name: term.item() for name, term in terms.items()}
    else:
        if args.optimizer == "lbfgs":
            result = run_lbfgs(objective, image, args.evaluations, line_search=args.line_search)
        else:
            result = run_adam(objective, image, args.evaluations, lr=args.learning_rate)
        if args.output is not None:
            write_image(args.output, result.image)
        record["seconds"] = result.seconds
        record["evaluations"] = [evaluation._asdict() for evaluation in result.evaluations]
        record["loss"] = result.loss  # of the clamped picture, as are the terms
        record["terms"] = result.terms
    return record | environment() | peak_memory()


def report(record: Mapping[str, Any]) -> str:
    """The record in a few lines of text."""
    height, width = record["content_shape"]
    torch_version = record["versions"]["torch"]
    lines = [f"PyTorch {torch_version}, {width}x{height} px, {record['dtype']}, {record['threads']} threads"]
    if record["mode"] == "time":
        seconds = record["seconds_per_evaluation"]
        lines.append(f"seconds per evaluation: median {seconds['median']:.4f}, min {seconds['min']:.4f}")
    else:
        if record["mode"] == "run":
            lines.append(f"{len(record['evaluations'])} evaluations in {record['seconds']:.2f} s")
        lines.append(f"loss {record['loss']:.9g}")
        lines.extend(f"  {name} {value:.9g}" for name, value in record["terms"].items())
    lines.append(f"peak memory {record['peak_rss_bytes'] / 2**20:.0f} MiB")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    command_line = parser()
    args = command_line.parse_args(arguments)
    if args.mode == "loss" and args.image is None:
        command_line.error("--mode=loss needs --image")
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    record = measure(args)
    print(report(record))
    if args.json is not None:
        args.json.write_text(json.dumps(record, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
