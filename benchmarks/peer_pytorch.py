"""The peer: neural style transfer after Gatys et al. (2016), as an ordinary good PyTorch user writes it.

It is here to be compared with, so it is meant to be fast and small: frozen weights, ReLU in place, nothing computed
after the last layer needed, weights cast once and not at every step. It imports torch, numpy, h5py and Pillow only.

  python -m benchmarks.peer_pytorch --content=a.jpg --style=b.jpg --weights=vgg19_notop.h5 --json=out.json

Departures from the paper, all of them usual in PyTorch scripts: losses are means and not sums (so one weight holds
across sizes), max pooling, and a start from the content picture.

Reference: Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
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
CONTENT_WEIGHT, STYLE_WEIGHT = 5.0, 100.0
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Weights = Sequence[tuple[Any, Any]]  # (kernel OIHW, bias O) of each of CONVOLUTIONS, arrays or tensors
Terms = dict[str, torch.Tensor]


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


def gram_matrix(feature: torch.Tensor) -> torch.Tensor:
    """Gram matrix F F^T / (C * H * W) of a feature [1, C, H, W]; returns [C, C]."""
    flat = feature[0].flatten(1)
    return flat @ flat.T / flat.numel()


class ClassicObjective:
    """Weighted content and style loss of an image against one content and one style picture.

    Calling it returns the total and its terms, already weighted, so that the terms add up to the total.

    Args:
        weights: (kernel OIHW, bias O) of conv1_1 ... conv5_1, of any widths, see `load_vgg19`.
        content: [1, 3, H, W], RGB in [0, 1]; images must have its size.
        style: [1, 3, h, w], RGB in [0, 1], of its own size.
        dtype: of the convolutions, "float32" or "bfloat16" (autocast); pixels and losses are always float32.
        channels_last: memory layout of pictures and features.
    """

    def __init__(
        self,
        weights: Weights,
        content: torch.Tensor,
        style: torch.Tensor,
        *,
        dtype: str = "float32",
        channels_last: bool = False,
    ) -> None:
        self.dtype = DTYPES[dtype]
        self._memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self._device = content.device
        self._mean = torch.tensor(CAFFE_MEAN_BGR, device=self._device).view(1, 3, 1, 1)
        # Cast once: autocast caches its casts only for weights that are being trained.
        self._weights = {
            name: (
                torch.as_tensor(kernel).to(self._device, self.dtype, memory_format=self._memory_format),
                torch.as_tensor(bias).to(self._device, self.dtype),
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
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16):
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
        terms = {f"content/{CONTENT_LAYER}": CONTENT_WEIGHT * content}
        for name, target in self._grams.items():
            terms[f"style/{name}"] = STYLE_WEIGHT * functional.mse_loss(gram_matrix(features[name].float()), target)
        return torch.stack(list(terms.values())).sum(), terms

    def value_and_gradient(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the total and its gradient with respect to the image: one evaluation, as the optimiser makes it."""
        image = image.detach().requires_grad_()
        total, _ = self(image)
        (gradient,) = torch.autograd.grad(total, image)
        return total.detach(), gradient


def run_lbfgs(objective: ClassicObjective, image: torch.Tensor, evaluations: int) -> tuple[torch.Tensor, list[float]]:
    """Minimises with torch.optim.LBFGS from an image [1, 3, H, W], without a line search, as the classic scripts do.

    Returns the picture, clamped to [0, 1] only at the end, and the loss at each evaluation.
    """
    pixels = image.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [pixels],
        lr=1.0,
        max_iter=evaluations,
        max_eval=evaluations,
        history_size=100,
        tolerance_grad=-1.0,  # never reached: only the number of evaluations ends the run
        tolerance_change=-1.0,
    )
    losses: list[float] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        total, _ = objective(pixels)
        total.backward()
        losses.append(total.item())
        return total.detach()

    optimizer.step(closure)
    return pixels.detach().clamp(0.0, 1.0), losses


def read_image(path: str | Path, size: int) -> torch.Tensor:
    """Reads a picture as [1, 3, H, W], RGB in [0, 1], scaled (Lanczos, aspect kept) to a long side of `size` pixels."""
    with Image.open(path) as file:
        picture = ImageOps.exif_transpose(file).convert("RGB")
    width, height = (max(1, round(side * size / max(picture.size))) for side in picture.size)
    array = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS), np.float32) / 255.0
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None]


def peak_memory() -> int:
    """Peak resident memory of this process in bytes.

    `VmHWM` where there is one: `ru_maxrss` starts from the peak of the process that started this one.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    unit = 1 if sys.platform == "darwin" else 1024
    return peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and what it returned."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def main(arguments: Sequence[str] | None = None) -> None:
    """Times evaluations, or makes a picture and times that; writes the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=("run", "time"), default="run")
    parser.add_argument("--content", required=True)
    parser.add_argument("--style", required=True)
    parser.add_argument("--weights", required=True, help="Keras's VGG-19 notop file")
    parser.add_argument("--json", type=Path, required=True, help="where the record goes")
    parser.add_argument("--size", type=int, default=512, help="long side of both pictures in pixels")
    parser.add_argument("--picture", type=Path, help="where the picture of a run goes; default: nowhere")
    parser.add_argument("--evaluations", type=int, default=400, help="of the objective, with gradient, in a run")
    parser.add_argument("--dtype", choices=tuple(DTYPES), default="float32", help="of the convolutions")
    parser.add_argument("--channels_last", action="store_true", help="memory layout of pictures and features")
    parser.add_argument("--repeats", type=int, default=5, help="evaluations to time, after one to warm up")
    args = parser.parse_args(arguments)
    content, style = (read_image(path, args.size) for path in (args.content, args.style))
    options = {"dtype": args.dtype, "channels_last": args.channels_last}
    objective = ClassicObjective(load_vgg19(args.weights), content, style, **options)
    if args.mode == "time":
        objective.value_and_gradient(content)
        seconds = [timed(lambda: objective.value_and_gradient(content))[0] for _ in range(args.repeats)]
        record: dict[str, Any] = {"seconds_per_evaluation": statistics.median(seconds)}
    else:
        spent, (image, losses) = timed(lambda: run_lbfgs(objective, content, args.evaluations))
        with torch.no_grad():
            clamped = objective(image)[0].item()
        record = {"seconds": spent, "evaluations": len(losses), "loss": min(losses[-1], clamped)}
        if args.picture:
            levels = (255.0 * image[0].permute(1, 2, 0)).round().to(torch.uint8).numpy()
            Image.fromarray(levels).save(args.picture)
    args.json.write_text(json.dumps(record | {"peak_rss_bytes": peak_memory()}))


if __name__ == "__main__":
    main()
