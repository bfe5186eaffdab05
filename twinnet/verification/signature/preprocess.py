"""Pictures of signatures to batches of fitted ink."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image

from twinnet.errors import ItemError
from twinnet.features import Batch
from twinnet.image.decoding import decode
from twinnet.preprocess import Prepared, Preprocess
from twinnet.verification.signature.augmentation import vary_ink
from twinnet.verification.signature.ink import Ink, find_ink
from twinnet.verification.signature.recipes import make_recipe

BLANK = "blank page"
TOO_SMALL = "too small"
# A signature whose longer side has fewer pixels shows no strokes.
LEAST_SIDE = 32


class SignaturePreprocess(Preprocess):
    """Finds the ink in pictures of signatures, scans or photographs, and fits it to a network by a named recipe.

    Args:
        recipe: "fitted", "hafemann" or "dey", see `twinnet.verification.signature.recipes`.
        augment: Whether training varies the fitted ink, see `vary_ink`.
        **options: Options of the recipe.

    Raises:
        TwinnetError: If the recipe or an option is unknown.
    """

    budget: ClassVar = {"cpu": 32 * 224 * 224, "cuda": 256 * 224 * 224}
    lookahead = 256
    takes_files = True

    def __init__(self, recipe: str = "fitted", augment: bool = False, **options: Any) -> None:
        self.recipe = make_recipe(recipe, **options)
        self.augment = augment

    def is_single(self, items: Any) -> bool:
        """A path, the bytes of a file, a PIL image, an array of pixels, or ink is one signature."""
        if isinstance(items, np.ndarray):
            return items.dtype in (np.uint8, np.uint16) and items.ndim in (2, 3)
        return isinstance(items, Image.Image | Ink) or super().is_single(items)

    def key(self, item: Any) -> Hashable:
        """Equal paths are equal pictures."""
        return str(item) if isinstance(item, str | PathLike) else None

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Find and fit ink, in several threads.

        Args:
            items: Paths, bytes of files, PIL images, uint8 arrays, or `Ink` that was found before.

        Raises:
            ItemError: If a picture cannot be read, or (with a reason) has no ink on it, or too small a signature.
        """
        with ThreadPoolExecutor() as pool:
            return list(pool.map(self._prepare_one, range(len(items)), items))

    def prepare_for_training(self, items: Sequence[Any], seeds: Sequence[int]) -> list[Prepared]:
        """The same, with the ink varied where `augment` says so."""
        prepared = self.prepare(items)
        if not self.augment:
            return prepared
        return [Prepared(vary_ink(p.data, seed), p.cost, p.lost) for p, seed in zip(prepared, seeds, strict=True)]

    def _prepare_one(self, position: int, item: Any) -> Prepared:
        ink = item if isinstance(item, Ink) else find_ink(decode(item, position))
        if ink is None:
            raise ItemError(position, f"{_name(item)} shows a blank page: no ink stands out of the paper", BLANK)
        if max(ink.box().shape) < LEAST_SIDE:
            height, width = ink.box().shape
            problem = f"the signature in {_name(item)} has {width} x {height} pixels: {LEAST_SIDE} long is least"
            raise ItemError(position, problem, TOO_SMALL)
        fitted, lost = self.recipe.fit(ink.pixels)
        return Prepared(fitted, fitted.size, lost)

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Ink (B, 1, H, W), 0 for paper."""
        ink = torch.from_numpy(np.stack([item.data for item in prepared]))[:, None]  # (B, 1, H, W)
        return {"pixels": ink.float() * (self.recipe.scale / 255)}


def _name(item: Any) -> str:
    return str(item) if isinstance(item, str | PathLike) else "the picture"
