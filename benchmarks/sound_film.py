"""Painted films that follow sound: is what is seen in time with what is heard, and does anything flash?

  python -m benchmarks.sound_film

The sound is the synthesised music of `benchmarks.tracks`; the films are an example picture that holds still, and one
that the camera pans over, at even times and at uneven ones. The record goes to benchmarks/SOUND_FILM.md.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from PIL import Image

import tf_style
from benchmarks import record
from benchmarks.record import PICTURES, table
from benchmarks.tracks import PARTS, make_track, write_sound
from tf_style.audio import FlashGuard
from tf_style.jobs.film import controls
from tf_style.schedule import Schedule
from tf_style.video import read_frames, read_info

AROUND = 0.1  # seconds on either side of an onset in which the greatest change is looked for
RISE = 0.05  # of a share
SWING = 0.1  # of white's luminance
STYLES = (PICTURES / "starry_night.jpg", PICTURES / "great_wave.jpg")


class Case(NamedTuple):
    """A film: what is painted, frames a second, what is left out of them (every n-th), and further options."""

    name: str
    content: str
    fps: int
    without: int = 0
    options: dict[str, Any] = {}


CASES = (
    Case("a picture that holds still", "still", 24),
    Case("the same", "still", 60),
    Case("a pan", "pan", 24),
    Case("a pan, every third frame missing", "pan", 24, 3),
    Case("held still, the whole blend at each onset", "still", 24, 0, {"react": "onset:blend:1"}),
    Case("the same, flashes allowed", "still", 24, 0, {"react": "onset:blend:1", "allow_flashes": True}),
)


class Counting(FlashGuard):
    """Counts the frames that the guard changes."""

    changed = 0

    def __call__(self, frame: np.ndarray, seconds: float | None = None) -> np.ndarray:
        """The frame to show."""
        shown = super().__call__(frame, seconds)
        Counting.changed += shown is not frame
        return shown


def write_pan(path: Path, case: Case, seconds: float, size: int) -> None:
    """A film of a view that moves over a picture, slowly."""
    with Image.open(PICTURES / "mountain_lake.jpg") as image:
        image.thumbnail((3 * size, size))
        picture = np.asarray(image.convert("RGB"))
    height, width = (side - side % 2 for side in (picture.shape[0], picture.shape[1] * 2 // 3))
    count = round(seconds * case.fps)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=case.fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv444p"
        stream.codec_context.time_base = Fraction(1, case.fps)
        for number in range(count):
            if case.without and number % case.without == case.without - 1:
                continue
            left = round((picture.shape[1] - width) * number / count)
            frame = av.VideoFrame.from_ndarray(picture[:height, left : left + width].copy(), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, case.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A film's frames, uint8 [N, H, W, 3], and their times from the first one on, in seconds."""
    info = read_info(path)
    frames = list(read_frames(info))
    times = np.array([frame.time for frame in frames]) * float(info.time_base)
    return np.stack([frame.as_bytes() for frame in frames]), times - times[0]


def in_time(frames: np.ndarray, times: np.ndarray, onsets: np.ndarray) -> list[bool]:
    """Of each onset: whether the greatest change of the picture around it is within a frame of it."""
    changes = np.array([np.abs(a.astype(np.int16) - b).mean() for a, b in zip(frames[1:], frames, strict=False)])
    found = []
    for onset in onsets:
        around = np.flatnonzero(np.abs(times[1:] - onset) < AROUND)
        nearest = int(np.abs(times - onset).argmin())
        found.append(abs(int(around[changes[around].argmax()]) + 1 - nearest) <= 1)
    return found


def most_swings(frames: np.ndarray, times: np.ndarray) -> int:
    """The most opposing changes of the whole picture's luminance, each of a tenth of white's or more, in a second."""
    levels = frames[:, ::2, ::2] / 255.0
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    light = (linear @ np.array([0.2126, 0.7152, 0.0722])).mean((1, 2))
    low = high = light[0]
    direction, swings = 0, []
    for moment, level in zip(times, light, strict=True):
        low, high = min(low, level), max(high, level)
        up, down = level - low >= SWING and direction <= 0, high - level >= SWING and direction >= 0
        if up or down:
            direction, low, high = (1 if up else -1), level, level
            swings.append(moment)
    return max((sum(first <= other < first + 1 for other in swings) for first in swings), default=0)


def rise(schedule: Schedule, times: np.ndarray, onset: float) -> float:
    """By how much the accent's share rises with the frame that is nearest to an onset."""
    nearest = max(1, int(np.abs(times - onset).argmin()))
    before, after = (schedule.at(float(times[number])).style_blend[-1] for number in (nearest - 1, nearest))
    return after - before


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes music and films, paints them, measures, and writes the record."""
    parser = record.parser(__doc__, "SOUND_FILM.md")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each film is")
    parser.add_argument("--size", type=int, default=240, help="long side of the painted films")
    parser.add_argument("--network", default="arbitrary", help="what paints")
    parser.add_argument("--cases", type=int, default=len(CASES), help="how many of the films to make")
    args: argparse.Namespace = parser.parse_args(arguments)
    options = {"network": args.network, "size": args.size, "quiet": True}
    rows, films = [], []
    controls.FlashGuard = Counting  # type: ignore[attr-defined, misc]
    with tempfile.TemporaryDirectory() as folder:
        song, silence, output, clip, curves = (
            Path(folder) / name for name in ("song.flac", "silence.flac", "out.mp4", "clip.mkv", "curves.csv")
        )
        track = make_track(120.0, args.seconds, parts=PARTS[1:2])
        onsets = track.onsets[(track.onsets > AROUND) & (track.onsets < args.seconds - AROUND)]
        write_sound(song, track.samples)
        write_sound(silence, np.zeros_like(track.samples))
        for case in CASES[: args.cases]:
            given = {"react": "pulse", "audio": str(song), "schedule_output": str(curves), **options, **case.options}
            content = PICTURES / "lighthouse.jpg"
            if case.content == "pan":
                write_pan(content := clip, case, args.seconds, args.size)
            else:
                given["fps"] = case.fps
            Counting.changed, begun = 0, time.monotonic()
            tf_style.stylize_video(content, list(STYLES), output, **given)
            seconds = time.monotonic() - begun
            frames, times = read(output)
            seen = onsets[[rise(Schedule.read(curves), times, onset) >= RISE for onset in onsets]]
            right = in_time(frames, times, seen)
            rows.append([
                case.name, str(case.fps), str(len(frames)), str(len(onsets)), str(len(seen)),
                f"{100 * np.mean(right):.1f} %", str(most_swings(frames, times)), str(Counting.changed),
                f"{1000 * seconds / len(frames):.0f}",
            ])  # fmt: skip
        write_pan(clip, CASES[2], min(args.seconds, 2.0), args.size)
        for sound in ({}, {"react": "pulse", "audio": str(silence)}):
            tf_style.stylize_video(clip, list(STYLES), output, style_blend=(1.0, 0.0), **options, **sound)
            films.append(read(output)[0])
    controls.FlashGuard = FlashGuard  # type: ignore[attr-defined, misc]
    same = "are" if np.array_equal(*films) else "are NOT"
    record.write(
        args.output,
        "Films that follow sound",
        "sound_film",
        f"Films of {args.seconds:g} s, long side {args.size}, painted by `{args.network}` in the style of The Starry "
        "Night, with The Great Wave as the accent (`--react=pulse`, unless the table says otherwise), as H.264. The "
        "music has 120 beats a minute. Its onsets are those that it was made of; to see are those that raise the "
        "accent's share by a twentieth or more, which a soft one in the tail of a loud one does not. One is in time if "
        f"the greatest change of the picture within {AROUND:g} s of it is at the frame nearest to it, or at one next "
        "to that. Swings are opposing changes of the whole picture's luminance by a tenth of white's or more; "
        "6 in a second are three flashes. Softened are the frames that the guard changed; their accents come later. "
        "Milliseconds are of everything: listening, painting, writing.",
        table(
            [
                "film",
                "fps",
                "frames",
                "onsets",
                "to see",
                "in time",
                "most swings in a second",
                "softened",
                "ms a frame",
            ],
            rows,
        ),
        f"The frames of a film with a silent sound {same} those of the film without a reaction, bit by bit.",
    )


if __name__ == "__main__":
    main()
