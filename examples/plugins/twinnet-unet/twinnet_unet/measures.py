"""How well changed pixels are found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.evaluation.bootstrap import percentile_interval

Counts = npt.NDArray[np.int64]
REPLICATES = 1000


def count(changed: Any, found: Any) -> Counts:
    """Pixels that changed and were found, were found though they had not changed, and changed but were not found."""
    changed, found = np.asarray(changed, bool), np.asarray(found, bool)
    return np.array([(changed & found).sum(), (~changed & found).sum(), (changed & ~found).sum()])


def f1(counts: Counts) -> npt.NDArray[np.float64]:
    """F1 of changed pixels, from counts (..., 3); 0 where nothing changed and nothing was found."""
    hit, false, missed = np.moveaxis(counts, -1, 0)
    score: npt.NDArray[np.float64] = 2 * hit / np.maximum(2 * hit + false + missed, 1)
    return score


def summary(counts: Sequence[Counts], seed: int = 0) -> dict[str, float]:
    """Precision, recall and F1 over the pixels of all pairs, and the 95 % interval of F1 over pairs (bootstrap)."""
    each = np.stack(counts)  # (P, 3)
    hit, false, missed = each.sum(0)
    drawn = np.random.default_rng(seed).integers(len(each), size=(REPLICATES, len(each)))
    low, high = percentile_interval(f1(each[drawn].sum(1)))
    return {
        "precision": float(hit / max(hit + false, 1)),
        "recall": float(hit / max(hit + missed, 1)),
        "f1": float(f1(each.sum(0))),
        "low": float(low),
        "high": float(high),
    }


def best_threshold(scores: Sequence[Any], same: Sequence[Any]) -> float:
    """The threshold below which pixels count as changed that has the largest F1 over the pixels of all pairs."""
    flat = np.concatenate([np.ravel(s) for s in scores])
    changed = np.concatenate([np.ravel(s) == 0 for s in same])
    order = np.argsort(flat, kind="stable")
    flat, hit = flat[order], np.cumsum(changed[order])
    found = np.arange(1, len(flat) + 1)
    value = 2 * hit / (found + hit[-1])
    value[:-1][flat[:-1] == flat[1:]] = -1  # equal scores are found together
    best = int(value.argmax())
    following = flat[best + 1] if best + 1 < len(flat) else flat[best] + 1
    return float((flat[best] + following) / 2)
