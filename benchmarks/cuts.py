"""Cuts: our detector of shots beside PySceneDetect's AdaptiveDetector, exact to the frame.

  python -m benchmarks.cuts

The reels are made from the example pictures, or those in the folder --content. Shots of 0.7 to 4 s stand still, pan,
zoom or shake, with grain, and something large may move in them. Camera flashes, dissolves and fades lie inside shots
and are no cuts. One cut in five leads to another view of the same picture. The constants of our detector were chosen
on the reels of the seeds 0, 10, 11 and 12. The record goes to benchmarks/CUTS.md. The peer is in the extra `dev`.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks import record
from benchmarks.record import PICTURES, listed, table
from tf_style.motion import ShotDetector

RATE = 24.0
SIZE = (256, 144)  # the width at which PySceneDetect compares frames; it would scale larger ones down
GRAINS = (0.0, 1.0, 2.0, 4.0, 6.0)  # standard deviations, of 255
SAME_PICTURE = 0.2  # share of cuts
Frames = list[np.ndarray]


class Reel(NamedTuple):
    """Frames, uint8 [H, W, 3]; for each what happens in it; and the frames that begin shots."""

    frames: Frames
    events: list[str]
    cuts: list[int]


class Camera(NamedTuple):
    """A view of a picture: its middle, its width as a share of the picture's, and by how many degrees it is turned."""

    x: float
    y: float
    width: float
    angle: float = 0.0

    def of(self, picture: np.ndarray) -> np.ndarray:
        """What it sees; beyond the picture's edges lies its mirror image."""
        scale = self.width * picture.shape[1] / SIZE[0]
        turn = scale * np.exp(1j * np.deg2rad(self.angle))
        middle = complex(self.x * picture.shape[1], self.y * picture.shape[0])
        corner = middle - turn * complex(*SIZE) / 2
        matrix = np.array([[turn.real, -turn.imag, corner.real], [turn.imag, turn.real, corner.imag]])
        return cv2.warpAffine(
            picture, matrix, SIZE, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
        )


def still(camera: Camera, times: np.ndarray, rng: np.random.Generator) -> list[Camera]:
    """The camera stands on a tripod."""
    del rng
    return [camera] * len(times)


def pan(slowest: float, fastest: float) -> Callable[[Camera, np.ndarray, np.random.Generator], list[Camera]]:
    """Moves by so many widths of the frame a second at most; half of the pans begin and end softly."""

    def move(camera: Camera, times: np.ndarray, rng: np.random.Generator) -> list[Camera]:
        speed = rng.uniform(slowest, fastest) * camera.width * rng.choice((-1, 1))
        end = times[-1] or 1.0
        way = times if rng.random() < 0.5 else end / 2 * (1 - np.cos(np.pi * times / end))
        slope = rng.uniform(-0.3, 0.3)
        return [camera._replace(x=camera.x + speed * step, y=camera.y + slope * speed * step) for step in way]

    return move


def zoom(camera: Camera, times: np.ndarray, rng: np.random.Generator) -> list[Camera]:
    """Comes nearer, or goes away, by up to a factor of 1.8 a second."""
    rate = np.log(rng.uniform(1.1, 1.8)) * rng.choice((-1, 1))
    return [camera._replace(width=float(np.clip(camera.width * np.exp(rate * t), 0.15, 1.2))) for t in times]


def shake(camera: Camera, times: np.ndarray, rng: np.random.Generator) -> list[Camera]:
    """Is held in the hand of someone who walks."""
    phases, size = rng.uniform(0, 2 * np.pi, 3), camera.width * rng.uniform(0.01, 0.05)
    return [
        camera._replace(
            x=camera.x + size * np.sin(9 * t + phases[0]), y=camera.y + size * np.sin(13 * t + phases[1]),
            angle=60 * size * np.sin(7 * t + phases[2]),
        )
        for t in times
    ]  # fmt: skip


MOVES = {
    "still": still, "slow pan": pan(0.05, 0.25), "fast pan": pan(0.6, 1.6), "zoom": zoom, "shake": shake,
}  # fmt: skip


def moving_object(frames: Frames, picture: np.ndarray, rng: np.random.Generator) -> range:
    """Someone crosses the scene, up to half as wide as it, and near the camera."""
    height, width = frames[0].shape[:2]
    own_width, own_height = int(width * rng.uniform(0.2, 0.5)), int(height * rng.uniform(0.5, 1.0))
    figure = cv2.resize(picture, (own_width, own_height), interpolation=cv2.INTER_AREA)
    mask = cv2.ellipse(
        np.zeros(figure.shape, np.uint8),
        (own_width // 2, own_height // 2),
        (own_width // 2, own_height // 2),
        0,
        0,
        360,
        (1, 1, 1),
        -1,
    )
    speed, left = width / RATE * rng.uniform(0.3, 2.0), -own_width
    for frame in frames:
        left = left + speed if left < width else -own_width
        begin, end = max(0, int(left)), min(width, int(left) + own_width)
        if begin < end:
            seen = slice(begin - int(left), end - int(left))
            place = frame[height - own_height :, begin:end]
            np.copyto(place, figure[:, seen], where=mask[:, seen] > 0)
    return range(len(frames))


def flash(frames: Frames, picture: np.ndarray, rng: np.random.Generator) -> range:
    """A camera's flash, of one to three frames."""
    del picture
    length = int(rng.integers(1, 4))
    begin = int(rng.integers(4, len(frames) - length - 3))
    for number in range(begin, begin + length):
        light = rng.uniform(1.6, 4.0)
        frames[number] = np.clip(frames[number] * light + 60, 0, 255).astype(np.uint8)
    return range(begin, begin + length + 1)


def dissolve(frames: Frames, picture: np.ndarray, rng: np.random.Generator) -> range:
    """One picture becomes another, over 10 frames or more."""
    length = int(rng.integers(10, max(11, min(30, len(frames)))))
    begin = int(rng.integers(0, len(frames) - length + 1))
    other = view(rng).of(picture)
    for number in range(begin, len(frames)):
        share = min(1.0, (number - begin + 1) / length)
        frames[number] = cv2.addWeighted(other, share, frames[number], 1 - share, 0)
    return range(begin, begin + length)


def fade(frames: Frames, picture: np.ndarray, rng: np.random.Generator) -> range:
    """The picture goes dark, and comes back."""
    del picture, rng
    for number, frame in enumerate(frames):
        light = abs(1 - 2 * number / (len(frames) - 1))
        frames[number] = np.rint(frame * light).astype(np.uint8)
    return range(len(frames))


EVENTS = {"moving object": moving_object, "flash": flash, "dissolve": dissolve, "fade": fade}


def view(rng: np.random.Generator) -> Camera:
    """Any view."""
    width = rng.uniform(0.3, 0.8)
    return Camera(rng.uniform(width / 2, 1 - width / 2), rng.uniform(0.3, 0.7), width)


def make_reel(pictures: Sequence[np.ndarray], cuts: int, seed: int) -> Reel:
    """A reel with so many cuts."""
    rng = np.random.default_rng(seed)
    reel = Reel([], [], [])
    number = 0
    for place in range(cuts + 1):
        if place and rng.random() >= SAME_PICTURE:
            number = (number + int(rng.integers(1, len(pictures)))) % len(pictures)
        times = np.arange(round(RATE * rng.uniform(0.7, 4.0))) / RATE
        name = str(rng.choice(list(MOVES)))
        frames = [camera.of(pictures[number]) for camera in MOVES[name](view(rng), times, rng)]
        kinds = [name] * len(frames)
        if rng.random() < 0.5:
            event = str(rng.choice(list(EVENTS)))
            other = pictures[(number + 1) % len(pictures)]
            for when in EVENTS[event](frames, other, rng):
                kinds[when] = event
        grain = rng.choice(GRAINS)
        frames = [_grainy(frame, grain, rng) for frame in frames]
        if place:
            reel.cuts.append(len(reel.frames))
        reel.frames.extend(frames)
        reel.events.extend(kinds)
    return reel


def _grainy(frame: np.ndarray, grain: float, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0.0, grain, frame.shape) if grain else 0.0
    return np.clip(np.rint(frame + noise), 0, 255).astype(np.uint8)


def own(frames: Frames) -> Iterator[int | None]:
    """The cuts that our detector finds."""
    detector = ShotDetector(RATE)
    yield from map(detector.add, frames)
    yield from detector.finish()


def adaptive(frames: Frames) -> Iterator[int | None]:
    """Those of PySceneDetect, with its defaults."""
    from scenedetect import AdaptiveDetector, FrameTimecode

    detector = AdaptiveDetector()
    for number, frame in enumerate(frames):
        found = detector.process_frame(FrameTimecode(number, RATE), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        yield from (cut.frame_num for cut in found)
    yield from (cut.frame_num for cut in detector.post_process(FrameTimecode(len(frames) - 1, RATE)))


DETECTORS = {"tf_style": own, "AdaptiveDetector": adaptive}


def measure(name: str, reel: Reel) -> tuple[set[int], float]:
    """The frames at which a detector finds cuts, and milliseconds a frame."""
    started = time.perf_counter()
    found = {cut for cut in DETECTORS[name](reel.frames) if cut is not None}
    return found, 1000.0 * (time.perf_counter() - started) / len(reel.frames)


def figures(found: int, right: int, cuts: int) -> list[str]:
    """Precision, recall and F1, in percent."""
    return [
        f"{100 * part / max(1, whole):.1f}"
        for part, whole in ((right, found), (right, cuts), (2 * right, found + cuts))
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the reels, looks for their cuts, writes the record."""
    parser = record.parser(__doc__, "CUTS.md")
    parser.add_argument("--content", type=Path, default=PICTURES, help="a folder of pictures")
    parser.add_argument("--cuts", type=int, default=60, help="in each reel")
    parser.add_argument("--seeds", type=listed(int), default=[1, 2, 3], help="a reel for each")
    args: argparse.Namespace = parser.parse_args(arguments)
    pictures = [cv2.imread(str(path))[..., ::-1].copy() for path in sorted(args.content.glob("*.jpg"))]
    rows, sums, wrong = [], {name: Counter() for name in DETECTORS}, {name: Counter() for name in DETECTORS}
    for seed in args.seeds:
        reel = make_reel(pictures, args.cuts, seed)
        for name in DETECTORS:
            found, cost = measure(name, reel)
            counts = Counter(found=len(found), right=len(found & set(reel.cuts)), cuts=len(reel.cuts))
            rows.append([f"seed {seed}", name, str(len(found)), *figures(**counts), f"{cost:.2f}"])
            sums[name] += counts
            for cut in found - set(reel.cuts):
                wrong[name][f"found in: {reel.events[cut]}"] += 1
            for cut in set(reel.cuts) - found:
                wrong[name][f"missed before: {reel.events[cut]}"] += 1
    for name in DETECTORS:
        rows.append(["all", name, str(sums[name]["found"]), *figures(**sums[name]), ""])
    kinds = sorted({kind for counter in wrong.values() for kind in counter})
    record.write(
        args.output,
        "Cuts between shots",
        "cuts",
        f"Reels of {args.cuts} cuts from {len(pictures)} pictures, {SIZE[0]} x {SIZE[1]} pixels, {RATE:g} frames a "
        "second. A cut is right if it is found at its very frame. Camera flashes, dissolves and fades are no cuts. Our "
        "constants were chosen on other reels; PySceneDetect's are its defaults.",
        table(["reel", "detector", "found", "precision", "recall", "F1", "ms a frame"], rows),
        "What went wrong, in all reels:",
        table(["what", *DETECTORS], [[kind, *(str(wrong[name][kind]) for name in DETECTORS)] for kind in kinds]),
    )


if __name__ == "__main__":
    main()
