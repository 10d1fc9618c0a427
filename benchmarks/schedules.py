"""How good a picture is after how many seconds: starts, scales and steps, measured on the same pairs.

  python -m benchmarks.schedules --content=a.jpg,b.jpg --style=c.jpg,d.jpg,e.jpg --weights=vgg19_notop.h5

Every pair is painted by all schedules in turn, through the embedded backbone. A schedule is a preset, or `finest` with
other options, so all but `instant` minimise one objective. Seconds are those of painting alone. Pictures are judged by
that objective and, through VGG-19, as `tf-style evaluate` judges. The record goes to benchmarks/SCHEDULES.md, a plot
and a sheet of the presets to docs/pictures.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.figure

from benchmarks import record
from benchmarks.painting_quality import DISTANCES, measure
from benchmarks.pictures import add_pairs, pairs_of, picture, tensor, write_sheet
from benchmarks.record import ROOT, listed, table
from tf_style import images
from tf_style.build import build_backbone, build_network, build_stylizer
from tf_style.config import StylizeConfig
from tf_style.presets import preset_config

PRESETS = ("instant", "draft", "fine", "finest")
#: Of the presets before they started from a network, and others that were tried; options over `finest`.
TRIED: dict[str, dict[str, str]] = {
    "draft before": {
        "init": "content", "scale_factor": "2", "first_steps": "60", "num_steps": "20", "learning_rate": "0.04",
        "average_decay": "0.85", "style_weight": "20", "min_size": "128",
    },
    "fine before": {
        "init": "content", "min_size": "128", "first_steps": "150", "num_steps": "100", "style_weight": "20",
    },
    **{
        f"{start}, {steps} steps": {
            "init": start, "min_size": "0", "first_steps": str(steps), "num_steps": str(steps), "average_decay": "0.9",
        }
        for start, steps in (("content", 30), ("content", 60), ("network", 15), ("network", 30), ("network", 60),
                             ("network", 120))
    },
    "from 256 px, 24 + 24": {
        "min_size": "256", "scale_factor": "2", "first_steps": "24", "num_steps": "24", "average_decay": "0.9",
    },
    "from 362 px, 60 + 30": {"min_size": "362", "first_steps": "60", "num_steps": "30", "average_decay": "0.9"},
}  # fmt: skip
_CELL = 240  # of the sheet
_AXES = {"loss": "loss of the objective", "style": "style distance, VGG-19", "content": "content distance, VGG-19"}


class Figures(NamedTuple):
    """Of one schedule: median seconds, and the means of the objective's loss and of VGG-19's distances."""

    seconds: float
    loss: float
    style: float
    content: float


def config_of(name: str, options: Mapping[str, str]) -> StylizeConfig:
    """A schedule's options, and others over them."""
    config = preset_config(name) if name in PRESETS else preset_config("finest").replace(**TRIED[name])
    return config.replace(backbone="compact_vgg19", weights="", **options)


def settings_of(config: StylizeConfig) -> str:
    """What sets a schedule apart, in words."""
    if config.network:
        return "one pass"
    more = config.min_size and config.first_steps not in (0, config.num_steps)
    first = f"{config.first_steps} at the coarsest scale, " if more else ""
    scales = f"{config.min_size} px on, times {config.scale_factor:.3g}: " if config.min_size else "one scale: "
    return (
        f"from {config.init}; {scales}{first}{config.num_steps} steps at each; rate {config.learning_rate:g}, "
        f"average {config.average_decay:g}, weights {config.content_weight:g} and {config.style_weight:g}"
    )


def build_all(configs: Mapping[str, StylizeConfig]) -> dict[str, Any]:
    """The stylizers, with one backbone and one network."""
    backbone = build_backbone(configs["finest"])
    network = build_network(configs["instant"])
    return {name: build_stylizer(config, backbone, network) for name, config in configs.items()}


def paint(stylizers: dict[str, Any], pair: tuple[str, str], size: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Paints a pair by all schedules, writes the paintings, and returns seconds and loss of each."""
    content, style = (tensor(path, size) for path in pair)
    judge = stylizers["finest"].optimization
    targets = judge.targets(content, [style])
    found = {}
    for name, stylizer in stylizers.items():
        begun = time.perf_counter()
        painting = stylizer(content, [style])
        painting.numpy()
        seconds = time.perf_counter() - begun
        images.write_image(folder / f"{name}.png", painting[0].numpy())
        found[name] = (seconds, float(judge.objective(judge.features(painting), targets)[0]))
    return found


def write_plot(figures: dict[str, Figures], path: Path) -> None:
    """Seconds against each figure, by the numbers of the table; presets in blue, what else was tried in grey."""
    drawing = matplotlib.figure.Figure(figsize=(12, 4), layout="constrained")
    for axes, (field, label) in zip(drawing.subplots(1, len(_AXES)), _AXES.items(), strict=True):
        for number, (name, own) in enumerate(figures.items(), 1):
            place, color = (own.seconds, getattr(own, field)), "tab:blue" if name in PRESETS else "tab:gray"
            axes.scatter(*place, s=16, color=color)
            axes.annotate(str(number), place, textcoords="offset points", xytext=(4, 3), fontsize=8, color=color)
        axes.set(xscale="log", xlabel="seconds of painting", ylabel=label)
        axes.grid(alpha=0.3)
    drawing.savefig(path, dpi=120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints, judges, and writes record, plot and sheet."""
    parser = record.parser(__doc__, "SCHEDULES.md")
    add_pairs(parser, styles_each=2)
    record.add_vgg19(parser)
    record.add_options(parser)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--tried", type=listed(), default=list(TRIED), help="which of the other schedules to measure")
    parser.add_argument("--pictures", type=Path, default=ROOT / "docs" / "pictures", help="where plot and sheet go")
    args = parser.parse_args(arguments)
    pairs, names = pairs_of(args.content, args.style, args.styles_each), [*PRESETS, *args.tried]
    configs = {name: config_of(name, dict(args.option)) for name in names}
    stylizers = build_all(configs)
    for stylizer in stylizers.values():  # compiles
        next(iter(stylizer.run(*(tensor(pairs[0][0], 64), [tensor(pairs[0][1], 64)]))))
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / str(number) for number in range(len(pairs))]
        found = []
        for pair, folder in zip(pairs, folders, strict=True):
            folder.mkdir()
            found.append(paint(stylizers, pair, args.size, folder))
            print(*(Path(path).stem for path in pair), flush=True)
        paintings = [folder / f"{name}.png" for name in names for folder in folders]
        judged = measure(len(names) * pairs, paintings, args.weights, args.size, Path(place))
        groups = [
            [*(picture(path, args.size) for path in pair), *(picture(folder / f"{name}.png", 0) for name in PRESETS)]
            for pair, folder in zip(pairs, folders, strict=True)
        ]
    figures = {}
    for number, name in enumerate(names):
        rows = judged[number * len(pairs) : (number + 1) * len(pairs)]
        seconds, losses = zip(*(each[name] for each in found), strict=True)
        distances = (statistics.mean(row[field] for row in rows) for field in DISTANCES)
        figures[name] = Figures(statistics.median(seconds), statistics.mean(losses), *distances)
    write_plot(figures, args.pictures / "schedules.png")
    write_sheet(args.pictures / "presets.jpg", groups, _CELL)
    rows = [
        [str(number), name, settings_of(configs[name]), f"{own.seconds:.1f}", *(f"{figure:.3f}" for figure in own[1:])]
        for number, (name, own) in enumerate(figures.items(), 1)
    ]
    record.write(
        args.output,
        "Seconds and pictures",
        "schedules",
        f"{len(pairs)} pairs at {args.size} px through the embedded backbone. Seconds are medians, of painting alone; "
        "the other figures are means. Weights are those of content and style. The loss is that of the objective of "
        "`finest`; distances are those of `tf-style "
        f"evaluate` through {'VGG-19' if args.weights else 'compact_vgg19'}. Smaller is better.",
        table(["", "schedule", "settings", "seconds", "loss", "style distance", "content distance"], rows),
        "![Seconds against loss and distances](../docs/pictures/schedules.png)",
        f"Photo, painting, then {', '.join(f'`{name}`' for name in PRESETS)}:",
        f"![{len(pairs)} pairs by four presets](../docs/pictures/presets.jpg)",
    )


if __name__ == "__main__":
    main()
