"""Is one system better than another on the same people, or on the same queries?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.evaluation.bootstrap import drawn_often, percentile_interval
from twinnet.evaluation.curves import error_curve
from twinnet.evaluation.verification import checked

Floats = npt.NDArray[np.float64]
REPLICATES = 1000


@dataclass(frozen=True)
class Scored:
    """What a system said of some trials.

    Attributes:
        scores: Larger is closer (N,).
        labels: 1 for genuine trials, 0 for impostor trials (N,).
        identities: Who takes part in each, as numbers that mean the same people in both systems (N, 2).
    """

    scores: Any
    labels: Any
    identities: Any

    def eer(self, times: Floats) -> float | None:
        """The equal error rate where each person was drawn so often; None where one kind of trial is missing."""
        scores, same = checked(self.scores, self.labels)
        weights = drawn_often(np.asarray(self.identities), times)
        if not (weights[same].any() and weights[~same].any()):
            return None
        return error_curve(scores, same, weights).eer


def eer_difference(first: Scored, second: Scored, seed: int = 0) -> dict[str, float]:
    """How much larger the first equal error rate is than the second, with its 95 % interval.

    People are drawn with replacement, and each draw judges both systems, so that what makes somebody hard for both
    does not widen the interval. The trials may differ, as with one and with several references.

    Returns:
        `value`, negative where the first system is better, `low` and `high`.

    Raises:
        TwinnetError: If scores and labels do not fit together.
    """
    people = 1 + max(int(np.max(system.identities)) for system in (first, second))
    taking_part = np.unique(np.concatenate([np.ravel(system.identities) for system in (first, second)]))

    def difference(times: Floats) -> float | None:
        a, b = first.eer(times), second.eer(times)
        return None if a is None or b is None else a - b

    rng = np.random.default_rng(seed)
    drawn = (rng.choice(taking_part, len(taking_part)) for _ in range(REPLICATES))
    replicates = [difference(np.bincount(rows, minlength=people).astype(np.float64)) for rows in drawn]
    low, high = percentile_interval([value for value in replicates if value is not None])
    return {"value": float(difference(np.ones(people)) or 0.0), "low": float(low), "high": float(high)}


def mean_difference(first: Any, second: Any, seed: int = 0) -> dict[str, float]:
    """How much larger the mean of the first figures is than that of the second, with its 95 % interval.

    Queries are drawn with replacement, and each draw judges both systems (the paired bootstrap; Smucker et al. 2007,
    https://doi.org/10.1145/1321440.1321528).

    Args:
        first: A figure of each query (N,), as `retrieval.per_query` gives it.
        second: The same figure of another system.
        seed: Of the random draws.

    Returns:
        `value`, `low` and `high`.

    Raises:
        TwinnetError: If they are not figures of as many queries.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise TwinnetError(f"figures of {a.shape} and {b.shape} queries: expected one of each query from each system")
    rows = np.random.default_rng(seed).integers(len(a), size=(REPLICATES, len(a)))
    low, high = percentile_interval((a - b)[rows].mean(axis=1))
    return {"value": float((a - b).mean()), "low": float(low), "high": float(high)}
