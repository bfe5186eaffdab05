from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from twinnet.evaluation.intervals import clopper_pearson, error_rate


@given(st.integers(1, 400), st.data())
def test_independent_trials_have_the_exact_interval(trials, data):
    errors = data.draw(st.integers(0, trials))
    rate = error_rate(np.arange(trials) < errors)
    exact = stats.binomtest(errors, trials).proportion_ci(0.95, "exact")
    assert (rate.low, rate.high) == pytest.approx((exact.low, exact.high))
    assert (rate.errors, rate.trials, rate.effective) == (errors, trials, trials)


def dyadic_variance_by_loops(residuals, pairs):
    total = 0.0
    for a, first in zip(residuals, pairs, strict=True):
        for b, second in zip(residuals, pairs, strict=True):
            total += a * b if set(first) & set(second) else 0
    return total / len(residuals) ** 2


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_dependence_is_that_of_trials_that_share_somebody(seed):
    rng = np.random.default_rng(seed)
    pairs = rng.integers(8, size=(40, 2))
    wrong = rng.random(40) < 0.3
    rate = error_rate(wrong, pairs)
    if not 0 < wrong.sum() < 40:
        assert rate.effective == len(np.unique(pairs))
        return
    residuals = wrong - wrong.mean()
    variance = dyadic_variance_by_loops(residuals, pairs.tolist())
    people = len(np.unique(pairs))
    few = (stats.t.ppf(0.975, 39) / stats.t.ppf(0.975, people - 1)) ** 2
    expected = wrong.mean() * (1 - wrong.mean()) / variance * few if variance > 0 else 40
    assert rate.effective == pytest.approx(min(40, expected))
    assert (rate.low, rate.high) == pytest.approx(clopper_pearson(wrong.mean() * rate.effective, rate.effective))


def test_disjoint_pairs_are_independent():
    wrong = np.random.default_rng(0).random(200) < 0.1
    assert error_rate(wrong, np.arange(400).reshape(200, 2)).effective == pytest.approx(200, rel=0.01)


def test_one_person_who_resembles_everybody_widens_the_interval():
    first, second = np.triu_indices(40, 1)
    pairs = np.stack([first, second], axis=1)
    one, spread = first == 0, np.random.default_rng(1).permutation(first == 0)
    assert error_rate(one, pairs).effective < error_rate(spread, pairs).effective / 3
    assert error_rate(one, pairs).high > 2 * error_rate(spread).high


def test_the_interval_of_all_pairs_covers_the_truth():
    """Each person has a tendency to be mistaken; over many draws of 30 people the interval has to hold the truth."""
    rng = np.random.default_rng(0)
    first, second = np.triu_indices(30, 1)
    pairs = np.stack([first, second], axis=1)
    noise = 0.8
    truth = stats.norm.sf(2 / np.hypot(np.sqrt(2) * 0.7, noise))
    covered = plain = 0
    for _ in range(300):
        tendency = rng.normal(size=30) * 0.7
        wrong = tendency[first] + tendency[second] + rng.normal(size=len(pairs)) * noise > 2
        rate, independent = error_rate(wrong, pairs), error_rate(wrong)
        covered += rate.low <= truth <= rate.high
        plain += independent.low <= truth <= independent.high
    assert covered / 300 > 0.88
    assert plain / 300 < 0.6
