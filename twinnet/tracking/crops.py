"""Square crops of a frame in one sub-pixel step, and the way between the pixels of a crop and those of the frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from twinnet.boxes import Boxes
from twinnet.image.decoding import Pixels

# Bertinetto et al. 2016 (https://arxiv.org/abs/1606.09549), section 2.3 and the authors' code.
CONTEXT = 0.5
EXEMPLAR_SIZE = 127
SEARCH_SIZE = 255


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the frame. It may reach beyond the frame.

    Attributes:
        x: Its middle, in frame coordinates, where the pixel in the corner covers 0 to 1.
        y: Likewise.
        side: Its side in pixels of the frame.
    """

    x: float
    y: float
    side: float

    def scaled(self, factor: float) -> Region:
        """The region with the same middle and another side."""
        return replace(self, side=self.side * factor)

    def to_frame(self, points: Any, size: int) -> Boxes:
        """Points (..., 2) of a crop of `size` pixels, in the coordinates of the frame."""
        middle = np.array([self.x, self.y])
        moved: Boxes = (np.asarray(points, dtype=np.float64) - size / 2) * (self.side / size) + middle
        return moved


def exemplar_region(box: Sequence[float] | Boxes, context: float = CONTEXT) -> Region:
    """The square with as much area as the box has with a margin of `context` times its half perimeter on each axis.

    Bertinetto et al. 2016, eq. 15: (w + 2p)(h + 2p) = A, with 2p = context (w + h).
    """
    x, y, w, h = (float(value) for value in box)
    margin = context * (w + h)
    return Region(x + w / 2, y + h / 2, math.sqrt((w + margin) * (h + margin)))


def search_region(
    box: Sequence[float] | Boxes,
    exemplar_size: int = EXEMPLAR_SIZE,
    search_size: int = SEARCH_SIZE,
    context: float = CONTEXT,
) -> Region:
    """The square that shows the box at the exemplar's scale in a crop of `search_size` pixels."""
    return exemplar_region(box, context).scaled(search_size / exemplar_size)


def mean_colour(frame: Pixels) -> tuple[float, ...]:
    """The mean of a frame (H, W, 3), which stands for what lies outside it."""
    return tuple(cv2.mean(frame)[: frame.shape[2]])


def crop(frame: Pixels, region: Region, size: int, border: Sequence[float]) -> Pixels:
    """A region of a frame as a square picture.

    Args:
        frame: The frame, uint8 (H, W, 3).
        region: What to cut out.
        size: The side of the result.
        border: The colour outside the frame.

    Returns:
        uint8 (size, size, 3).
    """
    cut: Pixels = crops(frame, [region], size, border)[0]
    return cut


def crops(frame: Pixels, regions: Sequence[Region], size: int, border: Sequence[float]) -> Pixels:
    """Several regions around nearly one place, such as the scales of a search region.

    Linear interpolation at sub-pixel places; what would shrink to less than half is averaged over areas first, since
    linear interpolation would skip pixels.

    Returns:
        uint8 (len(regions), size, size, 3), as `crop` describes it.
    """
    shrink = max(1, int(min(region.side for region in regions) / size))
    reduced, left, top = (frame, 0, 0) if shrink < 2 else _reduce(frame, regions, shrink, border)
    out = np.empty((len(regions), size, size, 3), dtype=np.uint8)
    for cut, region in zip(out, regions, strict=True):
        step = region.side / size / shrink
        # warpAffine counts from the middle of the pixel in the corner, which lies at 0.5.
        first_x = ((region.x - region.side / 2) - left) / shrink + step / 2 - 0.5
        first_y = ((region.y - region.side / 2) - top) / shrink + step / 2 - 0.5
        cv2.warpAffine(
            reduced,
            np.array([[step, 0, first_x], [0, step, first_y]]),
            (size, size),
            dst=cut,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=border,
        )
    return out


def _reduce(frame: Pixels, regions: Sequence[Region], shrink: int, border: Sequence[float]) -> tuple[Pixels, int, int]:
    """The part of the frame that the regions touch, averaged over squares of `shrink` pixels; its left and top."""
    height, width = frame.shape[:2]
    reach = max(region.side for region in regions) / 2 + 2 * shrink
    left, right = _span([region.x for region in regions], reach, width)
    top, bottom = _span([region.y for region in regions], reach, height)
    part = frame[top:bottom, left:right]
    lacking_y, lacking_x = -part.shape[0] % shrink, -part.shape[1] % shrink
    if lacking_y or lacking_x:
        part = cv2.copyMakeBorder(part, 0, lacking_y, 0, lacking_x, cv2.BORDER_CONSTANT, value=border)
    size = (part.shape[1] // shrink, part.shape[0] // shrink)
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA), left, top


def _span(middles: Sequence[float], reach: float, length: int) -> tuple[int, int]:
    """The pixels within reach of the middles; at least one."""
    low = min(max(0, math.floor(min(middles) - reach)), length - 1)
    return low, max(low + 1, min(length, math.ceil(max(middles) + reach)))
