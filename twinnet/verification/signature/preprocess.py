"""Pictures of signatures to batches of fitted ink."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np
import torch

from twinnet.errors import ItemError
from twinnet.features import Batch
from twinnet.image.decoding import TOO_SMALL, decode
from twinnet.image.pictures import PicturePreprocess, picture_name
from twinnet.preprocess import Prepared
from twinnet.verification.signature.augmentation import vary_ink
from twinnet.verification.signature.ink import Ink, find_ink
from twinnet.verification.signature.recipes import make_recipe

BLANK = "blank page"
# A signature whose longer side has fewer pixels shows no strokes.
LEAST_SIDE = 32


class SignaturePreprocess(PicturePreprocess):
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

    def __init__(self, recipe: str = "fitted", augment: bool = False, **options: Any) -> None:
        self.recipe = make_recipe(recipe, **options)
        self.augment = augment

    def is_single(self, items: Any) -> bool:
        """A picture, or ink, is one signature."""
        return isinstance(items, Ink) or super().is_single(items)

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
            raise ItemError(position, f"{picture_name(item)} shows a blank page: no ink stands out of the paper", BLANK)
        if max(ink.box().shape) < LEAST_SIDE:
            height, width = ink.box().shape
            problem = f"the signature in {picture_name(item)} has {width} x {height} pixels: {LEAST_SIDE} long is least"
            raise ItemError(position, problem, TOO_SMALL)
        fitted, lost = self.recipe.fit(ink.pixels)
        return Prepared(fitted, fitted.size, lost)

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Ink (B, 1, H, W), 0 for paper."""
        ink = torch.from_numpy(np.stack([item.data for item in prepared]))[:, None]  # (B, 1, H, W)
        return {"pixels": ink.float() * (self.recipe.scale / 255)}
