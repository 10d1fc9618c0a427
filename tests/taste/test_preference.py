"""What comparisons teach: against brute force, and where numbers could fail."""

import warnings
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from tf_style.taste.preference import Comparison, learn


class Matrix(NamedTuple):
    """A prior that is written out."""

    covariance: np.ndarray

    @property
    def variance(self):
        return self.covariance.diagonal()

    def rows(self, numbers):
        return self.covariance[numbers]


PRIOR = Matrix(np.array([[4.0, 1.0, 0.5], [1.0, 4.0, 2.0], [0.5, 2.0, 4.0]]))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        yield


def test_the_mode_is_the_most_probable():
    comparisons = [Comparison(0, 1), Comparison(0, 1), Comparison(1, 2), Comparison(2, 0)]
    belief = learn(PRIOR, comparisons)
    precision = np.linalg.inv(PRIOR.covariance)

    def height(worth):
        return sum(norm.logcdf(worth[a] - worth[b]) for a, b, _ in comparisons) - 0.5 * worth @ precision @ worth

    rng = np.random.default_rng(0)
    best = height(belief.mean)
    assert all(height(belief.mean + step) < best for step in 1e-3 * rng.normal(size=(100, 3)))


def test_nothing_is_known_without_comparisons():
    belief = learn(PRIOR, [])
    np.testing.assert_array_equal(belief.mean, 0)
    mean, deviation = belief.differences(1)
    np.testing.assert_allclose(deviation, np.sqrt([6.0, 0.0, 4.0]))
    np.testing.assert_array_equal(belief.preferred_to(1), 0.5)


def test_comparisons_narrow_what_they_are_about():
    belief = learn(PRIOR, [Comparison(0, 1)])
    mean, deviation = belief.differences(1)
    assert mean[0] > 0 and deviation[0] < np.sqrt(6.0)
    assert belief.preferred_to(0)[1] > 0.5 > belief.preferred_to(1)[0]
    assert belief.worth_more(0)[1] > belief.preferred_to(0)[1]


def test_contradictions_cancel():
    belief = learn(PRIOR, [Comparison(0, 1), Comparison(1, 0)])
    np.testing.assert_allclose(belief.mean, 0, atol=1e-9)


def test_below_a_level():
    belief = learn(PRIOR, [Comparison(-1, 0, 0.5), Comparison(-1, 1, 0.5)])
    assert (belief.mean[:2] < 0).all()
    lower = learn(PRIOR, [Comparison(-1, 0, -2.0), Comparison(-1, 1, -2.0)])
    assert (lower.mean[:2] < belief.mean[:2]).all()


def test_the_same_things_many_times():
    """Nothing can be inverted here."""
    prior = Matrix(np.full((3, 3), 100.0) + np.diag([0.0, 0.0, 1.0]))
    belief = learn(prior, 200 * [Comparison(2, 0)] + 20 * [Comparison(0, 2)] + 5 * [Comparison(0, 1)])
    assert belief.mean[2] > belief.mean[0] == pytest.approx(belief.mean[1])
    assert np.isfinite(belief.expected_best(0)).all()


def test_surprised_by_what_was_certain():
    prior = Matrix(1e4 * PRIOR.covariance)
    belief = learn(prior, 30 * [Comparison(0, 1)] + 30 * [Comparison(1, 2)] + [Comparison(2, 0)])
    assert belief.mean[0] > belief.mean[1] > belief.mean[2]


def test_expected_best_is_the_mean_of_samples():
    belief = learn(PRIOR, [Comparison(0, 1), Comparison(2, 1)])
    covariance = PRIOR.covariance - belief.known.T @ belief.known
    samples = np.random.default_rng(0).multivariate_normal(belief.mean, covariance, 200_000)
    wanted = np.maximum(samples, samples[:, [1]]).mean(0)
    np.testing.assert_allclose(belief.expected_best(1), wanted, atol=0.02)
