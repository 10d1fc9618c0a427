"""What choices between two things say of all things: a Gaussian process with a probit likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import log_ndtr, ndtr

_MOST_STEPS = 50
_TOLERANCE = 1e-9
_TINY = 1e-12


class Prior(Protocol):
    """What is known of M things' worth before any choice; the mean is 0, 1 is the deviation of a person's judgement."""

    @property
    def variance(self) -> np.ndarray:
        """Of each thing's worth, [M]."""

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """Covariance of some things, by their numbers, with all, [n, M]."""


class Comparison(NamedTuple):
    """One thing is better than another, by their numbers; `better` is -1 where `worse` is below a level only."""

    better: int
    worse: int
    level: float = 0.0


class Belief(NamedTuple):
    """What is known of M things' worth; 1 is the deviation of a person's judgement of a difference.

    Attributes:
      mean: [M].
      prior: What was known before.
      known: [K, M]; the covariance is that of the prior minus `known.T @ known`.
    """

    mean: np.ndarray
    prior: Prior
    known: np.ndarray

    def differences(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation, [M] each, of how much better everything is than the thing of a number."""
        variance = self.prior.variance - (self.known**2).sum(0)
        shared = self.prior.rows(np.array([number]))[0] - self.known[:, number] @ self.known
        spread = variance + variance[number] - 2 * shared
        return self.mean - self.mean[number], np.sqrt(np.maximum(spread, 0.0))

    def expected_best(self, number: int) -> np.ndarray:
        """For a pair of the thing of a number and each other, the expected worth of the better one, [M].

        Reference:
          Lin et al., "Preference Exploration for Efficient Bayesian Optimization with Multiple Outcomes", AISTATS 2022,
          section 4 (https://arxiv.org/abs/2203.11382): EUBO, here in closed form for two.
        """
        mean, deviation = self.differences(number)
        ratio = mean / np.maximum(deviation, _TINY)
        density = np.exp(-0.5 * ratio**2) / np.sqrt(2 * np.pi)
        return self.mean[number] + mean * ndtr(ratio) + deviation * density

    def preferred_to(self, number: int) -> np.ndarray:
        """The probability, [M], that a person prefers the thing of a number to each other."""
        mean, deviation = self.differences(number)
        return ndtr(-mean / np.sqrt(1 + deviation**2))

    def worth_more(self, number: int) -> np.ndarray:
        """The probability, [M], that the thing of a number is worth more than each other."""
        mean, deviation = self.differences(number)
        return ndtr(-mean / np.maximum(deviation, _TINY))


def learn(prior: Prior, comparisons: Sequence[Comparison]) -> Belief:
    """Updates a prior by comparisons, by Laplace's approximation.

    A person prefers x to y with the probability Phi(f(x) - f(y)), where f is the worth.

    Args:
      prior: Of the worth of M things.
      comparisons: Of these things, in any order; repeated and contradictory ones are fine.

    Reference:
      Chu and Ghahramani, "Preference Learning with Gaussian Processes", ICML 2005, section 2; Rasmussen and Williams,
      "Gaussian Processes for Machine Learning", 2006, algorithms 3.1 and 3.2, here on differences.
    """
    if not comparisons:
        return Belief(np.zeros(len(prior.variance)), prior, np.zeros((0, len(prior.variance))))
    better, worse, levels = (np.array(column) for column in zip(*comparisons, strict=True))
    varies = (better >= 0)[:, None]  # levels do not
    to_all = varies * prior.rows(better) - prior.rows(worse)  # [K, M]
    covariance = varies[:, 0] * to_all[:, better] - to_all[:, worse]
    slope, weight, factor = _mode(covariance, levels)
    known = solve_triangular(factor, np.sqrt(weight)[:, None] * to_all, lower=True)
    return Belief(slope @ to_all, prior, known)


def _mode(covariance: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At the most probable differences [K], by Newton's method: the likelihood's slope, weight, and Cholesky's factor.

    The posterior is log-concave, so there is one mode; a step that does not get closer is halved.
    """
    slope_before = np.zeros(len(levels))
    height = -np.inf
    for _ in range(_MOST_STEPS):
        mode = covariance @ slope_before
        slope, weight = _probit(mode + levels)
        root = np.sqrt(weight)
        factor = cholesky(np.eye(len(levels)) + root[:, None] * covariance * root, lower=True)
        wanted = weight * mode + slope
        inner = solve_triangular(factor, root * (covariance @ wanted), lower=True)
        step = wanted - root * solve_triangular(factor.T, inner) - slope_before
        reached = height
        for share in 0.5 ** np.arange(20):
            found = slope_before + share * step
            at = covariance @ found
            height = float(log_ndtr(at + levels).sum() - 0.5 * found @ at)
            if height >= reached:
                break
        slope_before = found
        if height - reached < _TOLERANCE:
            break
    return slope_before, weight, factor


def _probit(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First derivative of log Phi(z), and the second with its sign changed; both are positive."""
    slope = np.exp(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(z))
    return slope, np.maximum(slope * (slope + z), _TINY)
