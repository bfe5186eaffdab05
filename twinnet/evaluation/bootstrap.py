"""Confidence intervals of figures that are no simple rate, by the bootstrap over people or over pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.evaluation.intervals import LEVEL

REPLICATES = 300
Floats = npt.NDArray[np.float64]


def bootstrap_intervals(
    measure: Callable[[Floats], Floats], same: npt.NDArray[np.bool_], identities: Any = None, seed: int = 0
) -> Floats:
    """95 % percentile intervals (K, 2).

    Args:
        measure: Takes how often each pair counts (N,), gives the figures (K,).
        same: Whether each pair is genuine (N,).
        identities: Who takes part in each pair (N, 2). Where somebody takes part in several, people are drawn with
            replacement, and a pair counts as often as the product of its people says (Snijders and Borgatti 1999);
            otherwise pairs are drawn, of each kind as many as there are.
        seed: Of the random draws.
    """
    rng = np.random.default_rng(seed)
    return percentile_interval([measure(weights) for weights in _draws(same, identities, rng)])


def percentile_interval(replicates: Any) -> Floats:
    """The 95 % percentile interval of replicates (R, ...), low and high in the last axis."""
    tail = (1 - LEVEL) / 2
    with np.errstate(invalid="ignore"):  # of infinite ones, where the interval is not a number
        interval: Floats = np.moveaxis(np.quantile(np.asarray(replicates), [tail, 1 - tail], axis=0), 0, -1)
    return interval


def drawn_often(people: npt.NDArray[np.int64], times: Floats) -> Floats:
    """How often each pair of people (N, 2) counts where each person was drawn so many times (P,): (N,)."""
    first, second = people.T
    weights: Floats = np.where(first == second, times[first], times[first] * times[second])
    return weights


def _draws(same: npt.NDArray[np.bool_], identities: Any, rng: np.random.Generator) -> Iterator[Floats]:
    people = None if identities is None or _each_once(identities) else np.unique(identities, return_inverse=True)[1]
    draws = (
        _draw_pairs(same, rng) if people is None else _draw_people(people.reshape(-1, 2), rng)
        for _ in range(20 * REPLICATES)
    )
    # Few people may, by chance, leave no pair of one kind.
    return islice((weights for weights in draws if weights[same].any() and weights[~same].any()), REPLICATES)


def _each_once(identities: npt.NDArray[np.int64]) -> bool:
    first, second = np.asarray(identities).T
    people = np.concatenate([first, second[second != first]])
    return len(np.unique(people)) == len(people)


def _draw_people(pairs: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    count = int(pairs.max()) + 1
    return drawn_often(pairs, np.bincount(rng.integers(count, size=count), minlength=count).astype(np.float64))


def _draw_pairs(same: npt.NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    weights = np.zeros(len(same))
    for kind in (same, ~same):
        count = int(kind.sum())
        weights[kind] = np.bincount(rng.integers(count, size=count), minlength=count)
    return weights
