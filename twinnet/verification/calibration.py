"""Choosing an operating point on development pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.evaluation.intervals import allowed_errors, match_error_rates
from twinnet.evaluation.probability import fit_probability
from twinnet.evaluation.separation import development
from twinnet.evaluation.verification import RULE_OF_30, checked, numbered
from twinnet.network import TwinNetwork
from twinnet.operating_point import OperatingPoint, Rule, system_of
from twinnet.verification.acquisition import acquire
from twinnet.verification.trials import Trials

Floats = npt.NDArray[np.float64]


def calibrate(network: TwinNetwork, trials: Trials, target_fmr: float, rule: Rule = "mean") -> OperatingPoint:
    """Choose an operating point on development trials and give it to the network; `network.save` then keeps it.

    Args:
        network: The network.
        trials: The comparisons, see `twinnet.verification.reading`. Those with an item that gives no ground for a
            verdict are left out, see `acquire`.
        target_fmr: The false match rate that is wanted.
        rule: How the scores of several references become one, "mean" or "max"; "centroid" is one score with the mean of
            their embeddings.

    Raises:
        TwinnetError: If the trials cannot show the rate, or an item cannot be taken.
    """
    check_target(target_fmr, int((~trials.same).sum()))
    trials = acquire(network, trials)
    point = choose_operating_point(
        trials.scores(network, rule),
        trials.same,
        target_fmr,
        system=system_of(network),
        source=trials.source,
        identities=trials.identities,
        keys=trials.keys(),
        references=trials.references.shape[1],
        rule=rule,
    )
    network.operating_point = point
    return point


def choose_operating_point(
    scores: Any,
    labels: Any,
    target_fmr: float,
    *,
    system: Mapping[str, Any],
    source: str,
    identities: Any = None,
    keys: Iterable[str] = (),
    references: int = 1,
    rule: Rule = "mean",
) -> OperatingPoint:
    """The lowest threshold with at most the target's share of false matches.

    Args:
        scores: Scores of development pairs (N,); larger is closer.
        labels: 1 for genuine pairs (the same), 0 for impostor pairs (N,).
        target_fmr: The false match rate that is wanted.
        system: What the scores depend on, `twinnet.operating_point.system_of` the network.
        source: What the data are, in words.
        identities: Who takes part in each pair, names or numbers (N, 2), for honest intervals.
        keys: A hash of the items of each pair, so that no report uses them again.
        references: How many references of one identity each item was compared with.
        rule: How their scores became one.

    Raises:
        TwinnetError: If the impostor pairs are too few to show the rate, or genuine pairs do not score more than
            impostor pairs.
    """
    a, same = checked(scores, labels)
    threshold = _threshold(a[~same], target_fmr)
    slope, intercept = fit_probability(a, same)
    people = None if identities is None else numbered(identities, len(a))
    fmr, fnmr = match_error_rates(a, same, threshold, people)
    return OperatingPoint(
        threshold=threshold,
        target_fmr=target_fmr,
        fmr=fmr,
        fnmr=fnmr,
        slope=slope,
        intercept=intercept,
        system=system,
        development=development(a, same, source, keys),
        references=references,
        rule=rule,
    )


def smallest_rate(impostors: int) -> float:
    """The smallest false match rate that so many impostor pairs can show: with 30 errors (the rule of 30)."""
    return RULE_OF_30 / impostors


def check_target(target_fmr: float, impostors: int) -> int:
    """How many false matches a rate allows among impostor pairs.

    Raises:
        TwinnetError: If it is no rate, or so many pairs cannot show it.
    """
    if not 0 < target_fmr < 1:
        raise TwinnetError(f"a false match rate lies between 0 and 1, not at {target_fmr:g}")
    accepted = allowed_errors(target_fmr, impostors)
    if accepted < RULE_OF_30:
        least = smallest_rate(max(1, impostors))
        showing = f"the smallest rate they can show is {_rounded_up(least):g}" if least < 1 else "they can show no rate"
        raise TwinnetError(
            f"{impostors:,} impostor pairs cannot show a false match rate of {target_fmr:g}, which takes {RULE_OF_30} "
            f"false matches (rule of 30) and so {math.ceil(RULE_OF_30 / target_fmr):,} pairs: {showing}"
        )
    return accepted


def _threshold(impostor: Floats, target_fmr: float) -> float:
    """Midway between the last impostor score that is accepted and the next one."""
    count = len(impostor)
    accepted = check_target(target_fmr, count)
    falling = np.sort(impostor)[::-1]
    # Scores that are equal are accepted or rejected together.
    while accepted and accepted < count and falling[accepted - 1] == falling[accepted]:
        accepted -= 1
    if accepted < RULE_OF_30:
        raise TwinnetError(
            f"too many impostor pairs have the same score {falling[RULE_OF_30]:g}: only {accepted} score more, fewer "
            f"than the {RULE_OF_30} false matches that show a rate: take a larger rate or a finer score"
        )
    return float((falling[accepted - 1] + falling[accepted]) / 2)


def _rounded_up(rate: float) -> float:
    """With two digits, never below the rate itself."""
    unit = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return math.ceil(rate / unit - 1e-9) * unit
