"""Finding an exemplar anywhere in a frame: its map is compared with that of the whole frame, at several sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from twinnet.boxes import Boxes
from twinnet.tracking.crops import Pixels, exemplar_region
from twinnet.tracking.protocol import target_places
from twinnet.tracking.target import Target
from twinnet.tracking.tracker import Tracker

FACTORS = (1.0, 0.8, 1.25, 0.64, 1.5625)
# A small target in a large frame would have to be enlarged to more pixels than a network should see at once.
MAX_PIXELS = 6_000_000


class Found(NamedTuple):
    """Where an exemplar was found.

    Attributes:
        centre: Its middle in the frame.
        size: Its width and height there.
        score: How close it is, on the scale of `Target.score`.
    """

    centre: Boxes
    size: Boxes
    score: float


def find(tracker: Tracker, frame: Pixels, target: Target, factors: Sequence[float] = FACTORS) -> Found | None:
    """Look for a target over the whole frame.

    Args:
        tracker: The tracker that the target is from.
        frame: RGB, uint8 (H, W, 3).
        target: Whom to look for.
        factors: The sizes to try, in terms of the target's present size.

    Returns:
        The best place, or None if no size could be tried.
    """
    tries = [_find_at(tracker, frame, target, target.size * factor) for factor in factors]
    return max((found for found in tries if found is not None), key=lambda found: found.score, default=None)


def _find_at(tracker: Tracker, frame: Pixels, target: Target, size: Boxes) -> Found | None:
    side = exemplar_region([0, 0, *size], tracker.preprocess.context).side
    exemplar_size, stride = tracker.preprocess.exemplar_size, tracker.stride
    zoom = exemplar_size / side
    height, width = (max(1, round(length * zoom)) for length in frame.shape[:2])
    if height * width > MAX_PIXELS:
        return None
    resized = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    # Half an exemplar of border on all sides, so that targets at the rim fit; then whole cells.
    margin = exemplar_size // 2
    rows, columns = (-(length + 2 * margin - exemplar_size) % stride for length in (height, width))
    padded = cv2.copyMakeBorder(
        resized, margin, margin + rows, margin, margin + columns, cv2.BORDER_CONSTANT, value=target.border
    )
    exemplar, kernel = _compared(tracker, target, zoom * float(size.min()))
    with torch.inference_mode():
        scores = tracker.network.score_map(exemplar, tracker.maps(padded[None]))[0].float().cpu().numpy()
    row, column = divmod(int(scores.argmax()), scores.shape[1])
    places = target_places(max(scores.shape), stride, exemplar_size, target.exemplar.shape[-1], kernel)
    centre = np.array([places[column] - margin, places[row] - margin])
    return Found(centre * [frame.shape[1] / width, frame.shape[0] / height], size, float(tracker.scored(scores.max())))


def _compared(tracker: Tracker, target: Target, shorter: float) -> tuple[Tensor, int | None]:
    """The cells of the exemplar's map that are compared, and how many there are on each axis.

    What surrounds a bare picture is unknown: only the cells that show the picture itself, whose shorter side is
    `shorter` pixels of the crop, are compared.
    """
    kernel = getattr(tracker.network.distance, "kernel", None)
    if kernel is not None or not target.bare:
        return target.exemplar, kernel
    cells = target.exemplar.shape[-1]
    inner = min(cells, max(1, int(shorter / tracker.stride)))
    first = (cells - inner) // 2
    return target.exemplar[:, :, first : first + inner, first : first + inner], inner
