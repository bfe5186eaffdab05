"""Pictures at their own size, as networks without a fixed size see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from PIL import Image

from twinnet import TwinnetError
from twinnet.features import Batch
from twinnet.image.decoding import decode
from twinnet.preprocess import Prepared, Preprocess

# A network of 8 channels takes some 0.6 GB for each million.
MAX_PIXELS = 6_000_000


class ScenePreprocess(Preprocess):
    """Decodes pictures, and repeats their lower and right rims until both sides are multiples of `step`.

    Args:
        step: The stride of the network's coarsest map.
        max_pixels: A picture with more is refused before it is decoded.
    """

    budget: ClassVar = {"cpu": 4 * 256 * 256, "cuda": 64 * 256 * 256}
    lookahead = 64
    pads = False
    takes_files = True

    def __init__(self, step: int = 16, max_pixels: int = MAX_PIXELS) -> None:
        self.step = step
        self.max_pixels = max_pixels

    def is_single(self, items: Any) -> bool:
        """A path, the bytes of a file, a PIL image or an array of two or three dimensions is one picture."""
        if isinstance(items, np.ndarray):
            return items.ndim in (2, 3)
        return isinstance(items, Image.Image) or super().is_single(items)

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Decode and fill up.

        Raises:
            ItemError: If a picture is missing, damaged, too large or too small.
        """
        return [self._prepare_one(item, position) for position, item in enumerate(items)]

    def _prepare_one(self, item: Any, position: int) -> Prepared:
        pixels = decode(item, position, max_pixels=self.max_pixels)
        below, beside = (-length % self.step for length in pixels.shape[:2])
        filled = cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_REPLICATE)
        return Prepared(filled, filled.shape[0] * filled.shape[1])

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Pictures of one size, (B, 3, H, W) from -1 to 1.

        Raises:
            TwinnetError: If their sizes differ.
        """
        sizes = {item.data.shape[:2] for item in prepared}
        if len(sizes) > 1:
            raise TwinnetError(f"pictures that are compared must have one size, not {sorted(sizes)}")
        pixels = torch.from_numpy(np.stack([item.data for item in prepared])).permute(0, 3, 1, 2)
        return {"pixels": pixels.float().div_(127.5).sub_(1)}
