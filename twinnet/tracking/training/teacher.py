"""Boxes for clips without any, from a tracker that is trusted where it agrees with itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twinnet.boxes import Boxes, iou
from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels
from twinnet.tracking.benchmark import Contestant


def agreed_boxes(
    frames: Sequence[Pixels], box: Any, make: Callable[[], Contestant], at_start: float = 0.5, on_average: float = 0.65
) -> Boxes | None:
    """Follow a box to the end of a clip and back again.

    The forward-backward error of Kalal et al. 2010 (https://doi.org/10.1109/ICPR.2010.675), on boxes.

    Args:
        frames: The clip.
        box: Where the target is in the first frame: x, y, w, h.
        make: Makes a fresh teacher.
        at_start: The IoU with which it must come back to the box.
        on_average: The mean IoU that both ways must have.

    Returns:
        The mean of both ways (T, 4), or None where they do not agree.

    Raises:
        TwinnetError: If the clip has less than two frames.
    """
    if len(frames) < 2:
        raise TwinnetError("a teacher needs two frames or more to follow a target")
    forth = _follow(frames, np.asarray(box, dtype=np.float64), make())
    back = _follow(frames[::-1], forth[-1], make())[::-1]
    overlap = iou(forth, back)
    if overlap[0] < at_start or overlap.mean() < on_average:
        return None
    agreed: Boxes = (forth + back) / 2
    return agreed


def _follow(frames: Sequence[Pixels], box: Boxes, teacher: Contestant) -> Boxes:
    teacher.init(frames[0], box.copy())
    return np.stack([box, *(np.asarray(teacher.update(frame)[1], dtype=np.float64) for frame in frames[1:])])
