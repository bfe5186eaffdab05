"""Fixed views of a picture, whose embeddings are averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2

from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels


@dataclass(frozen=True)
class View:
    """A picture turned and scaled about its middle; what comes in from outside repeats its rim.

    Attributes:
        degrees: Counter-clockwise.
        scale: Above 1 enlarges.

    Raises:
        TwinnetError: If the scale is not positive, or a number is not finite.
    """

    degrees: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.scale < math.inf and math.isfinite(self.degrees)):
            raise TwinnetError(f"a view of scale {self.scale} and {self.degrees} degrees: expected a scale above 0")

    def __call__(self, pixels: Pixels) -> Pixels:
        """(H, W, C) -> (H, W, C)."""
        height, width = pixels.shape[:2]
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), self.degrees, self.scale)
        seen: Pixels = cv2.warpAffine(
            pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return seen.reshape(pixels.shape)
