"""Choosing the score below which a target counts as lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.boxes import iou, no_larger
from twinnet.data import sequences
from twinnet.errors import TwinnetError
from twinnet.evaluation.intervals import allowed_errors, match_error_rates
from twinnet.evaluation.probability import fit_probability
from twinnet.evaluation.separation import development
from twinnet.evaluation.verification import RULE_OF_30
from twinnet.image.decoding import Pixels, decode
from twinnet.network import TwinNetwork
from twinnet.operating_point import OperatingPoint, system_of
from twinnet.tracking.target import Target
from twinnet.tracking.tracker import Tracker

# From this overlap with the annotation on, the tracker has its target.
ON_TARGET = 0.5
# How often each sequence is cut to each other one, and for how many frames.
CUTS, AFTER_CUT = 4, 5

Scored = tuple[float, int, int]


def calibrate(
    network: TwinNetwork,
    chosen: Sequence[sequences.Sequence],
    false_alarms: float,
    source: str,
    notify: Callable[[str], None] | None = None,
) -> OperatingPoint:
    """Choose the threshold of `lost` on annotated sequences and give it to the network; `network.save` then keeps it.

    Genuine trials are the frames in which the tracker has its target. Impostor trials are the frames after a cut: at
    `CUTS` places of each sequence the tracker goes on with frames of each other one, where its target is not.

    Args:
        network: A tracking network.
        chosen: Two sequences or more; none that the network was trained on.
        false_alarms: How often a target may be reported lost while the tracker has it.
        source: What the sequences are, in words.
        notify: Called with the name of each sequence when it is done.

    Raises:
        TwinnetError: If the frames are too few to show the rate, or scores do not fall when the target is gone.
    """
    if len(chosen) < 2:
        raise TwinnetError("an operating point needs two sequences or more: what one shows, the others do not")
    if not 0 < false_alarms < 1:
        raise TwinnetError(f"a rate of false alarms lies between 0 and 1, not at {false_alarms:g}")
    tracker = Tracker(network, threshold=-math.inf)
    with_target: list[Scored] = []
    without: list[Scored] = []
    for number, sequence in enumerate(chosen):
        with sequence.named():
            for score, cut in _follow(tracker, chosen, number):
                (with_target if cut == number else without).append((score, number, cut))
        if notify is not None:
            notify(sequence.name)
    point = _choose(network, with_target, without, false_alarms, source)
    network.operating_point = point
    return point


def _choose(
    network: TwinNetwork, with_target: list[Scored], without: list[Scored], false_alarms: float, source: str
) -> OperatingPoint:
    threshold = lost_below([score for score, *_ in with_target], false_alarms)
    rows = np.array(with_target + without)
    scores, same = rows[:, 0], np.arange(len(rows)) < len(with_target)
    clips = rows[:, 1:].astype(np.int64)
    slope, intercept = fit_probability(scores, same)
    fmr, fnmr = match_error_rates(scores, same, threshold, clips)
    return OperatingPoint(
        threshold=threshold,
        target_fmr=fmr.value,
        fmr=fmr,
        fnmr=fnmr,
        slope=slope,
        intercept=intercept,
        system=system_of(network),
        development=development(scores, same, source),
        target_fnmr=false_alarms,
    )


def lost_below(scores: Any, false_alarms: float) -> float:
    """The highest threshold with at most so large a share of the scores below it.

    Args:
        scores: Scores of targets that the tracker has (N,).
        false_alarms: That share.

    Raises:
        TwinnetError: If so few scores cannot show the rate.
    """
    rising: npt.NDArray[np.float64] = np.sort(np.asarray(scores, dtype=np.float64))
    alarms = allowed_errors(false_alarms, len(rising))
    if alarms < RULE_OF_30:
        raise TwinnetError(
            f"{len(rising):,} frames with their target cannot show a rate of false alarms of {false_alarms:g}, which "
            f"takes {RULE_OF_30} alarms (rule of 30): take more sequences or a rate of "
            f"{RULE_OF_30 / max(len(rising), 1):.2g} or more"
        )
    return float(rising[alarms])


def _follow(tracker: Tracker, chosen: Sequence[sequences.Sequence], number: int) -> Iterator[tuple[float, int]]:
    """Scores through a sequence where the tracker is right, and after cuts to the others, with the number of each."""
    sequence = chosen[number]
    first = decode(sequence.frames[0])
    (target,) = tracker.start(first, [no_larger(sequence.boxes[0], first.shape[1], first.shape[0])])
    visible, cuts = sequence.visible, set(np.linspace(0, len(sequence), CUTS + 1, dtype=int)[1:] - 1)
    for place in range(1, len(sequence)):
        tracker.follow(decode(sequence.frames[place]), [target])
        if visible[place] and iou(target.box, sequence.boxes[place]) >= ON_TARGET:
            yield target.score, number
        if place in cuts:
            for other in range(len(chosen)):
                if other != number:
                    yield from ((score, other) for score in _after_cut(tracker, target, chosen[other], place))


def _after_cut(tracker: Tracker, target: Target, other: sequences.Sequence, place: int) -> Iterator[float]:
    followed = replace(target)
    begin = place % max(1, len(other) - AFTER_CUT)
    for frame in other.frames[begin : begin + AFTER_CUT]:
        tracker.follow(_scaled(decode(frame), target.frame_size), [followed])
        yield followed.score


def _scaled(frame: Pixels, size: tuple[int, int]) -> Pixels:
    scaled: Pixels = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return scaled
