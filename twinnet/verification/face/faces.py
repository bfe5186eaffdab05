"""Faces in pictures: what a finder gives and has to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels

Points = npt.NDArray[np.float64]

MOST_GROWTH = 4.0
# Weaker boxes beside a clear face are mostly none; what is half as sure counts.
CLEAR = 0.5


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a picture.

    Attributes:
        box: x, y, width and height in pixels.
        score: How sure the detector is.
        landmarks: Five points (5, 2) in pixels; which ones depends on the finder.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: Points


class FaceFinder(Protocol):
    """Finds faces and their landmarks."""

    points: str

    def find(self, images: Sequence[Pixels], min_face: float, *, largest: bool) -> list[list[Face]]:
        """The faces of each picture, the largest first.

        Args:
            images: Pictures (H, W, 3) of any sizes.
            min_face: The smallest face, as a share of a picture's longer side.
            largest: Whether only the largest face is wanted, which is cheaper.
        """

    def inspect(self, image: Pixels, box: Sequence[float]) -> Face | None:
        """The face in a box that is known, with its landmarks."""

    def save(self, folder: Path) -> None:
        """Write what it needs into the folder of a network."""

    def digest(self) -> str:
        """A hash of its weights."""


def by_size(boxes: Points, scores: npt.NDArray[np.float32], shape: tuple[int, ...]) -> list[int]:
    """The clear faces, the largest first, each as large as what of it lies in the picture; scores fall."""
    clear = [i for i in range(len(boxes)) if scores[i] >= CLEAR * scores[0]]
    low = np.maximum(boxes[:, :2], 0)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:], [shape[1], shape[0]])
    visible = np.maximum(high - low, 0).prod(1)
    return sorted(clear, key=lambda i: -visible[i])


def scaled(image: Pixels, side: float) -> tuple[Pixels, Points]:
    """A picture whose longer side has a length, or is `MOST_GROWTH` times as long, and the way back.

    Returns:
        The picture, and what to multiply x and y in it with.
    """
    height, width = image.shape[:2]
    scale = min(side / max(height, width), MOST_GROWTH)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized: Pixels = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return resized, np.array([width / size[0], height / size[1]])
