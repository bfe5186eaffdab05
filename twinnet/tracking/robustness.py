"""What success curves do not show: is a target found from a picture of it, and noticed when it goes and comes back?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from twinnet.boxes import Boxes, iou, no_larger
from twinnet.data import sequences
from twinnet.image.decoding import Pixels, decode
from twinnet.tracking.follower import Follower
from twinnet.tracking.track import begin_with_picture
from twinnet.tracking.tracker import Tracker

# From this overlap with the annotation on, a target is found.
FOUND = 0.5
# Frames of the gap.
BLACK = 30


@dataclass(frozen=True)
class Gap:
    """Black frames in the middle of a sequence.

    Attributes:
        before: The overlap with the annotation in the last frame before that has one.
        lost_after: In which of the black frames the target is reported lost, from 1; None if in none.
        found_after: In which of the frames after them it is seen again with an overlap of `FOUND`, from 1; None if in
            none.
    """

    before: float
    lost_after: int | None
    found_after: int | None


def measure(tracker: Tracker, chosen: Sequence[sequences.Sequence]) -> dict[str, dict[str, float | int | None]]:
    """The figures of each sequence.

    Args:
        tracker: The tracker; without a threshold it reports no target lost.
        chosen: The sequences.

    Returns:
        For each its `patch` and `later_patch`, the overlaps of what a picture from the first frame and one from a
        quarter of the way (from the next frame there that shows the target) finds in the first frame, and what `Gap`
        has.
    """
    figures = {}
    for sequence in chosen:
        with sequence.named():
            figures[sequence.name] = _figures(tracker, sequence)
    return figures


def _figures(tracker: Tracker, sequence: sequences.Sequence) -> dict[str, float | int | None]:
    visible = np.flatnonzero(sequence.visible)
    later = visible[visible >= len(sequence) // 4]
    return {
        "patch": patch_overlap(tracker, sequence),
        "later_patch": patch_overlap(tracker, sequence, int(later[0])) if len(later) else None,
        **asdict(through_gap(tracker, sequence)),
    }


def patch_overlap(tracker: Tracker, sequence: sequences.Sequence, number: int = 0) -> float:
    """Overlap with the annotation of what a picture of the target, cut from a frame, finds in the first frame."""
    patch = cut_out(decode(sequence.frames[number]), sequence.boxes[number])
    found = begin_with_picture(tracker, decode(sequence.frames[0]), patch, None)
    return float(iou(found.box, sequence.boxes[0]))


def cut_out(frame: Pixels, box: Boxes) -> Pixels:
    """The whole pixels of a frame that a box covers."""
    left, top = (max(0, int(value)) for value in np.round(box[:2]))
    right, bottom = (int(value) for value in np.round(box[:2] + box[2:]))
    return np.ascontiguousarray(frame[top:bottom, left:right])


def through_gap(tracker: Tracker, sequence: sequences.Sequence) -> Gap:
    """Follow the first half of a sequence, then black frames, then the second half."""
    first, middle = decode(sequence.frames[0]), len(sequence) // 2
    box = no_larger(sequence.boxes[0], first.shape[1], first.shape[0])
    follower = Follower(tracker, tracker.start(first, [box]))
    before = 1.0
    for place in range(1, middle):
        follower.follow(decode(sequence.frames[place]))
        if sequence.visible[place]:
            before = float(iou(follower.targets[0].box, sequence.boxes[place]))
    lost_after = _first(_lost(follower, [np.zeros_like(first)] * BLACK))
    rest = sequence.frames[middle:]
    found_after = _first(
        not lost and bool(iou(follower.targets[0].box, box) >= FOUND)
        for lost, box in zip(_lost(follower, map(decode, rest)), sequence.boxes[middle:], strict=True)
    )
    return Gap(before, lost_after, found_after)


def _lost(follower: Follower, frames: Iterable[Pixels]) -> Iterator[bool]:
    for frame in frames:
        follower.follow(frame)
        yield follower.targets[0].lost


def _first(answers: Iterable[bool]) -> int | None:
    """The place of the first yes, from 1; all are asked."""
    found = [place for place, answer in enumerate(answers, 1) if answer]
    return found[0] if found else None
