"""False matches and false non-matches at every threshold, and the figures that one reads off these curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ErrorCurve:
    """Error rates at falling thresholds; the first threshold accepts nothing.

    Attributes:
        thresholds: The distinct scores, falling, behind infinity (T,).
        fmr: The share of impostor pairs that score the threshold or more (T,).
        fnmr: The share of genuine pairs that score less (T,).
    """

    thresholds: Floats
    fmr: Floats
    fnmr: Floats

    @property
    def auc(self) -> float:
        """The area under the ROC curve: how often a genuine pair scores more than an impostor pair."""
        return float(np.trapezoid(1 - self.fnmr, self.fmr))

    @property
    def eer(self) -> float:
        """The equal error rate, where the line between two thresholds has as many errors of both kinds."""
        gap = self.fmr - self.fnmr  # rises from -1 to 1
        after = int(np.argmax(gap >= 0))
        share = gap[after] / (gap[after] - gap[after - 1])
        return float(self.fmr[after] + share * (self.fmr[after - 1] - self.fmr[after]))

    def fnmr_at(self, fmr: float) -> float:
        """The least FNMR of the thresholds with at most so many false matches."""
        return float(self.fnmr[np.searchsorted(self.fmr, fmr, side="right") - 1])

    def at(self, threshold: float | None) -> tuple[float, float] | None:
        """FMR and FNMR at a threshold; None for None."""
        if threshold is None:
            return None
        place = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        return float(self.fmr[place]), float(self.fnmr[place])


def error_curve(scores: Any, same: Any, weights: Any = None) -> ErrorCurve:
    """The curve of some pairs.

    Args:
        scores: Scores (N,); larger is closer.
        same: Whether each pair is genuine (N,); both kinds occur.
        weights: How often each pair counts (N,); once unless given.
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    counts = np.ones(len(order)) if weights is None else np.asarray(weights, dtype=np.float64)
    return sorted_curve(np.asarray(scores, dtype=np.float64)[order], np.asarray(same, dtype=bool)[order], counts[order])


def sorted_curve(scores: Floats, same: npt.NDArray[np.bool_], counts: Floats) -> ErrorCurve:
    """`error_curve` of pairs that are sorted, best first."""
    genuine = np.cumsum(np.where(same, counts, 0))
    impostor = np.cumsum(np.where(same, 0, counts))
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    return ErrorCurve(
        np.concatenate([[np.inf], scores[last]]),
        np.concatenate([[0.0], impostor[last] / impostor[-1]]),
        np.concatenate([[1.0], 1 - genuine[last] / genuine[-1]]),
    )


def d_prime(scores: Any, same: Any, weights: Any = None) -> float:
    """How far the means of both kinds are apart, in standard deviations (the root of the mean of both variances)."""
    a, b = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=bool)
    counts = np.ones(len(a)) if weights is None else np.asarray(weights, dtype=np.float64)
    means, variances = zip(*(_moments(a[kind], counts[kind]) for kind in (b, ~b)), strict=True)
    spread = np.sqrt(sum(variances) / 2)
    if spread > 0:
        return float((means[0] - means[1]) / spread)
    return float(np.inf if means[0] > means[1] else 0)


def _moments(scores: Floats, counts: Floats) -> tuple[float, float]:
    mean = np.average(scores, weights=counts)
    return float(mean), float(np.average(np.square(scores - mean), weights=counts))
