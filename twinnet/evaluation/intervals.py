"""Error rates with confidence intervals that know how few people, sentences or pictures are behind many trials."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from twinnet.operating_point import Rate

LEVEL = 0.95


def error_rate(wrong: Any, identities: Any = None) -> Rate:
    """An error rate with its 95 % interval (Clopper and Pearson 1934).

    Trials that share an identity are not independent: one person whom a network mistakes for everybody makes many
    errors. With `identities`, the interval is that of as many independent trials as have the same variance (Korn and
    Graubard 1998), which is estimated as for dyadic data (Aronow, Samii and Assenova 2015, https://arxiv.org/abs/1312.3398).
    Without errors (or with nothing else) there is no variance to measure, and each identity counts as one trial.

    Args:
        wrong: Whether each trial went wrong (N,).
        identities: Who takes part in each trial, as numbers (N, 2); twice the same for a genuine pair. None for
            independent trials.
    """
    errors, trials = int(np.count_nonzero(wrong)), len(wrong)
    effective = float(trials)
    if identities is not None:
        effective = min(effective, _effective_trials(np.asarray(wrong, dtype=np.float64), np.asarray(identities)))
    low, high = clopper_pearson(errors / trials * effective, effective)
    return Rate(errors, trials, low, high, effective)


def allowed_errors(rate: float, trials: int) -> int:
    """How many errors among trials a rate allows; all of them if it was computed from their number."""
    return math.floor(rate * trials * (1 + 1e-12))


def match_error_rates(
    scores: npt.NDArray[np.float64], same: npt.NDArray[np.bool_], threshold: float, identities: Any = None
) -> tuple[Rate, Rate]:
    """The rates of false matches and of false non-matches at a threshold.

    Args:
        scores: Scores of the pairs (N,); larger is closer.
        same: Whether each pair is genuine (N,).
        threshold: The least score that is a match.
        identities: Who takes part in each pair, as numbers (N, 2), or None.
    """
    genuine, impostor = (None, None) if identities is None else (identities[same], identities[~same])
    return error_rate(scores[~same] >= threshold, impostor), error_rate(scores[same] < threshold, genuine)


def clopper_pearson(errors: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of a rate; the counts may be effective ones and so no whole numbers."""
    tail = (1 - LEVEL) / 2
    low = stats.beta.ppf(tail, errors, trials - errors + 1) if errors > 0 else 0.0
    high = stats.beta.ppf(1 - tail, errors + 1, trials - errors) if errors < trials else 1.0
    return float(low), float(high)


def _effective_trials(wrong: npt.NDArray[np.float64], identities: npt.NDArray[np.int64]) -> float:
    trials, people = len(wrong), len(np.unique(identities))
    rate = wrong.mean()
    if rate in (0, 1):
        return float(people)
    variance = _dyadic_variance(wrong - rate, identities)
    if variance <= 0 or people < 2:
        return float(trials)
    quantile = 1 - (1 - LEVEL) / 2
    few_people = (stats.t.ppf(quantile, trials - 1) / stats.t.ppf(quantile, people - 1)) ** 2
    return float(rate * (1 - rate) / variance * few_people)


def _dyadic_variance(residuals: npt.NDArray[np.float64], identities: npt.NDArray[np.int64]) -> float:
    """Variance of the mean where any two trials with a common identity may be correlated."""
    first, second = np.sort(identities, axis=1).T
    different = first != second
    by_person = np.bincount(first, residuals) if len(first) else np.zeros(0)
    by_person = np.concatenate([by_person, np.zeros(max(0, int(second.max()) + 1 - len(by_person)))])
    np.add.at(by_person, second[different], residuals[different])
    # The products of trials between the same two people are in the squares of both of them.
    pairs = first[different] * (int(second.max()) + 1) + second[different]
    by_pair = np.bincount(np.unique(pairs, return_inverse=True)[1], residuals[different])
    return float((np.square(by_person).sum() - np.square(by_pair).sum()) / len(residuals) ** 2)
