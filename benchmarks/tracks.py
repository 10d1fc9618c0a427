"""Music to test with, made by a program: kick, snare, hats, chords and noise, and what is in it.

  python -m benchmarks.tracks song.ogg --seconds=60 --bpm=104

All sounds are synthesised from sines and noise, so the music is free of others' rights. The same seed makes the same
song.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

RATE = 22050


class Track(NamedTuple):
    """Samples, float32 [N] at `RATE`; and in seconds when drums are struck, beats fall, and parts begin."""

    samples: np.ndarray
    onsets: np.ndarray
    beats: np.ndarray
    sections: np.ndarray


class Part(NamedTuple):
    """What is played in a bar of 16 steps: the steps of each drum, the chords' roots in semitones, and levels."""

    kick: Sequence[int]
    snare: Sequence[int]
    hats: Sequence[int]
    roots: Sequence[int]
    drums: float = 1.0
    chords: float = 1.0
    overtones: int = 4


#: Calm, lively, floating, and full.
PARTS = (
    Part((0, 8), (), (4, 12), (0, 5), 0.6, 0.8, 2),
    Part((0, 6, 8), (4, 12), range(0, 16, 2), (0, -4, 3, -2), 1.0, 0.7, 5),
    Part((), (), (), (5, 0), 0.0, 1.2, 2),
    Part((0, 4, 8, 12), (4, 12), range(0, 16, 2), (-4, 3, -2, 0), 1.2, 1.0, 8),
)


def _kick(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return 0.9 * np.sin(2 * np.pi * (50 * time + 3.2 * (1 - np.exp(-time / 0.03)))) * np.exp(-time / 0.12)


def _snare(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0, 0.25, len(time)) * np.exp(-time / 0.08)
    return noise + 0.3 * np.sin(2 * np.pi * 190 * time) * np.exp(-time / 0.06)


def _hat(time: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.diff(rng.normal(0, 0.12, len(time) + 1)) * np.exp(-time / 0.025)


DRUMS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "kick": _kick, "snare": _snare, "hats": _hat,
}  # fmt: skip


def _chord(root: int, overtones: int, seconds: float) -> np.ndarray:
    """A minor chord that comes and goes softly."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = [220 * 2 ** ((root + step) / 12) for step in (0, 3, 7, 12)]
    waves = [
        np.sin(2 * np.pi * tone * harmonic * time) / harmonic**1.3
        for tone in tones
        for harmonic in range(1, 1 + overtones)
        if tone * harmonic < RATE / 2
    ]
    return 0.06 * np.sum(waves, axis=0) * np.sin(np.pi * np.minimum(time / seconds, 1)) ** 0.5


def make_track(bpm: float = 104.0, seconds: float = 30.0, seed: int = 0, parts: Sequence[Part] = PARTS[1:2]) -> Track:
    """Plays the parts one after the other, each as long as the others, in whole bars."""
    rng = np.random.default_rng(seed)
    samples, onsets = np.zeros(round(seconds * RATE)), set()
    bar = 240 / bpm
    num_bars = int(np.ceil(seconds / bar))
    firsts = [round(number * num_bars / len(parts)) for number in range(len(parts))]

    def add(begin: float, wave: np.ndarray) -> None:
        first = round(begin * RATE)
        samples[first : first + len(wave)] += wave[: max(0, len(samples) - first)]

    for number in range(num_bars):
        part = parts[np.searchsorted(firsts, number, side="right") - 1]
        add(number * bar, part.chords * _chord(part.roots[number % len(part.roots)], part.overtones, bar))
        for name, drum in DRUMS.items():
            for step in getattr(part, name) if part.drums else ():
                begin = (number + step / 16) * bar
                strength = part.drums * rng.uniform(0.8, 1.0)
                if begin < seconds - 0.1:
                    add(begin, strength * drum(np.arange(round(0.4 * RATE)) / RATE, rng))
                    onsets.add(round(begin, 6))
    samples *= 0.7 / np.abs(samples).max()
    beats = np.arange(0, seconds, bar / 4)
    sections = np.array(firsts[1:]) * bar
    return Track(samples.astype(np.float32), np.array(sorted(onsets)), beats, sections[sections < seconds])


def with_noise(samples: np.ndarray, decibels: float, seed: int = 0) -> np.ndarray:
    """With white noise that is softer by so many decibels."""
    noise = np.random.default_rng(seed).normal(0, 1, len(samples))
    level = np.sqrt(np.mean(np.square(samples))) * 10 ** (-decibels / 20)
    return (samples + level * noise).astype(np.float32)


CODECS = {".ogg": ("libopus", 48000), ".flac": ("flac", RATE), ".mp3": ("libmp3lame", RATE)}


def write_sound(path: str | Path, samples: np.ndarray, rate: int = RATE, layout: str = "mono", codec: str = "") -> None:
    """Writes a sound; the suffix decides how.

    Args:
      path: .ogg, .flac, .mp3 or .wav.
      samples: In [-1, 1], [N], or [channels, N].
      rate: Their number per second.
      layout: FFmpeg's name of the channels.
      codec: FFmpeg's name of another one than the suffix's.
    """
    import av

    own, own_rate = CODECS.get(Path(path).suffix, ("pcm_s16le", rate))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec or own, rate=own_rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.atleast_2d(samples).astype(np.float32), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        container.mux([*stream.encode(frame), *stream.encode()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes a song with four parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the file, such as song.ogg")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is")
    parser.add_argument("--bpm", type=float, default=104.0, help="beats a minute")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    write_sound(args.output, make_track(args.bpm, args.seconds, args.seed, PARTS).samples)


if __name__ == "__main__":
    main()
