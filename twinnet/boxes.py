"""Boxes: 0-based x, y, w, h floats in pixels, where the pixel in the corner covers 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError

Boxes = npt.NDArray[np.float64]

# A box that is narrower, in pixels, has no area.
LEAST_SIDE = 1e-3


def centres(boxes: Any) -> Boxes:
    """The middle of each box: (..., 4) -> (..., 2)."""
    a = np.asarray(boxes, dtype=np.float64)
    return a[..., :2] + a[..., 2:] / 2


def from_centres(centres: Any, sizes: Any) -> Boxes:
    """Boxes from their middles (..., 2) and sizes (..., 2)."""
    size = np.asarray(sizes, dtype=np.float64)
    return np.concatenate([np.asarray(centres, dtype=np.float64) - size / 2, size], axis=-1)


def iou(a: Any, b: Any) -> Boxes:
    """Intersection over union, box by box: (..., 4), (..., 4) -> (...); 0 where neither has an area."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=-1)
    union = np.prod(a[..., 2:], axis=-1) + np.prod(b[..., 2:], axis=-1) - shared
    overlap: Boxes = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def no_larger(box: Any, width: float, height: float) -> Boxes:
    """A box (4,) as it is, or its part in the frame where it is wider or higher than that."""
    a = np.asarray(box, dtype=np.float64)
    return clamp(a, width, height) if a[2] > width or a[3] > height else a


def clamp(boxes: Any, width: float, height: float) -> Boxes:
    """The part of each box that lies in the frame; at least one pixel stays where a box lies outside."""
    a = np.asarray(boxes, dtype=np.float64)
    frame = np.array([width, height], dtype=np.float64)
    low = np.clip(a[..., :2], 0, frame - 1)
    high = np.clip(a[..., :2] + a[..., 2:], low + 1, frame)
    return np.concatenate([low, high - low], axis=-1)


def check_box(box: Any, frame_size: tuple[int, int]) -> Boxes:
    """A box as an array.

    Raises:
        TwinnetError: If it is no box, has no area, or lies outside the frame.
    """
    try:
        checked = np.asarray(box, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TwinnetError(f"the box {box!r} is not four numbers x, y, w, h") from error
    if checked.shape != (4,) or not np.isfinite(checked).all():
        raise TwinnetError(f"the box {checked.tolist()} is not four finite numbers x, y, w, h")
    x, y, w, h = checked.tolist()
    shown = f"the box {x:g},{y:g},{w:g},{h:g}"
    if min(w, h) < LEAST_SIDE:
        raise TwinnetError(f"{shown} has no area: its width and height must be above {LEAST_SIDE} pixels")
    width, height = frame_size
    if w > width or h > height:
        raise TwinnetError(f"{shown} is larger than the frame of {width} x {height}")
    if x >= width or y >= height or x + w <= 0 or y + h <= 0:
        raise TwinnetError(f"{shown} lies outside the frame of {width} x {height}")
    return checked
