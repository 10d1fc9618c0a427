"""What can be heard in a sound, as curves over time: onsets, loudness, bass, brightness, chroma, novelty, beats."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy import fft, ndimage

from tf_style.audio.novelty import find_sections, novelty_of
from tf_style.audio.reading import Sound
from tf_style.audio.tempo import find_beats

HOP = 256  # samples from one value of a curve to the next
_WINDOW, _LONG_WINDOW = 1024, 4096  # samples: for time, and for pitch
_BATCH = 2048  # windows that are transformed at once; bounds the memory
_MEL_BANDS, _MEL_RANGE = 40, (30.0, 11000.0)  # Hz
_BASS, _CENTROID, _PITCHES = (20.0, 150.0), (200.0, 6000.0), (110.0, 2000.0)  # Hz

_LAG = 2  # hops
_FLOOR = 1e-4  # of a loud band's power: what is softer counts as silent
_PEAK = 0.03  # seconds on either side, in which an onset is the greatest
_AROUND = 0.4  # seconds on either side, with whose median it is compared
_LEAST_FLUX, _LEAST_DEVIATIONS = 0.18, 5.0  # nats, and median deviations, above it

_LOUDNESS_WINDOW, _BRIGHTNESS_WINDOW, _CHROMA_WINDOW = 0.4, 1.0, 4.0  # seconds
_SILENT = 60.0  # dB below the loudest
_QUIETEST = -80.0  # dB of full scale; what is softer is silence
# The range of a curve's values below which nothing happens in it, and the least that is stretched to [0, 1].
_DECIBELS, _SHARES, _OCTAVES = (1.0, 3.0), (0.05, 0.15), (0.2, 0.6)


@dataclasses.dataclass(frozen=True)
class Features:
    """Curves of a sound; what does not happen in it is constant.

    Attributes:
      rate: Values per second of all curves; the first is at 0 s.
      onset: How much more is heard than just before, in [0, 1], [N].
      decibels: The level in the 0.4 s around, relative to full scale, [N].
      loudness: In [0, 1], from the soft (10 %) to the loud (95 %) parts, [N]; 0.5 throughout if it stays the same.
      bass: The share of 20 to 150 Hz, scaled in the same way, [N].
      brightness: The middle of the spectrum, on a scale of octaves, scaled in the same way, [N].
      novelty: How different what follows is from what came before, in [0, 1], [N].
      chroma: The shares of the 12 pitch classes from C to B in 4 s, [N, 12]; 0 where it is silent.
      onsets: When something begins, in seconds, [K].
      strengths: How strongly, in [0, 1], [K].
      sections: When another part of the music begins, in seconds.
      beats: In seconds. They may have half or twice the true tempo.
    """

    rate: float
    onset: np.ndarray
    decibels: np.ndarray
    loudness: np.ndarray
    bass: np.ndarray
    brightness: np.ndarray
    novelty: np.ndarray
    chroma: np.ndarray
    onsets: np.ndarray
    strengths: np.ndarray
    sections: np.ndarray
    beats: np.ndarray

    @property
    def seconds(self) -> np.ndarray:
        """The times of the curves' values."""
        return np.arange(len(self.onset)) / self.rate


def analyse(sound: Sound, bpm: float = 0.0) -> Features:
    """Listens to a sound.

    The same sound at another volume has the same curves, up to rounding.

    Args:
      sound: From `read_sound`; it may be empty.
      bpm: The tempo of the beats, in beats a minute; 0: it is found.

    Returns:
      Curves with a value every 256 samples, 11.6 ms at 22,050 Hz.

    Reference:
      Onsets: S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013 (SuperFlux), of
      40 mel bands; peaks are compared with the median around them. Novelty: J. Foote, "Automatic audio segmentation
      using a measure of audio novelty", ICME 2000.
    """
    samples, rate = np.asarray(sound.samples, np.float32), sound.rate / HOP
    count = 1 + len(samples) // HOP
    decibels = _loudness(samples, sound.rate, count)
    sounding = decibels > max(decibels.max() - _SILENT, _QUIETEST)
    bands = _spectra(samples, _WINDOW, HOP, count, _filters(sound.rate))
    mel, (bass, total, middle, octaves) = bands[:, :_MEL_BANDS], bands[:, _MEL_BANDS:].T
    loud = np.percentile(total, 95) + 1e-20
    logs = np.log(mel + _FLOOR * (np.percentile(mel, 95) + 1e-20))
    flux = _flux(logs) if sounding.any() else np.zeros(count)
    onsets, strengths = _peaks(flux, rate)
    novelty = novelty_of(logs, rate)
    octave = ndimage.uniform_filter1d(octaves / (middle + _FLOOR * loud), _window(_BRIGHTNESS_WINDOW, rate))
    chroma = _chroma(samples, sound.rate, count)
    return Features(
        rate=rate,
        onset=np.clip(flux / max(1e-9, np.percentile(flux, 99.5)), 0, 1) if len(onsets) else np.zeros(count),
        decibels=decibels,
        loudness=_scaled(decibels, sounding, _DECIBELS, silent=0.0),
        bass=_scaled(bass / (total + _FLOOR * loud), sounding, _SHARES, silent=0.5),
        brightness=_scaled(octave, sounding, _OCTAVES, silent=0.5),
        novelty=novelty,
        chroma=chroma * sounding[:, np.newaxis],
        onsets=onsets,
        strengths=strengths,
        sections=find_sections(novelty, rate),
        beats=find_beats(flux, rate, bpm) if len(onsets) else np.zeros(0),
    )


def _window(seconds: float, rate: float) -> int:
    """An odd number of values."""
    return 2 * round(seconds * rate / 2) + 1


# --- spectra ----------------------------------------------------------------------------------------------------------


def _spectra(samples: np.ndarray, size: int, hop: int, count: int, filters: np.ndarray) -> np.ndarray:
    """Sums of powers, [count, M], of windows around every `hop`-th sample, by the columns of `filters`.

    Near the ends, where a window would reach beyond, the first and last whole ones stand for it, so that a sound which
    is cut off makes no onset.
    """
    samples = np.pad(samples, (0, max(0, size - len(samples))))
    middles = np.clip(np.arange(count) * hop, size // 2, len(samples) - size // 2)
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)
    shape = np.hanning(size + 1)[:-1].astype(np.float32)

    def sums() -> Iterator[np.ndarray]:
        for first in range(0, count, _BATCH):
            spectra = fft.rfft(windows[middles[first : first + _BATCH] - size // 2] * shape)
            yield (spectra.real**2 + spectra.imag**2) @ filters

    return np.concatenate(list(sums())).astype(np.float64)


def _filters(rate: int) -> np.ndarray:
    """Mel bands; then the bass, all, what has a middle, and the same times its place in octaves; float32 [bins, 44]."""
    hertz = np.fft.rfftfreq(_WINDOW, 1 / rate)
    low, high = np.log1p(np.array(_MEL_RANGE) / 700)
    edges = 700 * np.expm1(np.linspace(low, high, _MEL_BANDS + 2))
    rising = (hertz[:, np.newaxis] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - hertz[:, np.newaxis]) / np.diff(edges)[1:]
    bands = np.clip(np.minimum(rising, falling), 0, None)
    middle = _within(hertz, _CENTROID)
    octaves = middle * np.log2(np.maximum(hertz, 1.0) / _CENTROID[0])
    parts = [_within(hertz, _BASS), hertz > 0, middle, octaves]
    return np.column_stack([bands, *parts]).astype(np.float32)


def _within(hertz: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return ((hertz >= limits[0]) & (hertz <= limits[1])).astype(np.float64)


def _chroma(samples: np.ndarray, rate: int, count: int) -> np.ndarray:
    """The shares of pitch classes, [count, 12]."""
    hertz = np.fft.rfftfreq(_LONG_WINDOW, 1 / rate)
    classes = np.rint(12 * np.log2(np.maximum(hertz, 1.0) / 440.0) + 9).astype(int) % 12
    filters = (classes[:, np.newaxis] == np.arange(12)) * _within(hertz, _PITCHES)[:, np.newaxis]
    hops = 8
    coarse = _spectra(samples, _LONG_WINDOW, hops * HOP, 1 + (count - 1) // hops, filters.astype(np.float32))
    coarse = ndimage.uniform_filter1d(np.sqrt(coarse), _window(_CHROMA_WINDOW, rate / HOP / hops), axis=0)
    shares = coarse / np.maximum(coarse.sum(axis=1, keepdims=True), 1e-9)
    return np.repeat(shares, hops, axis=0)[:count] if count > 1 else shares


# --- curves -----------------------------------------------------------------------------------------------------------


def _loudness(samples: np.ndarray, rate: int, count: int) -> np.ndarray:
    """The level in 0.4 s around each time, dB of full scale, [count]."""
    whole = np.pad(samples, (0, max(0, HOP - len(samples))))
    hops = whole[: len(whole) // HOP * HOP].reshape(-1, HOP)
    power = np.pad(np.einsum("nh,nh->n", hops, hops) / HOP, (0, count - len(hops)), mode="edge")
    mean = ndimage.uniform_filter1d(power.astype(np.float64), _window(_LOUDNESS_WINDOW, rate / HOP), mode="nearest")
    return 10 * np.log10(np.maximum(mean, 1e-12))


def _scaled(values: np.ndarray, sounding: np.ndarray, least: tuple[float, float], silent: float) -> np.ndarray:
    """From P10..P95 of what is heard to 0..1; 0.5 throughout if the range is less than `least[0]`."""
    heard = np.flatnonzero(sounding)
    low, high = np.percentile(values[heard], (10, 95)) if len(heard) else (0.0, 0.0)
    nothing = high - low < least[0] and (silent == 0.5 or len(heard) in (0, len(values)))
    if nothing:
        return np.full(len(values), 0.5)
    scaled = 0.5 + (values - (low + high) / 2) / max(high - low, least[1])
    return np.where(sounding, np.clip(scaled, 0, 1), silent)


def _flux(logs: np.ndarray) -> np.ndarray:
    """How much bands rise within two hops on average, in nats, [N].

    Each band is compared with the strongest of itself and its neighbours. What comes before the beginning is the band's
    median, so that a sound may begin with an onset.
    """
    before = np.concatenate([np.tile(np.median(logs, axis=0), (_LAG, 1)), logs])[: len(logs)]
    return np.maximum(logs - ndimage.maximum_filter1d(before, 3, axis=1), 0).mean(axis=1)


def _peaks(flux: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and strengths of onsets."""
    around = _window(2 * _AROUND, rate)
    median = ndimage.median_filter(flux, around)
    deviation = ndimage.median_filter(np.abs(flux - median), around)
    height = flux - median
    greatest = flux == ndimage.maximum_filter1d(flux, _window(2 * _PEAK, rate), mode="nearest")
    greatest &= np.diff(flux, prepend=-1.0) > 0  # the first of equals
    places = np.flatnonzero(greatest & (height > _LEAST_FLUX + _LEAST_DEVIATIONS * deviation))
    if not len(places):
        return np.zeros(0), np.zeros(0)
    strengths = np.clip(height[places] / np.percentile(height[places], 90), 0, 1)
    return places / rate, strengths
