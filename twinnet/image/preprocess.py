"""Pictures to normalised tensors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import ceil
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import get_worker_info

from twinnet.errors import UNREADABLE, ItemError, TwinnetError, unknown_name
from twinnet.features import Batch
from twinnet.image.augmentation import Augmentation
from twinnet.image.decoding import MAX_PIXELS, Pixels, decode
from twinnet.image.ink import LONGEST, InkBox
from twinnet.image.pictures import PicturePreprocess, check_normalisation
from twinnet.image.views import View
from twinnet.preprocess import Prepared

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# A JPEG is decoded at a reduced size only where it stays so many times larger than what the network sees.
DETAIL = 2
# Of a picture that is longer, so many times its width, the ends are cut off before the rest is enlarged.
ELONGATED = 16
AREA = "area"
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class ImagePreprocess(PicturePreprocess):
    """Decodes pictures (see `decode`), resizes and normalises them.

    Args:
        size: Height and width of what the network sees, in pixels.
        mean: Mean of each channel, of values from 0 to 1; one number for grey.
        std: Standard deviation of each channel, likewise.
        crop: The share of the resized picture that a centre crop keeps; None squashes the whole picture to `size`.
        max_pixels: A picture with more is refused before it is decoded.
        augment: Transforms of torchvision that change pictures in training (see `Augmentation`). They get the picture
            as it was decoded; what comes out is fitted to `size` unless it has that size already.
        resample: "area" (fast), or the filter of Pillow that other libraries' weights were trained with: "bilinear",
            "bicubic" or "lanczos". These resize as torchvision and transformers do: the shorter side to size / crop,
            then the centre is cut out.
        views: What the network sees beside the picture itself, as in `{"degrees": 10}` (see `View`). With V - 1 of
            them it needs the head `{"name": "views", "count": V}`, which averages the embeddings.
        ink: For drawings, dark on light: the share of the picture that the box of their ink is moved and scaled to fill
            first (see `InkBox`).

    Raises:
        TwinnetError: If an argument makes no sense.
    """

    budget: ClassVar = {"cpu": 32 * 224 * 224, "cuda": 256 * 224 * 224}
    lookahead = 256

    def __init__(
        self,
        size: Sequence[int] = (224, 224),
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        crop: float | None = None,
        max_pixels: int = MAX_PIXELS,
        augment: Sequence[str | Mapping[str, Any]] = (),
        resample: str = AREA,
        views: Sequence[Mapping[str, float]] = (),
        ink: float | None = None,
    ) -> None:
        check_normalisation(mean, std, channels=(1, 3))
        if np.shape(size) != (2,) or min(size) < 1:
            raise TwinnetError(f"size {size}: expected a height and a width in pixels")
        if crop is not None and not 0 < crop <= 1:
            raise TwinnetError(f"crop {crop}: expected the share of the picture's shorter side, above 0 and at most 1")
        if resample not in (AREA, *FILTERS):
            raise unknown_name("filter to resample with", resample, (AREA, *FILTERS))
        self.size = (int(size[0]), int(size[1]))
        self.scale = torch.tensor([1 / (255 * s) for s in std])
        self.shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)])
        self.crop = crop
        self.max_pixels = max_pixels
        self.resample = resample
        self.augmentation = Augmentation(augment) if augment else None
        self.frame = None if ink is None else InkBox(ink)
        try:
            self.views = [View(**view) for view in views]
        except TypeError as error:
            raise TwinnetError(f"views {list(views)}: {error}") from error

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Decode and resize pictures, in several threads.

        Raises:
            ItemError: If a picture is missing, damaged, too large or too small.
        """
        return self._in_threads(self._prepare_one, items, range(len(items)))

    def prepare_for_training(self, items: Sequence[Any], seeds: Sequence[int]) -> list[Prepared]:
        """The same with random changes, if any are declared."""
        if self.augmentation is None:
            return self.prepare(items)
        return self._in_threads(partial(self._augment_one, self.augmentation), items, range(len(items)), seeds)

    def _in_threads(self, prepare_one: Any, *columns: Sequence[Any]) -> list[Prepared]:
        if get_worker_info() is not None:  # there is a process for each core already
            return list(map(prepare_one, *columns))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(prepare_one, *columns))

    def _prepare_one(self, item: Any, position: int) -> Prepared:
        # The ink may be a small part of the picture.
        least = ceil(DETAIL * max(self.size) / (self.crop or 1)) if self.frame is None else None
        return self._prepared(self._decode(item, position, least))

    def _augment_one(self, augmentation: Augmentation, item: Any, position: int, seed: int) -> Prepared:
        changed = augmentation(self._decode(item, position), seed)
        return self._prepared(changed, fitted=changed.shape[:2] == self.size)

    def _decode(self, item: Any, position: int, least: int | None = None) -> Pixels:
        pixels = decode(item, position, grey=len(self.scale) == 1, max_pixels=self.max_pixels, least=least)
        if self.frame is None:
            return pixels
        height, width = pixels.shape[:2]
        if max(height, width) > LONGEST:
            problem = f"a picture of {width} x {height} cannot be framed by its ink: at most {LONGEST:,} pixels a side"
            raise ItemError(position, problem, UNREADABLE)
        return self.frame(pixels)

    def _prepared(self, pixels: Pixels, fitted: bool = False) -> Prepared:
        """All views of a picture (V, H, W, C)."""
        seen = [pixels, *(view(pixels) for view in self.views)]
        views = np.stack(seen if fitted else [self.fit(each) for each in seen])
        return Prepared(views, len(views) * self.size[0] * self.size[1])

    def fit(self, pixels: Pixels) -> Pixels:
        """Crop and resize a picture (H, W, C) to what the network sees."""
        if self.resample != AREA:
            return self._filtered(pixels)
        height, width = self.size
        if self.crop is not None:
            pixels = _centre_crop(pixels, height / width, self.crop)
        shrinks = pixels.shape[0] > height or pixels.shape[1] > width
        resized: Pixels = cv2.resize(
            pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        return resized if resized.ndim == 3 else resized[:, :, None]

    def _filtered(self, pixels: Pixels) -> Pixels:
        height, width = self.size
        if self.crop is not None:
            pixels = _without_ends(pixels)
            height, width = _resized(pixels.shape[:2], self.size, self.crop)
        picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        resized = np.atleast_3d(np.asarray(picture.resize((width, height), FILTERS[self.resample])))
        top, left = (height - self.size[0]) // 2, (width - self.size[1]) // 2
        return resized[top : top + self.size[0], left : left + self.size[1]]

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Normalised views (B * V, C, H, W), in memory with the channels last, as convolutions like them."""
        return {"pixels": self.normalise(torch.from_numpy(np.concatenate([item.data for item in prepared])))}

    def normalise(self, pixels: Tensor) -> Tensor:
        """uint8 (B, H, W, C) -> float (B, C, H, W)."""
        return pixels.float().mul_(self.scale).add_(self.shift).permute(0, 3, 1, 2)


def _centre_crop(pixels: Pixels, aspect: float, share: float) -> Pixels:
    """The largest centred window of an aspect (height over width), shrunk to `share` of its sides."""
    height, width = pixels.shape[:2]
    tall = min(height, width * aspect) * share
    rows, columns = max(1, round(tall)), max(1, round(tall / aspect))
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]


def _resized(shape: tuple[int, ...], size: tuple[int, int], share: float) -> tuple[int, int]:
    """Height and width of a picture whose centre of a size is then cut out: the side that is tight is size / share."""
    tight = 0 if size[0] * shape[1] >= size[1] * shape[0] else 1
    side = round(size[tight] / share)
    other = max(size[1 - tight], int(side * shape[1 - tight] / shape[tight]))
    return (side, other) if tight == 0 else (other, side)


def _without_ends(pixels: Pixels) -> Pixels:
    longest = ELONGATED * min(pixels.shape[:2])
    top, left = (max(0, side - longest) // 2 for side in pixels.shape[:2])
    return pixels[top : top + longest, left : left + longest]
