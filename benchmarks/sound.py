"""What is heard in music, how controls follow it, and how many flashes the guard lets through.

  python -m benchmarks.sound

The music is synthesised (`benchmarks/tracks.py`): kick, snare, hats and chords, so that all times are known. The record
goes to benchmarks/SOUND.md. It needs no network and no painting.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import stats

from benchmarks import record
from benchmarks.record import listed, table
from benchmarks.tracks import PARTS, RATE, Part, make_track, with_noise
from tf_style.audio import DRIVEN, FlashGuard, Reaction, Sound, analyse, react
from tf_style.controls import Controls

#: Rhythms: straight, syncopated, sparse.
RHYTHMS = (
    PARTS[1],
    Part((0, 3, 6, 10), (4, 12), range(0, 16, 4), (0, 5, 3, -4)),
    Part((0,), (8,), (), (0, -2), chords=1.0),
)
NOISE = 10.0  # dB by which it is softer than the music
ONSET_NEAR, BEAT_NEAR, SECTION_NEAR = 0.05, 0.07, 1.0  # seconds
_DECAY = 0.25  # seconds, of the pulses that are expected
SIDE = 16  # pixels of the frames that flash
SWING, AREA = 0.1, 0.25


def matches(found: np.ndarray, true: np.ndarray, near: float) -> int:
    """How many of two increasing lists of times are pairs, each time in one pair at most."""
    pairs = first = second = 0
    while first < len(found) and second < len(true):
        if abs(found[first] - true[second]) <= near:
            pairs, first, second = pairs + 1, first + 1, second + 1
        elif found[first] < true[second]:
            first += 1
        else:
            second += 1
    return pairs


def f1(found: np.ndarray, true: np.ndarray, near: float) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * matches(found, true, near) / max(1, len(found) + len(true))


# --- what is heard ----------------------------------------------------------------------------------------------------


def hear(tempi: Sequence[float], seconds: float) -> Iterator[list[str]]:
    """Rows of onsets and beats, each the mean of all rhythms."""
    for bpm in tempi:
        figures = []
        for seed, rhythm in enumerate(RHYTHMS):
            track = make_track(bpm, seconds, seed, (rhythm,))
            clean, told = analyse(Sound(track.samples)), analyse(Sound(track.samples), bpm)
            noisy = analyse(Sound(with_noise(track.samples, NOISE, seed)))
            nearest = np.abs(clean.onsets[:, np.newaxis] - track.onsets).argmin(axis=1)
            late = clean.onsets - track.onsets[nearest]
            frames = np.rint(60 * clean.onsets) - np.rint(60 * track.onsets[nearest])
            tempo = 60 / np.median(np.diff(clean.beats))
            figures.append(
                [
                    f1(clean.onsets, track.onsets, ONSET_NEAR),
                    f1(noisy.onsets, track.onsets, ONSET_NEAR),
                    1000 * np.median(late),
                    100 * np.mean(np.abs(frames) <= 1),
                    abs(tempo / bpm - 1) < 0.04,
                    f1(clean.beats, track.beats, BEAT_NEAR),
                    f1(told.beats, track.beats, BEAT_NEAR),
                ]
            )
        clean, noisy, late, near, right, beats, told = np.mean(figures, axis=0)
        sure = f"{round(right * len(RHYTHMS))} of {len(RHYTHMS)}"
        onsets = [f"{clean:.3f}", f"{noisy:.3f}", f"{late:+.1f}", f"{near:.1f}"]
        yield [f"{bpm:g}", *onsets, sure, f"{beats:.2f}", f"{told:.2f}"]


def loudness_step(decibels: float) -> float:
    """By how many dB a tone is heard to become louder, where it does so by `decibels`."""
    length = 4 * RATE
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(length) / RATE)
    tone[length // 2 :] *= 10 ** (decibels / 20)
    found = analyse(Sound(tone.astype(np.float32)))
    before, after = (found.decibels[np.searchsorted(found.seconds, moment)] for moment in (1.0, 3.0))
    return float(after - before)


def sections(seeds: Sequence[int], seconds: float) -> tuple[float, float]:
    """F1 of sections within 1 s, and how many are found in music that has one only."""
    scores, false = [], 0
    for seed in seeds:
        track = make_track(90 + 10 * seed, seconds, seed, PARTS)
        scores.append(f1(analyse(Sound(track.samples)).sections, track.sections, SECTION_NEAR))
        steady = make_track(90 + 10 * seed, seconds, seed, PARTS[1:2])
        false += len(analyse(Sound(steady.samples)).sections)
    return float(np.mean(scores)), false / len(seeds)


def cost(seconds: float) -> float:
    """The share of a song's length that its analysis takes."""
    sound = Sound(np.tile(make_track(seconds=30.0).samples, max(1, round(seconds / 30))))
    started = time.perf_counter()
    analyse(sound)
    return (time.perf_counter() - started) / sound.seconds


# --- what is driven ---------------------------------------------------------------------------------------------------


def follow(seconds: float) -> Iterator[list[str]]:
    """Rows: a feature, its correlation with controls that it drives, and whether all others stay as they are."""
    track = make_track(100.0, seconds, 3, PARTS)
    features = analyse(Sound(track.samples), 100.0)
    base, fps = Controls(style_strength=0.5, consistency=0.5), 25.0
    times = np.arange(round(seconds * fps)) / fps
    truth = {
        "onset": _pulses(times, track.onsets),
        "beat": _pulses(times, track.beats),
        "novelty": np.searchsorted(track.sections, times) % 2,
        **{name: np.interp(times, features.seconds, getattr(features, name)) for name in CURVES},
    }
    for feature, expected in truth.items():
        found, alone = [], True
        for control, name in DRIVEN.items():
            schedule = react(features, [Reaction(feature, control, 0.3)], base, num_styles=2, fps=fps, seconds=seconds)
            values = schedule.shares[:, -1] if control == "blend" else schedule.values[name]
            found.append(stats.spearmanr(expected, values).statistic)
            others = schedule.at(seconds / 3).replace(**{name: getattr(base, name)})
            alone &= others == base
        yield [feature, f"{min(found):.2f}", f"{max(found):.2f}", "yes" if alone else "no"]


CURVES = ("loudness", "bass", "brightness")


def _pulses(times: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """1 at the moments, then falling."""
    last = np.searchsorted(moments, times + 0.02, side="right") - 1
    since = times - moments[np.maximum(last, 0)]
    return np.where(last >= 0, np.exp(-np.maximum(since, 0) / _DECAY), 0.0)


# --- flashes ----------------------------------------------------------------------------------------------------------


def swings(levels: np.ndarray) -> int:
    """The longest chain of frames, in their order, whose luminances go up and down in turn by more than a tenth."""
    up, down = np.zeros(len(levels), int), np.zeros(len(levels), int)
    for place in range(len(levels)):
        higher = levels[place] - levels[:place] > SWING
        lower = levels[:place] - levels[place] > SWING
        up[place] = max((1 + down[:place][higher]).max(initial=0), 0)
        down[place] = max((1 + up[:place][lower]).max(initial=0), 0)
    return int(max(up.max(initial=0), down.max(initial=0)))


def most_swings(levels: np.ndarray, fps: float) -> int:
    """The most swings in any second."""
    length = int(fps) + 1  # its first frame, and all that begin before it is over
    return max(swings(levels[first : first + length]) for first in range(max(1, len(levels) - length + 1)))


def luminances(frames: np.ndarray) -> np.ndarray:
    """Of pixels [..., 3] in [0, 1], after rounding to 8 bits."""
    levels = np.rint(255 * frames) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def _square(fps: float, count: int, rng: np.random.Generator, hertz: float, height: float) -> np.ndarray:
    low = rng.uniform(0, 1 - height)
    return low + height * ((np.arange(count) / fps * hertz) % 1 < 0.5)


FLASHES: dict[str, Callable[[float, int, np.random.Generator], np.ndarray]] = {
    "every frame another": lambda fps, count, rng: rng.uniform(0, 1, count),
    "a walk at random": lambda fps, count, rng: np.abs(np.cumsum(rng.normal(0, 0.06, count)) % 2 - 1),
    "black and white in turn": lambda fps, count, rng: np.arange(count) % 2.0,
    "10 Hz, whole range": lambda fps, count, rng: _square(fps, count, rng, 10.0, 1.0),
    "3 Hz, a fifth": lambda fps, count, rng: _square(fps, count, rng, 3.0, 0.2),
    "just above a tenth": lambda fps, count, rng: 0.5 + 0.0505 * (-1.0) ** np.arange(count),
    "staircases": lambda fps, count, rng: np.abs((np.arange(count) * 0.07) % 2 - 1),
    "1 Hz, whole range": lambda fps, count, rng: _square(fps, count, rng, 1.0, 1.0),
    "just below the guard's limit": lambda fps, count, rng: 0.5 + 0.0445 * (-1.0) ** np.arange(count),
}


def flash(name: str, fps: float, seconds: float, seed: int) -> np.ndarray:
    """Frames, float32 [N, H, W, 3], whose linear luminance is that of `FLASHES`, with a fixed texture."""
    rng = np.random.default_rng(seed)
    levels = FLASHES[name](fps, round(fps * seconds), rng)
    texture = rng.uniform(-0.01, 0.01, (SIDE, SIDE, 1))
    linear = np.clip(levels[:, np.newaxis, np.newaxis, np.newaxis] + texture - texture.mean(), 0, 1)
    frames = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.repeat(frames, 3, axis=-1).astype(np.float32)


def guarded(frames: np.ndarray, fps: float) -> np.ndarray:
    """What the guard shows."""
    guard = FlashGuard(fps)
    return np.stack([guard(frame) for frame in frames])


def count_flashes(rates: Sequence[float], seconds: float, seeds: Sequence[int]) -> Iterator[list[str]]:
    """Rows: the most swings in any second, before and after the guard, and how many frames it changed."""
    for name in FLASHES:
        before, after, changed = 0, 0, []
        for fps in rates:
            for seed in seeds:
                frames = flash(name, fps, seconds, seed)
                shown = guarded(frames, fps)
                before = max(before, most_swings(luminances(frames).mean(axis=(1, 2)), fps))
                after = max(after, most_swings(luminances(shown).mean(axis=(1, 2)), fps))
                changed.append(np.mean((shown != frames).any(axis=(1, 2, 3))))
        yield [name, str(before), str(after), f"{100 * np.mean(changed):.0f} %"]


def count_local_flashes(fps: float, seconds: float, seeds: Sequence[int]) -> Iterator[list[str]]:
    """Rows: the largest share of a picture's parts with more than 3 flashes in a second, while it is as bright."""
    for share in (0.2, 0.5, 1.0):
        before, after = 0.0, 0.0
        for seed in seeds:
            rng = np.random.default_rng(seed)
            parts = rng.permutation(64)[: round(64 * share)]
            signs = np.zeros(64)
            signs[parts] = (-1.0) ** np.arange(len(parts))
            places = np.kron(signs.reshape(8, 8), np.ones((2, 2)))[..., np.newaxis]
            waves = (-1.0) ** np.arange(round(fps * seconds))
            frames = np.repeat(0.5 + 0.3 * waves[:, np.newaxis, np.newaxis, np.newaxis] * places, 3, axis=-1)
            frames = frames.astype(np.float32)
            before, after = max(before, _area(frames, fps)), max(after, _area(guarded(frames, fps), fps))
        yield [f"{100 * share:.0f} %", f"{100 * before:.0f} %", f"{100 * after:.0f} %"]


def _area(frames: np.ndarray, fps: float) -> float:
    """The largest share of 8 x 8 parts with more than 3 flashes in the same second."""
    levels = luminances(frames).reshape(len(frames), 8, 2, 8, 2).mean(axis=(2, 4)).reshape(len(frames), 64)
    length = int(fps) + 1
    windows = (levels[first : first + length] for first in range(max(1, len(levels) - length + 1)))
    return max(float(np.mean([swings(part) > 6 for part in window.T])) for window in windows)


def guard_cost(size: tuple[int, int]) -> float:
    """Milliseconds that the guard takes for a frame that it leaves as it is."""
    frame, guard = np.random.default_rng(0).uniform(0, 1, (*size, 3)).astype(np.float32), FlashGuard(25)
    times = []
    for _ in range(12):
        started = time.perf_counter()
        guard(frame)
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times[2:]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Listens, drives, flashes, writes the record."""
    parser = record.parser(__doc__, "SOUND.md")
    parser.add_argument("--tempi", type=listed(float), default=[72, 84, 96, 112, 128, 150, 174], help="beats a minute")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each track")
    parser.add_argument("--long", type=float, default=600.0, help="seconds of the song whose analysis is timed")
    parser.add_argument("--flash_seconds", type=float, default=6.0, help="of each film that flashes")
    parser.add_argument("--rates", type=listed(float), default=[24, 25, 30, 60], help="frames a second")
    parser.add_argument("--seeds", type=listed(int), default=[0, 1, 2, 3], help="of songs and films")
    args = parser.parse_args(arguments)
    score, false = sections(args.seeds, 2 * args.seconds)
    record.write(
        args.output,
        "Sound",
        "sound",
        "## What is heard",
        f"Synthesised music, {args.seconds:g} s each, {len(RHYTHMS)} rhythms at each tempo. F1 of onsets within 50 ms, "
        f"clean and with white noise {NOISE:g} dB below; by how many ms they are late in the median; how many "
        "percent come within a frame of where they belong, at 60 frames a second; how often the tempo is right within "
        "4 %; F1 of beats within 70 ms, found and with the tempo given.",
        table(
            ["beats a minute", "onsets", "in noise", "late, ms", "in sync, %", "tempo right", "beats", "tempo given"],
            list(hear(args.tempi, args.seconds)),
        ),
        f"A tone 6.0 dB louder: {loudness_step(6.0):.1f} dB are heard. Sections within 1 s: F1 {score:.2f} "
        f"in songs of four parts; in songs of one part, {false:.2f} are found. Analysis takes "
        f"{100 * cost(args.seconds):.2f} % of a sound's length, or of {args.long:g} s {100 * cost(args.long):.2f} %.",
        "## What is driven",
        "Spearman's correlation over the frames of a song with four parts, the least and the greatest of all controls. "
        "Onsets, beats and novelty: between what the song was made of and the control; the others: between what is "
        "heard and the control, which follows with some delay. Last: whether all other controls stay exactly the same.",
        table(
            ["feature", "least", "greatest", "others unchanged"],
            list(follow(2 * args.seconds)),
        ),
        "## Flashes",
        f"Films of {args.flash_seconds:g} s at {', '.join(f'{rate:g}' for rate in args.rates)} frames a second, "
        f"{len(args.seeds)} of each kind: the most opposing swings of the whole picture's luminance by more than a "
        "tenth in any second, counted in frames of 8 bits as the longest chain by dynamic programming.",
        table(
            ["luminance", "before", "after", "frames changed"],
            list(count_flashes(args.rates, args.flash_seconds, args.seeds)),
        ),
        "Parts that flash against each other at each frame, so that the whole picture stays as bright: the largest "
        "area with more than 3 flashes in the same second.",
        table(
            ["parts that flash", "before", "after"],
            list(count_local_flashes(args.rates[0], args.flash_seconds / 2, args.seeds[:2])),
        ),
        f"A frame of 640 x 360 that is left as it is takes {guard_cost((360, 640)):.1f} ms.",
    )


if __name__ == "__main__":
    main()
