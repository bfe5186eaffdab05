"""Boxes: 0-based x, y, w, h floats in pixels, where the pixel in the corner covers 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]


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
