"""Finding an exemplar anywhere in a frame: its map is compared with that of the whole frame, at several sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from torch import Tensor

from twinnet.boxes import Boxes
from twinnet.image.decoding import Pixels
from twinnet.tracking.crops import crops, exemplar_region
from twinnet.tracking.protocol import target_places
from twinnet.tracking.response import Map
from twinnet.tracking.target import Target
from twinnet.tracking.tracker import Tracker

FACTORS = (1.0, 0.8, 1.25, 0.64, 1.5625)
# A small target in a large frame would have to be enlarged to more pixels than a network should see at once.
MAX_PIXELS = 6_000_000
# Sides of whole frames are enlarged to so many cells, or the next multiple.
STEP = 8
# A frame that is looked at so often gives a box its size, which goes only a part of the way at a time.
SETTLING = 3
# How many places at each size may be what a bare picture shows.
CANDIDATES = 6
# The covered surroundings of two bare pictures are equal, which makes any two alike: by this share of what a picture
# scores with itself. Chosen on the dev sequences, see docs/tracking.md.
COVERED = 0.66


def find(tracker: Tracker, frame: Pixels, target: Target, factors: Sequence[float] = FACTORS) -> Target | None:
    """Look for a target over the whole frame.

    The best place at each size is looked at once more as a search region, so that its score means what that of any
    other frame means, and its box is the one that the network sees there. A bare picture has no surroundings that could
    be compared: several places at each size are looked at again with their surroundings covered.

    Args:
        tracker: The tracker that the target is from.
        frame: RGB, uint8 (H, W, 3).
        target: Whom to look for.
        factors: The sizes to try, in terms of the target's present size.

    Returns:
        The target where it scores most, or None if no size could be tried.
    """
    count = CANDIDATES if target.bare else 1
    found = [place for factor in factors for place in _find_at(tracker, frame, target, target.size * factor, count)]
    if target.bare and found:
        return _recognised(tracker, frame, target, found)
    settled = [_settled(tracker, frame, place) for place in found]
    return max(settled, key=lambda place: place.score, default=None)


def _settled(tracker: Tracker, frame: Pixels, place: Target) -> Target:
    for _ in range(SETTLING):
        tracker.follow(frame, [place])
        if place.lost:
            break
    return place


def _recognised(tracker: Tracker, frame: Pixels, target: Target, places: list[Target]) -> Target:
    """The place that is most like a picture, where what surrounds it is covered as it is around the picture."""
    size = tracker.preprocess.exemplar_size
    regions = [exemplar_region(place.whole, tracker.preprocess.context) for place in places]
    cuts = np.concatenate([crops(frame, [region], size, target.border) for region in regions])
    for cut, region, place in zip(cuts, regions, places, strict=True):
        _cover(cut, place.size * (size / region.side), target.border)
    wanted = target.exemplar.map
    scores = tracker.compared(wanted, tracker.passes.maps(cuts, "left"))
    best = places[int(scores.argmax())]
    covered = COVERED * tracker.compared(wanted, wanted)[0] if tracker.log_odds else 0.0
    tracker.judge(best, float(tracker.scored(scores.max() - covered)))
    return best


def _cover(cut: Pixels, size: Boxes, border: tuple[float, ...]) -> None:
    """Paint everything but a box in the middle."""
    left, top = (max(0, round((len(cut) - float(length)) / 2)) for length in size)
    inner = cut[top : len(cut) - top, left : len(cut) - left].copy()
    cut[:] = np.round(border)
    cut[top : len(cut) - top, left : len(cut) - left] = inner


def _find_at(tracker: Tracker, frame: Pixels, target: Target, size: Boxes, count: int) -> list[Target]:
    """The best places at a size; none where the frame would become too large."""
    side = exemplar_region([0, 0, *size], tracker.preprocess.context).side
    exemplar_size, stride = tracker.preprocess.exemplar_size, tracker.stride
    zoom = exemplar_size / side
    height, width = (max(1, round(length * zoom)) for length in frame.shape[:2])
    if height * width > MAX_PIXELS:
        return []
    resized = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    # Half an exemplar of border on all sides, so that targets at the rim fit; then to one of few sizes, since what
    # PyTorch keeps for each size of a map adds up.
    margin = exemplar_size // 2
    rows, columns = (-(length + 2 * margin - exemplar_size) % (stride * STEP) for length in (height, width))
    padded = cv2.copyMakeBorder(
        resized, margin, margin + rows, margin, margin + columns, cv2.BORDER_CONSTANT, value=target.border
    )
    exemplar, kernel = _compared(tracker, target, zoom * float(size.min()))
    scores = tracker.passes.scores(exemplar, padded[None])[0]
    scores = scores[: len(scores) - rows // stride, : scores.shape[1] - columns // stride]
    places = target_places(max(scores.shape), stride, exemplar_size, target.exemplar.map.shape[-1], kernel)
    scale = np.array([frame.shape[1] / width, frame.shape[0] / height])
    return [
        replace(target, centre=(np.array([places[column], places[row]]) - margin) * scale, size=size, lost=False)
        for row, column in _peaks(scores, count, exemplar_size // (4 * stride))
    ]


def _peaks(scores: Map, count: int, apart: int) -> Iterator[tuple[int, int]]:
    """The highest cells of a map, more than `apart` cells from each other."""
    left = scores.copy()
    for _ in range(count):
        row, column = divmod(int(left.argmax()), left.shape[1])
        if np.isneginf(left[row, column]):
            return
        yield row, column
        left[max(0, row - apart) : row + apart + 1, max(0, column - apart) : column + apart + 1] = -np.inf


def _compared(tracker: Tracker, target: Target, shorter: float) -> tuple[Tensor, int | None]:
    """The cells of the exemplar's map that are compared, and how many there are on each axis.

    What surrounds a bare picture is unknown: only the cells that show the picture itself, whose shorter side is
    `shorter` pixels of the crop, are compared.
    """
    kernel = getattr(tracker.network.distance, "kernel", None)
    if kernel is not None or not target.bare:
        return target.exemplar.map, kernel
    cells = target.exemplar.map.shape[-1]
    inner = min(cells, max(1, int(shorter / tracker.stride)))
    first = (cells - inner) // 2
    return target.exemplar.map[:, :, first : first + inner, first : first + inner], inner
