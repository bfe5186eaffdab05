"""What needs no training: the difference of the pictures."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels

Scores = npt.NDArray[np.float32]
SMOOTHING = 1.5
NEAR = 2


def difference(before: Pixels, after: Pixels) -> Scores:
    """Minus the largest difference of the three colours, in levels (H, W)."""
    apart: Scores = -np.abs(before.astype(np.float32) - after).max(2)
    return apart


def compensated_difference(before: Pixels, after: Pixels) -> Scores:
    """The same once light and registration are compensated for.

    Both pictures are smoothed, each colour gets the mean and the spread that it has in the other picture, and a pixel
    is compared with the nearest colour within 2 pixels.
    """
    a, b = (cv2.GaussianBlur(p, (0, 0), SMOOTHING).astype(np.float32) for p in (before, after))
    mean, spread = b.mean((0, 1)), b.std((0, 1)) + 1e-6
    b = (b - mean) / spread * a.std((0, 1)) + a.mean((0, 1))
    around = np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)
    low, high = cv2.erode(b, around), cv2.dilate(b, around)
    apart: Scores = -np.maximum(np.maximum(low - a, a - high), 0).max(2)
    return apart


BASELINES: dict[str, Callable[[Pixels, Pixels], Scores]] = {
    "difference": difference,
    "compensated difference": compensated_difference,
}
