"""An image pyramid laid out on one canvas, so that a convolutional detector sees all sizes in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

# Each level has 5/6 of the size of the one before it (dlib's pyramid_down<6>).
RATE = 5 / 6
SHIFT = 0.3
SMALLEST = 5
GAP, BORDER = 10, 11

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tiling:
    """Where the levels of a pyramid lie (dlib/image_transforms/image_pyramid.h, compute_tiled_image_pyramid_details).

    Attributes:
        tiles: x, y, width and height of each level, the largest first (L, 4).
        height: Height of the canvas.
        width: Width of the canvas.
    """

    tiles: npt.NDArray[np.int64]
    height: int
    width: int

    @classmethod
    def of(cls, height: int, width: int) -> Tiling:
        """The layout for pictures of one size: down the left edge, then up the right edge."""
        sizes = [(width, height)]
        while int(RATE * sizes[-1][1]) >= SMALLEST and int(RATE * sizes[-1][0]) > 0:
            sizes.append((int(RATE * sizes[-1][0]), int(RATE * sizes[-1][1])))
        left = _levels_on_the_left(sizes)
        tall = sum(h + GAP for _, h in sizes[:left]) - GAP
        tiles, y = [], BORDER
        for w, h in sizes[:left]:
            tiles.append((BORDER, y, w, h))
            y += h + GAP
        bottom = BORDER + tall - 1
        for w, h in sizes[left:]:
            tile = (BORDER + width - w, bottom - h + 1, w, h)
            if tile[1] < BORDER + height:  # it would cover the first level
                break
            tiles.append(tile)
            bottom -= h + GAP
        return cls(np.array(tiles, dtype=np.int64), tall + 2 * BORDER, width + 2 * BORDER)

    def paint(self, images: Tensor) -> Tensor:
        """Normalised pictures (B, 3, H, W) -> canvas (B, 3, height, width)."""
        canvas = images.new_zeros(len(images), images.shape[1], self.height, self.width)
        canvas = canvas.to(memory_format=torch.channels_last)
        level = images
        for x, y, w, h in self.tiles.tolist():
            if level.shape[2:] != (h, w):
                level = F.interpolate(level, (h, w), mode="bilinear", align_corners=True)
            canvas[:, :, y : y + h, x : x + w] = level
        return canvas

    def to_image(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Corners of boxes on the canvas (N, 2) -> in the picture, by the level that each middle is nearest to."""
        middle = (low + high) / 2
        start, end = self.tiles[:, :2], self.tiles[:, :2] + self.tiles[:, 2:] - 1
        outside = np.maximum(np.maximum(start - middle[:, None], middle[:, None] - end), 0)  # (N, L, 2)
        level = (outside**2).sum(2).argmin(1)
        origin = start[level]
        growth = RATE ** -level[:, None].astype(np.float64)
        # A point goes up one level as p / RATE + SHIFT; this is that, level times.
        shift = SHIFT * (growth - 1) / (1 / RATE - 1)
        return (low - origin) * growth + shift, (high - origin) * growth + shift


def _levels_on_the_left(sizes: list[tuple[int, int]]) -> int:
    """How many levels go below each other before the rest fits beside the smallest of them."""
    width, height = sizes[0]
    total = sum(h + GAP for _, h in sizes) - 2 * GAP
    tall = above = 0
    for count, (w, h) in enumerate(sizes):
        if w <= width - above - GAP and (tall - height) * 2 >= total - height:
            return count
        tall, above = tall + h + GAP, w
    return len(sizes)
