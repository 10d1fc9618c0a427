"""Narrow backbones beside VGG-19: size, speed, features, and the pictures painted through them, judged by VGG-19.

  python -m benchmarks.frontier --weights=vgg19_notop.h5 --students=half=half/backbone.npz,slim=slim/backbone.npz \
      --content=a.jpg,b.jpg --style=c.jpg,d.jpg,e.jpg

Every pair is painted through all backbones in turn, with the same steps. A painting's distance adds up content and the
layers' Gram matrices at the weights of `fine`. "Equal seconds": VGG-19's own painting is taken at the moment when the
student's was done. Paintings are kept in --cells, and not painted again. The record goes to benchmarks/FRONTIER.md, a
plot and a sheet (of the first student) to docs/pictures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tf_style.jobs.run.quiet import quiet_tensorflow

with quiet_tensorflow():
    import tensorflow as tf

import numpy as np

from benchmarks import record
from benchmarks.frontier_record import describe, table_of, write_paintings, write_plot
from benchmarks.ours import evaluation
from benchmarks.pictures import add_pairs, pairs_of, picture, tensor
from benchmarks.record import ROOT, has_bfloat16, listed
from benchmarks.timing import in_turns, milliseconds
from tf_style.backbones import (
    BACKBONES,
    Kernels,
    cached_weights,
    canonical_layer,
    compact_channels,
    compact_kernels,
    vgg_features,
)
from tf_style.backbones.weights import application_kernels
from tf_style.build import build_stylizer
from tf_style.config import StylizeConfig
from tf_style.evaluation import Evaluation
from tf_style.presets import preset_config

TEACHER = "vgg19"
_SNAPSHOTS_EVERY = 2  # steps, of VGG-19's paintings in the making


def config_of(name: str, weights: str, steps: int, dtype: str = "auto") -> StylizeConfig:
    """`fine` with Gram matrices, those that are judged, at one scale."""
    return preset_config("fine").replace(
        backbone=TEACHER if name == TEACHER else "compact_vgg19",
        weights=weights,
        style_statistic="gram",
        min_size=0,
        num_steps=steps,
        first_steps=steps,
        compute_dtype=dtype,
    )


def paint(pair: tuple[str, str], stylizer: Any, size: int, path: Path, *, snapshots: bool) -> None:
    """Paints, and keeps the painting, the seconds after each step and, if asked for, the paintings on the way."""
    content, style = (tensor(name, size) for name in pair)
    seconds, kept, spent = [], {}, 0.0
    run = stylizer.run(content, [style])
    while True:
        started = time.perf_counter()
        progress = next(run, None)
        spent += time.perf_counter() - started
        if progress is None:
            break
        seconds.append(spent)
        last = progress.image[0].numpy()
        if snapshots and progress.step % _SNAPSHOTS_EVERY == 0:
            kept[f"step_{progress.step}"] = _levels(last)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, painting=_levels(last), seconds=np.array(seconds), **kept)
    temporary.replace(path)


def _levels(pixels: np.ndarray) -> np.ndarray:
    return np.round(255.0 * pixels).astype(np.uint8)


class Judge:
    """VGG-19's distances."""

    def __init__(self, weights: str) -> None:
        self._config = config_of(TEACHER, weights, 1)
        layers = [canonical_layer(layer) for layer in (*self._config.style_layers, *self._config.content_layers)]
        count = len(self._config.style_layers)
        backbone = BACKBONES[TEACHER](layers, weights=weights, padding=self._config.padding)
        self._evaluation = Evaluation(backbone, layers[:count], layers[count:])

    def __call__(self, painting: np.ndarray, pair: tuple[str, str], size: int) -> tuple[float, float, float]:
        """At the objective's weights; of style, all layers alike; of content."""
        content, style = (tensor(name, size) for name in pair)
        image = tf.constant(painting[None] / np.float32(255))
        found = self._evaluation(image, content, self._evaluation.style_targets(style))
        content_distance = float(found.content_distance[0])
        by_layer = [float(distance[0]) for distance in found.style_distance_by_layer.values()]
        config = self._config
        weighted = sum(weight * each for weight, each in zip(config.style_layer_weights, by_layer, strict=True))
        return (
            config.style_weight * weighted + config.content_weight * content_distance,
            float(found.style_distance[0]),
            content_distance,
        )


def multiply_adds(kernels: Kernels, size: int) -> float:
    """Of one forward pass, in thousand millions."""
    return sum(
        kernel.size * (size // 2 ** (int(layer[5]) - 1)) ** 2 for layer, (kernel, _) in kernels.items()
    ) / 1e9  # fmt: skip


def training_steps(path: str) -> str:
    """As the card in a student's file says; "?" where there is none."""
    with np.load(path) as archive:
        return str(json.loads(str(archive["card"]))["steps_done"]) if "card" in archive else "?"


def feature_error(path: str, teacher: Any, pictures: list[tf.Tensor], layers: list[str]) -> float:
    """Mean over layers of the squared error of a student's features, relative to VGG-19's."""
    channels = {layer: compact_channels(path)[layer] for layer in layers}
    student = vgg_features("student", compact_kernels(path), layers, "max", "zero", "float32")
    wrong, whole = dict.fromkeys(layers, 0.0), dict.fromkeys(layers, 0.0)
    for image in pictures:
        wanted, found = teacher(image), student(image)
        for layer, chosen in channels.items():
            goal = wanted[layer].numpy()[..., chosen]
            wrong[layer] += float(np.sum((found[layer].numpy() - goal) ** 2))
            whole[layer] += float(np.sum(goal**2))
    return statistics.mean(wrong[layer] / whole[layer] for layer in layers)


def speeds(weights: dict[str, str], dtype: str, size: int, repeats: int, turns: int) -> dict[str, float]:
    """Milliseconds of one evaluation with its gradient; in turns, medians."""
    image = tf.random.stateless_uniform([1, size, size, 3], [0, 0])
    steps = {
        name: evaluation(build_stylizer(config_of(name, path, 1, dtype)).optimization, image, image)
        for name, path in weights.items()
    }
    return in_turns({name: partial(milliseconds, step, repeats) for name, step in steps.items()}, turns)


class Comparison(NamedTuple):
    """Of one pair: VGG-19's distances of a student's painting, of VGG-19's own, and of that at the student's time."""

    student: tuple[float, float, float]
    equal_steps: tuple[float, float, float]
    equal_seconds: tuple[float, float, float]
    paintings: tuple[np.ndarray, np.ndarray, np.ndarray]


def compare(student: Path, own: Path, judge: Judge, pair: tuple[str, str], size: int) -> Comparison:
    """What was kept of a student's run beside what was kept of VGG-19's."""
    with np.load(student) as theirs, np.load(own) as ours:
        budget = theirs["seconds"][-1]
        steps = int(np.searchsorted(ours["seconds"], budget, side="right")) // _SNAPSHOTS_EVERY * _SNAPSHOTS_EVERY
        early = ours[f"step_{steps}"] if steps else _levels(picture(pair[0], size))
        paintings = theirs["painting"], ours["painting"], early
    return Comparison(*(judge(painting, pair, size) for painting in paintings), paintings)


def summary(found: list[Comparison]) -> list[str]:
    """Cells of the table: ratios after equal steps, and pairs won after equal seconds."""
    ratio, style, content = (
        statistics.median(each.student[part] / each.equal_steps[part] for each in found) for part in range(3)
    )
    won = sum(each.student[0] < each.equal_seconds[0] for each in found)
    return [f"{ratio:.2f}", f"{style:.2f}", f"{content:.2f}", f"{won} of {len(found)}"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints what is missing, judges, and writes record, plot and sheet."""
    parser = record.parser(__doc__, "FRONTIER.md")
    add_pairs(parser, styles_each=2)
    record.add_vgg19(parser)
    parser.add_argument("--students", type=listed(), default=[], help="name=weights, separated by commas")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--speed_size", type=int, default=512)
    parser.add_argument("--cells", type=Path, default=Path("frontier_cells"))
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs" / "pictures", help="where plot and sheet go")
    args = parser.parse_args(arguments)
    students = dict(entry.split("=", 1) for entry in args.students)
    if not students:
        students = {"compact_vgg19": str(ROOT / "tf_style" / "backbones" / "data" / "compact_vgg19.npz")}
    pairs = pairs_of(args.content, args.style, args.styles_each)
    args.weights = args.weights or str(cached_weights(TEACHER) or "")
    if not args.weights:
        parser.error("VGG-19's weights are missing; give Keras's notop file with --weights.")
    weights = {TEACHER: args.weights, **students}
    _paint_all(pairs, weights, args)
    judge = Judge(args.weights)
    compared = {
        name: [
            compare(*(_cell(args, who, weights[who], pair) for who in (name, TEACHER)), judge, pair, args.size)
            for pair in pairs
        ]
        for name in students
    }
    dtypes = ["float32", "bfloat16"] if has_bfloat16() else ["float32"]
    rows, points = _rows(weights, compared, dtypes, args)
    shown = next(iter(students))
    write_plot(points, args.speed_size, args.pictures / "frontier.png")
    paintings = [each.paintings for each in compared[shown]]
    write_paintings(pairs, paintings, args.size, args.pictures / "frontier_sheet.jpg")
    record.write(args.output, "Narrow backbones", "frontier", *table_of(rows, dtypes, len(pairs), shown, args))


def _rows(
    weights: dict[str, str], compared: dict[str, list[Comparison]], dtypes: list[str], args: argparse.Namespace
) -> tuple[list[list[str]], dict[str, tuple[float, float]]]:
    """Rows of the table, and the points of the plot: speed and distance relative to VGG-19's."""
    times = {dtype: speeds(weights, dtype, args.speed_size, 3, 3) for dtype in dtypes}
    layers = [canonical_layer(layer) for layer in (*config_of(TEACHER, "", 1).style_layers, "conv4_2")]
    teacher = BACKBONES[TEACHER](layers, weights=args.weights)
    pictures = [tensor(path, args.size) for path in (*args.content, *args.style)]
    rows, points = [], {TEACHER: (1.0, 1.0)}
    for name, path in weights.items():
        kernels = compact_kernels(path) if name in compared else application_kernels(TEACHER, path)
        kernels = {layer: arrays for layer, arrays in kernels.items() if layer <= "block5_conv1"}
        ratios = {dtype: times[dtype][TEACHER] / times[dtype][name] for dtype in dtypes}
        figures = [f"{times[dtype][name]:.0f} ({ratio:.1f})" for dtype, ratio in ratios.items()]
        steps, cells = "", ["0", "1", "1", "1", ""]
        if name in compared:
            cells = [f"{feature_error(path, teacher, pictures, layers):.3f}", *summary(compared[name])]
            steps, points[name] = training_steps(path), (ratios["float32"], float(cells[1]))
        work = multiply_adds(kernels, args.speed_size)
        rows.append([name, *describe(kernels, steps, work), *figures, *cells])
    return rows, points


def _cell(args: argparse.Namespace, name: str, weights: str, pair: tuple[str, str]) -> Path:
    digest = hashlib.sha256()
    for path in (weights, *pair):
        digest.update(Path(path).read_bytes())
    pictures = "_".join(Path(path).stem for path in pair)
    return args.cells / f"{name}_{pictures}_{args.size}_{args.steps}_{digest.hexdigest()[:12]}.npz"


def _paint_all(pairs: list[tuple[str, str]], weights: dict[str, str], args: argparse.Namespace) -> None:
    """A pair through all backbones, then the next, so that other work on the machine slows all of them alike."""
    stylizers: dict[str, Any] = {}
    for pair in pairs:
        for name, path in weights.items():
            cell = _cell(args, name, path, pair)
            if cell.exists():
                continue
            if name not in stylizers:
                stylizers[name] = build_stylizer(config_of(name, path, args.steps))
                content, style = (tensor(path, args.size) for path in pair)
                next(stylizers[name].run(content, [style]))  # compiles
            paint(pair, stylizers[name], args.size, cell, snapshots=name == TEACHER)
            print(f"{cell.name}", flush=True)


if __name__ == "__main__":
    main()
