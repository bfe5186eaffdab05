"""Pictures to normalised tensors."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from twinnet.errors import ItemError
from twinnet.features import Batch
from twinnet.preprocess import Prepared, Preprocess, refuse

WANTED = "the path of a picture, a PIL image, or a uint8 array H x W x 3 (RGB) or H x W (grey)"
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
WORKERS = 2

Pixels = npt.NDArray[np.uint8]


class ImagePreprocess(Preprocess):
    """Decodes pictures (turned upright as their EXIF data says), resizes and normalises them.

    Args:
        size: Height and width of what the network sees, in pixels.
        mean: Mean of each channel, of values from 0 to 1; one number for grey.
        std: Standard deviation of each channel, likewise.
        crop: The share of the resized picture that a centre crop keeps; None squashes the whole picture to `size`.
        max_pixels: A picture with more is refused before it is decoded.
    """

    budget: ClassVar = {"cpu": 32 * 224 * 224, "cuda": 256 * 224 * 224}
    lookahead = 256

    def __init__(
        self,
        size: Sequence[int] = (224, 224),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        crop: float | None = None,
        max_pixels: int = 100_000_000,
    ) -> None:
        self.size = (int(size[0]), int(size[1]))
        self.mean = np.asarray(mean, dtype=np.float32)
        self.std = np.asarray(std, dtype=np.float32)
        self.crop = crop
        self.max_pixels = max_pixels

    def is_single(self, items: Any) -> bool:
        """A path, a PIL image or an array of two or three dimensions is one picture."""
        if isinstance(items, np.ndarray):
            return items.dtype == np.uint8 and items.ndim in (2, 3)
        return isinstance(items, Image.Image) or super().is_single(items)

    def key(self, item: Any) -> Hashable:
        """Equal paths are equal pictures."""
        return str(item) if isinstance(item, str | PathLike) else None

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Decode and resize pictures, in several threads.

        Raises:
            ItemError: If a picture is missing, damaged or too large.
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(self._prepare_one, range(len(items)), items))

    def _prepare_one(self, position: int, item: Any) -> Prepared:
        pixels = self._fit(self._pixels(position, item))
        scaled = (pixels.astype(np.float32) / 255 - self.mean) / self.std  # (H, W, C)
        return Prepared(np.ascontiguousarray(scaled.transpose(2, 0, 1)), self.size[0] * self.size[1])

    def _pixels(self, position: int, item: Any) -> Pixels:
        """The picture as uint8 (H, W, C), with as many channels as there are means."""
        mode = "L" if len(self.mean) == 1 else "RGB"
        if isinstance(item, np.ndarray):
            if item.dtype != np.uint8 or item.ndim not in (2, 3) or 0 in item.shape:
                raise refuse(position, item, WANTED)
            item = Image.fromarray(item)
        if isinstance(item, Image.Image):
            picture = item.convert(mode)
        elif isinstance(item, str | PathLike):
            picture = self._open(position, Path(item), mode)
        else:
            raise refuse(position, item, WANTED)
        return np.atleast_3d(np.asarray(picture))

    def _open(self, position: int, path: Path, mode: str) -> Image.Image:
        try:
            with Image.open(path) as picture:
                if picture.width * picture.height > self.max_pixels:
                    raise ItemError(
                        position, f"{path} has {picture.width} x {picture.height} pixels, more than {self.max_pixels:,}"
                    )
                return ImageOps.exif_transpose(picture).convert(mode)
        except UnidentifiedImageError as error:
            raise ItemError(position, f"{path} is not a picture that can be read") from error
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ItemError(position, f"{path} cannot be read ({error})") from error

    def _fit(self, pixels: Pixels) -> Pixels:
        height, width = self.size
        if self.crop is not None:
            pixels = _centre_crop(pixels, height / width, self.crop)
        shrinks = pixels.shape[0] > height or pixels.shape[1] > width
        resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        return np.atleast_3d(resized)

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Pictures (B, C, H, W)."""
        return {"pixels": torch.from_numpy(np.stack([item.data for item in prepared]))}


def _centre_crop(pixels: Pixels, aspect: float, share: float) -> Pixels:
    """The largest centred window of an aspect (height over width), shrunk to `share` of its sides."""
    height, width = pixels.shape[:2]
    tall = min(height, width * aspect) * share
    rows, columns = max(1, round(tall)), max(1, round(tall / aspect))
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]
