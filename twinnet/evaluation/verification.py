"""Verification: do genuine pairs score more than impostor pairs, and does a threshold keep its promise?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.evaluation.bootstrap import bootstrap_intervals
from twinnet.evaluation.curves import d_prime, sorted_curve
from twinnet.evaluation.folds import fold_accuracy
from twinnet.evaluation.intervals import match_error_rates
from twinnet.evaluation.separation import check_separate
from twinnet.operating_point import OperatingPoint

RATES = (0.1, 0.01, 0.001, 0.0001)
# With 30 errors, a rate is within 30 % of the truth in 9 of 10 cases (Doddington et al. 2000).
RULE_OF_30 = 30


def verification_report(
    scores: Any,
    labels: Any,
    *,
    operating_point: OperatingPoint | None = None,
    identities: Any = None,
    keys: Iterable[str] = (),
    rates: Sequence[float] = RATES,
) -> dict[str, Any]:
    """The figures of verification, each with its 95 % confidence interval.

    Args:
        scores: Scores of the pairs (N,); larger is closer.
        labels: 1 for genuine pairs (the same), 0 for impostor pairs (N,).
        operating_point: A threshold to judge. It knows its development data, and is refused on them.
        identities: Who takes part in each pair, names or numbers (N, 2): intervals then know that pairs of one person
            depend on each other.
        keys: A hash of the items of each pair, to find pairs that the operating point was chosen on.
        rates: The false match rates at which to give the FNMR; those that the impostor pairs cannot show (with fewer
            than 30 errors) are None.

    Returns:
        `genuine` and `impostor`, the counts; `roc_auc`, `eer`, `d_prime`, `accuracy_10_fold`, each with `value`, `low`
        and `high`; `fnmr_at_fmr`, a list with `fmr` and the same, `tar` being 1 - FNMR; `operating_point` with its
        `threshold`, `target_fmr`, and `fmr` and `fnmr` on these data; or None.

    Raises:
        TwinnetError: If there are not both kinds of pairs, or the operating point was chosen on these data.
    """
    a, same = checked(scores, labels)
    if operating_point is not None:
        check_separate(operating_point, a, same, keys)
    people = None if identities is None else numbered(identities, len(a))
    return {
        "genuine": int(same.sum()),
        "impostor": int((~same).sum()),
        **_threshold_free(a, same, people, rates),
        "accuracy_10_fold": fold_accuracy(a, same),
        "operating_point": _judged(operating_point, a, same, people) if operating_point else None,
    }


def checked(scores: Any, labels: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Scores and labels as arrays.

    Raises:
        TwinnetError: If they do not fit together, or there are not both kinds of pairs.
    """
    a, b = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if a.shape != b.shape or a.ndim != 1:
        raise TwinnetError(f"scores {a.shape} and labels {b.shape} must be two lists of one length")
    if not np.isfinite(a).all():
        raise TwinnetError(f"score {int(np.argmin(np.isfinite(a)))} is not finite")
    if set(np.unique(b).tolist()) != {0, 1}:
        raise TwinnetError("labels must be 0 (different) and 1 (the same), and both must occur")
    return a, b.astype(bool)


def numbered(identities: Any, pairs: int) -> npt.NDArray[np.int64]:
    """Names or numbers of who takes part in each pair (N, 2), as numbers from 0.

    Raises:
        TwinnetError: If there are not two for each pair.
    """
    people = np.asarray(identities)
    if people.shape != (pairs, 2):
        raise TwinnetError(f"identities {people.shape} must be two for each of the {pairs} pairs")
    return np.unique(people, return_inverse=True)[1].reshape(-1, 2)


def _judged(
    point: OperatingPoint, scores: npt.NDArray[np.float64], same: npt.NDArray[np.bool_], people: Any
) -> dict[str, Any]:
    fmr, fnmr = match_error_rates(scores, same, point.threshold, people)
    return {
        "threshold": point.threshold,
        "target_fmr": point.target_fmr,
        "fmr": fmr.to_dict(),
        "fnmr": fnmr.to_dict(),
    }


def _threshold_free(
    scores: npt.NDArray[np.float64], same: npt.NDArray[np.bool_], people: Any, rates: Sequence[float]
) -> Mapping[str, Any]:
    order = np.argsort(-scores, kind="stable")
    a, b = scores[order], same[order]
    shown = [rate for rate in rates if rate * int((~same).sum()) >= RULE_OF_30]

    def measure(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        curve = sorted_curve(a, b, weights)
        return np.array([curve.auc, curve.eer, d_prime(a, b, weights), *map(curve.fnmr_at, shown)])

    values = measure(np.ones(len(a)))
    intervals = bootstrap_intervals(measure, b, None if people is None else people[order])
    auc, eer, separation, *at_rates = (
        {"value": float(value), "low": float(low), "high": float(high)}
        for value, (low, high) in zip(values, intervals, strict=True)
    )
    fnmr = dict(zip(shown, at_rates, strict=True))
    return {
        "roc_auc": auc,
        "eer": eer,
        "d_prime": separation,
        "fnmr_at_fmr": [{"fmr": rate, **_with_tar(fnmr.get(rate))} for rate in rates],
    }


def _with_tar(fnmr: Mapping[str, float] | None) -> dict[str, float | None]:
    if fnmr is None:
        return dict.fromkeys(("value", "low", "high", "tar"))
    return {**fnmr, "tar": 1 - fnmr["value"]}
