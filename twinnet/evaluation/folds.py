"""Accuracy with a threshold from other pairs than those it is measured on, in ten folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from twinnet.errors import TwinnetError
from twinnet.evaluation.curves import error_curve
from twinnet.evaluation.intervals import LEVEL

FOLDS = 10


def fold_accuracy(scores: Any, same: Any, folds: Any = None, seed: int = 0) -> dict[str, float] | None:
    """Mean accuracy over folds, the threshold of each being the best one on the others (Huang et al. 2007, LFW).

    Both kinds of pairs count equally, however many there are of each; in LFW's folds they are equally many.

    Args:
        scores: Scores (N,); larger is closer.
        same: Whether each pair is genuine (N,).
        folds: The fold of each pair (N,), such as LFW's; unless given, ten folds of equal shares of both kinds, drawn
            at random.
        seed: Of the random draw.

    Returns:
        `value`, `low` and `high` (from the standard error over the folds), or None where there are fewer than ten pairs
        of one kind.

    Raises:
        TwinnetError: If a given fold does not hold both kinds, or the arguments do not fit.
    """
    a, b = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=bool)
    if not np.isfinite(a).all() or len(a) != len(b) or (folds is not None and len(folds) != len(a)):
        raise TwinnetError(f"{len(a)} scores, {len(b)} kinds: expected one finite score, kind and fold for each pair")
    if folds is None and min(b.sum(), (~b).sum()) < FOLDS:
        return None
    places = _random_folds(b, seed) if folds is None else np.asarray(folds)
    accuracies = [_accuracy(a, b, places == fold) for fold in np.unique(places)]
    mean, error = float(np.mean(accuracies)), float(stats.sem(accuracies))
    reach = float(stats.t.ppf(1 - (1 - LEVEL) / 2, len(accuracies) - 1)) * error
    return {"value": mean, "low": max(0.0, mean - reach), "high": min(1.0, mean + reach)}


def _random_folds(same: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    folds = np.empty(len(same), dtype=np.int64)
    for kind in (same, ~same):
        folds[kind] = rng.permutation(np.arange(int(kind.sum())) % FOLDS)
    return folds


def _accuracy(scores: Any, same: Any, held_out: Any) -> float:
    for part in (held_out, ~held_out):
        if len(np.unique(same[part])) < 2:
            raise TwinnetError("each fold needs genuine and impostor pairs")
    curve = error_curve(scores[~held_out], same[~held_out])
    best = int(np.argmin(np.round(curve.fmr + curve.fnmr, 12)))
    following = curve.thresholds[best + 1] if best + 1 < len(curve.thresholds) else -np.inf
    threshold = (curve.thresholds[best] + following) / 2 if np.isfinite(following) else curve.thresholds[best]
    said = scores[held_out] >= threshold
    genuine = same[held_out]
    return float((said[genuine].mean() + (~said[~genuine]).mean()) / 2)
