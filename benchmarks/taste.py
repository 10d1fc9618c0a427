"""How soon a taste is learned, with simulated people (P1 to P5 of benchmarks/TASTE.md).

  python -m benchmarks.taste

A person has a hidden worth for every way to paint, and is asked which of two is better. Their answers are wrong either
as often as judgement is hard ("noise": a normal error, so large that of random pairs the given share is answered
wrongly), or at random ("slips"). Regret is (best - found) / (best - mean) over the candidates that are drawn: 0 is the
best of them, 1 a random one. What was varied and found by the way may be better than the best: below 0.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import norm, ttest_rel

from benchmarks import record
from benchmarks.record import CONTENT, table
from tf_style import images
from tf_style.jobs.run.quiet import quiet_tensorflow
from tf_style.taste.describing import oklab
from tf_style.taste.session import Session
from tf_style.taste.space import Candidate, Space

KINDS = ("ideal point", "linear")
METHODS = ("ours", "keep the winner", "random pairs")
CHECKS = (10, 20)
_DRAWS = 3  # of candidates for P3, as each is painted
_HELD_OUT = 300
_LEVEL, _DEVIATIONS = 0.8, norm.ppf(0.9)  # of stated intervals
Worth = Callable[[Sequence[Candidate]], np.ndarray]


class Person(NamedTuple):
    """A simulated person: the worth of candidates, that of those drawn, and how answers go wrong."""

    worth: Worth
    drawn: np.ndarray
    noise: float
    slips: float
    rng: np.random.Generator

    def prefers(self, one: Candidate, other: Candidate) -> bool:
        """Whether they say that the first is better."""
        first, second = self.worth([one, other])
        right = self.rng.random() >= self.slips
        return (first + self.noise * self.rng.normal() > second) == right

    def regret(self, one: Candidate) -> float:
        """Of 0 to about 1, see above."""
        return float((self.drawn.max() - self.worth([one])[0]) / (self.drawn.max() - self.drawn.mean()))


def make_person(worth: Worth, pool: Sequence[Candidate], wrong: float, answers: str, seed: int) -> Person:
    """A person with a worth who answers a share of random pairs wrongly, by "noise" or by "slips"."""
    rng = np.random.default_rng([seed, 1])
    drawn = worth(pool)
    if answers == "slips":
        return Person(worth, drawn, 0.0, wrong, rng)
    one, other = rng.integers(len(drawn), size=(2, 4000))
    difference = np.abs(drawn[one] - drawn[other])
    low, high = 1e-4 * drawn.std(), 1e2 * drawn.std()
    for _ in range(40):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if norm.cdf(-difference / middle).mean() < wrong else (low, middle)
    return Person(worth, drawn, float(middle), 0.0, rng)


def worth_by_coordinates(space: Space, kind: str, seed: int) -> Worth:
    """Of a person who likes to be near a point, or far in a direction, of the coordinates by which we learn."""
    rng = np.random.default_rng([seed, 2])
    styles, controls = space.coordinates(space.draw(2000, 1_000_000))
    mean = np.hstack([styles.mean(0), controls.mean(0)])
    spread = np.hstack([np.full(styles.shape[1], np.sqrt((styles.var(0)).mean())), controls.std(0)])

    def places(candidates: Sequence[Candidate]) -> np.ndarray:
        return (np.hstack(space.coordinates(candidates)) - mean) / spread

    if kind == "linear":
        weights = rng.normal(size=len(mean))
        return lambda candidates: places(candidates) @ weights
    point, weights = places(space.draw(1, 2_000_000 + seed))[0], rng.exponential(size=len(mean))
    return lambda candidates: -((places(candidates) - point) ** 2) @ weights


class Pictures:
    """Paints candidates on a photo, and measures the paintings by other numbers than those by which we learn."""

    def __init__(self, space: Space, content: Path, size: int) -> None:
        with quiet_tensorflow():
            import tensorflow as tf

            from tf_style.build import build_stylizer
            from tf_style.presets import preset_config
        self._tf, self._space = tf, space
        self._stylizer = build_stylizer(preset_config("instant"))
        self._stylizer.small = 0  # thousands of small pictures, which need not look well
        picture = images.read_visible(content)
        self._content = tf.constant(images.resize(picture, images.fit_size(picture.size, size)).pixels[None])
        self.measures = functools.cache(self._measures)

    def features(self, picture: Any) -> np.ndarray:
        """Means and deviations of the channels of the network's encoder."""
        numbers = 2 * sum(self._stylizer.network.channels)
        return np.log1p(np.maximum(self._stylizer.network.encode_style(picture)[0, :numbers].numpy(), 0))

    @functools.cache  # noqa: B019
    def style(self, name: str) -> Any:
        """A painting, [1, h, w, 3]."""
        return self._tf.constant(images.read_visible(self._space.entries[name].path).pixels[None])

    def _measures(self, one: Candidate) -> np.ndarray:
        """Warmth, density of edges, then the features."""
        painting = self._stylizer(self._content, [self.style(name) for name in one.styles], controls=one.controls)
        lab = oklab(painting[0].numpy())
        edges = np.hypot(*np.gradient(lab[..., 0])).mean()
        return np.array([lab[..., 2].mean(), edges, *self.features(painting)])


def worth_by_pictures(pictures: Pictures, pool: Sequence[Candidate], seed: int) -> Worth:
    """Of a person who likes warmth and edges, or the opposite, and what looks like a painting that we do not know."""
    rng = np.random.default_rng([seed, 3])
    all_measures = np.stack([pictures.measures(one) for one in pool])
    names = sorted({name for one in pool for name in one.styles})
    hidden = pictures.features(pictures.style(names[rng.integers(len(names))]))
    spread = all_measures[:, 2:].std(0) + 1e-6

    def parts(candidates: Sequence[Candidate]) -> np.ndarray:
        found = np.stack([pictures.measures(one) for one in candidates])
        distance = np.sqrt((((found[:, 2:] - hidden) / spread) ** 2).mean(1))
        return np.column_stack([found[:, :2], distance])

    drawn = parts(pool)
    weights = np.array([*rng.normal(size=2), -abs(rng.normal())])
    return lambda candidates: (parts(candidates) - drawn.mean(0)) / drawn.std(0) @ weights


class Learned(NamedTuple):
    """Of one person: regret after so many answers, accuracy on other pairs, coverage, milliseconds a choice."""

    regret: dict[int, float]
    accuracy: float = 0.0
    covered: float = 0.0
    milliseconds: float = 0.0


def ours(session: Session, person: Person) -> Learned:
    """Asks as tf-style taste asks."""
    regret, times = {}, []
    for turn in range(1, CHECKS[-1] + 1):
        begun = time.perf_counter()
        pair = session.ask()
        times.append(time.perf_counter() - begun)
        answer = "left" if person.prefers(pair.left, pair.right) else "right"
        begun = time.perf_counter()
        session.tell(answer)
        known = session.understanding()
        times[-1] += time.perf_counter() - begun
        if turn in CHECKS:
            regret[turn] = person.regret(known.items[known.best])
    one, other = person.rng.integers(known.drawn, size=(2, _HELD_OUT))
    one, other = one[one != other], other[one != other]
    truth = person.drawn[one] - person.drawn[other]
    right = (known.belief.mean[one] > known.belief.mean[other]) == (truth > 0)
    covered = []
    for first, second, true in zip(one, other, truth, strict=True):
        mean, deviation = (each[first] for each in known.belief.differences(second))
        covered.append(person.noise and abs(true / person.noise - mean) < _DEVIATIONS * deviation)
    return Learned(regret, float(right.mean()), float(np.mean(covered)), 1000 * statistics.median(times))


def keep_the_winner(pool: Sequence[Candidate], person: Person) -> Learned:
    """Asks the best so far against a random one."""
    best, regret = pool[person.rng.integers(len(pool))], {}
    for turn in range(1, CHECKS[-1] + 1):
        other = pool[person.rng.integers(len(pool))]
        best = best if person.prefers(best, other) else other
        if turn in CHECKS:
            regret[turn] = person.regret(best)
    return Learned(regret)


def random_pairs(pool: Sequence[Candidate], person: Person) -> Learned:
    """Asks random pairs, and takes one of those with the most wins."""
    wins, regret = np.zeros(len(pool)), {}
    for turn in range(1, CHECKS[-1] + 1):
        one, other = person.rng.permutation(len(pool))[:2]
        won = person.prefers(pool[one], pool[other])
        wins[[one, other]] += (1, -1) if won else (-1, 1)
        if turn in CHECKS:
            regret[turn] = person.regret(pool[person.rng.choice(np.flatnonzero(wins == wins.max()))])
    return Learned(regret)


def ask_all(
    people: int,
    first_seed: int,
    worth: Callable[[Session, int], Worth],
    wrong: float,
    answers: str,
    space: Space,
    draws: int = 0,
) -> dict[str, list[Learned]]:
    """The same people asked by every method; candidates are drawn so often, or (0) anew for each."""
    found: dict[str, list[Learned]] = {method: [] for method in METHODS}
    for seed in range(first_seed, first_seed + people):
        session = Session(space, seed=first_seed + (seed - first_seed) % (draws or people))
        person = make_person(worth(session, seed), session.pool, wrong, answers, seed)
        found["ours"].append(ours(session, person))
        found["keep the winner"].append(keep_the_winner(session.pool, person))
        found["random pairs"].append(random_pairs(session.pool, person))
    return found


def rows_of(name: str, wrong: str, found: dict[str, list[Learned]]) -> list[list[str]]:
    """A line of the table for each method."""
    rows = []
    for method, each in found.items():
        regrets = [np.array([one.regret[check] for one in each]) for check in CHECKS]
        figures = [f"{own.mean():.2f} ± {own.std() / len(own) ** 0.5:.2f}" for own in regrets]
        shares = [f"{np.mean([getattr(one, field) for one in each]):.2f}" for field in ("accuracy", "covered")]
        shares = shares if method == "ours" else ["", ""]
        shares[1] = "" if "slips" in wrong else shares[1]
        rows.append([name, wrong, method, *figures, *shares])
    return rows


def at_20(found: dict[str, list[Learned]], method: str) -> np.ndarray:
    """Regrets after 20 answers."""
    return np.array([one.regret[20] for one in found[method]])


def verdicts(
    main: dict[str, list[Learned]], hard: dict[str, list[Learned]], seen: dict[str, list[Learned]], with_file: float
) -> list[list[str]]:
    """The bars, what was measured, and whether it is enough."""
    own, keep, random = (at_20(main, method) for method in METHODS)
    chance = float(ttest_rel(own, keep, alternative="less").pvalue)
    halves = (np.split(each, len(KINDS)) for each in (own, keep))
    chances = [ttest_rel(*pair, alternative="less") for pair in zip(*halves, strict=True)]
    share = own.mean() / random.mean()
    by_pictures = at_20(seen, "ours").mean() / at_20(seen, "random pairs").mean()
    accuracy = np.mean([one.accuracy for one in main["ours"]])
    covered = np.mean([one.covered for one in main["ours"]])
    bars = [
        ("P1 regret at 20, 10 % wrong", "at most 0.20", f"{own.mean():.2f}", own.mean() <= 0.2),
        *((f"P1 the same, of {kind} people alone", "at most 0.20", f"{half.mean():.2f}", half.mean() <= 0.2)
          for kind, half in zip(KINDS, np.split(own, len(KINDS)), strict=True)),
        ("P1 of that of random pairs", "at most 0.35", f"{share:.2f}", share <= 0.35),
        ("P1 below keep the winner, paired t-test", "p below 0.01", f"{chance:.1e}", chance < 0.01),
        *((f"P1 the same, of {kind} people alone", "p below 0.01", f"{apart.pvalue:.1e}", apart.pvalue < 0.01)
          for kind, apart in zip(KINDS, chances, strict=True)),
        ("P2 regret at 20, 18 % wrong", "at most 0.30", f"{at_20(hard, 'ours').mean():.2f}",
         at_20(hard, "ours").mean() <= 0.3),
        ("P3 worth by pictures, of that of random pairs", "at most 0.60", f"{by_pictures:.2f}", by_pictures <= 0.6),
        ("P4 accuracy on other pairs at 20", "at least 0.72", f"{accuracy:.3f}", accuracy >= 0.72),
        ("P4 coverage of 80 % intervals", "0.70 to 0.90", f"{covered:.2f}", 0.7 <= covered <= 0.9),
        ("P5 milliseconds a choice, with the file", "at most 50", f"{with_file:.0f}", with_file <= 50),
    ]  # fmt: skip
    return [[*bar[:3], "yes" if bar[3] else "no"] for bar in bars]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulates, and writes the record."""
    parser = record.parser(__doc__, "TASTE.md")
    parser.add_argument("--people", type=int, default=200, help="of each table row, half of each kind")
    parser.add_argument("--watchers", type=int, default=60, help="people who judge paintings (P3)")
    parser.add_argument("--first_seed", type=int, default=0, help="our constants were chosen with seeds from 10000 on")
    parser.add_argument("--style_library", default="", help="a folder of pictures")
    parser.add_argument("--content", type=Path, default=CONTENT, help="the photo for P3")
    parser.add_argument("--size", type=int, default=128, help="of its paintings")
    args: argparse.Namespace = parser.parse_args(arguments)
    space, rows, runs = Space.open(args.style_library), [], {}
    for wrong, answers in ((0.1, "noise"), (0.18, "noise"), (0.1, "slips")):
        both: dict[str, list[Learned]] = {method: [] for method in METHODS}
        for kind in KINDS:
            worth = lambda session, seed, kind=kind: worth_by_coordinates(space, kind, seed)  # noqa: E731
            found = ask_all(args.people // 2, args.first_seed, worth, wrong, answers, space)
            rows += rows_of(kind, f"{100 * wrong:.0f} %, {answers}", found)
            for method in METHODS:
                both[method] += found[method]
        runs[wrong, answers] = both
        print(wrong, answers, flush=True)
    pictures = Pictures(space, args.content, args.size)
    seen = ask_all(
        args.watchers, args.first_seed, lambda session, seed: worth_by_pictures(pictures, session.pool, seed), 0.1,
        "noise", space, _DRAWS,
    )  # fmt: skip
    rows += rows_of("by pictures", "10 %, noise", seen)
    with tempfile.TemporaryDirectory() as folder:
        session = Session(space, str(Path(folder) / "me.json"), seed=args.first_seed)
        worth = worth_by_coordinates(space, KINDS[0], args.first_seed)
        timed = ours(session, make_person(worth, session.pool, 0.1, "noise", args.first_seed))
    record.write(
        args.output,
        "Taste",
        "taste",
        f"{args.people} simulated people a setting, half with an ideal point and half with a direction in the "
        f"coordinates by which we learn; {len(space.entries)} paintings, {len(session.pool)} candidates drawn anew for "
        f"each person. P1, P2 and P4 are of both kinds together, with answers wrong by noise. P3: {args.watchers} "
        "people whose worth is a random sum of warmth, density of edges and nearness to a hidden painting (in the "
        f"features of the network's encoder), measured on paintings of {args.size} px. The constants were chosen with "
        f"other seeds. Candidates of P3 were drawn {_DRAWS} times.",
        table(["bar", "allowed", "measured", "met"],
              verdicts(runs[0.1, "noise"], runs[0.18, "noise"], seen, timed.milliseconds)),
        "Regret with its standard error, accuracy on other pairs and coverage of 80 % intervals at 20, in detail:",
        table(["people", "wrong answers", "method", "at 10", "at 20", "accuracy", "coverage"], rows),
        "With people it is not measured yet (P6); docs/taste.md says how to.",
    )  # fmt: skip


if __name__ == "__main__":
    main()
