"""Drawings moved to the middle and scaled by the box around their ink."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels

Rows = npt.NDArray[np.intp]

# Smaller ink, as a share of the picture's sides, is a dot: it stays smaller than other drawings.
DOT = 0.2
# The narrower side of a box is taken to be no narrower than this share.
THIN = 0.08
# OpenCV moves no longer sides.
LONGEST = 2**15 - 2
# How much of the difference between the sides of a box is taken away: all of it would make every stroke a square.
EVENED = 1 / 3


@dataclass(frozen=True)
class InkBox:
    """Where and how large something was drawn is a habit of who drew it, and no part of what it is.

    Ink is what is nearer to the darkest than to the lightest pixel; the lightest comes in from outside. Strokes grow
    with the drawing, so that a small one can still be told from a large one.

    Attributes:
        share: How much of the picture the longer side of the ink takes.

    Raises:
        TwinnetError: If the share is not above 0 and at most 1.
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise TwinnetError(f"ink is to fill {self.share} of a picture: expected a share above 0 and at most 1")

    def __call__(self, pixels: Pixels) -> Pixels:
        """(H, W, C) -> (H, W, C)."""
        height, width, channels = pixels.shape
        grey = pixels.min(2) if channels > 1 else pixels[:, :, 0]
        darkest, lightest = int(grey.min()), int(grey.max())
        inked = grey < (darkest + lightest) / 2  # (H, W)
        rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
        if not len(rows):
            return pixels
        framed: Pixels = cv2.warpAffine(
            pixels, self._matrix(rows, columns, height, width), (width, height), borderValue=(lightest,) * 4
        )
        return framed.reshape(pixels.shape)

    def _matrix(self, rows: Rows, columns: Rows, height: int, width: int) -> npt.NDArray[np.float32]:
        """The affine map of x and y that takes the box of the ink to the middle."""
        boxes = [(int(places[0]), int(places[-1]), side) for places, side in ((columns, width), (rows, height))]
        shares = [(last - first + 1) / side for first, last, side in boxes]
        scale, longest = self.share / max(*shares, DOT), max(*shares, THIN)
        scales = [scale * (longest / max(share, THIN)) ** EVENED for share in shares]
        shifts = [(side - 1 - by * (first + last)) / 2 for by, (first, last, side) in zip(scales, boxes, strict=True)]
        return np.array([[scales[0], 0, shifts[0]], [0, scales[1], shifts[1]]], np.float32)
