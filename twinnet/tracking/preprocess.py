"""Crops of frames to tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from twinnet.errors import ItemError, TwinnetError
from twinnet.features import Batch
from twinnet.image.decoding import Pixels
from twinnet.image.pictures import check_normalisation
from twinnet.preprocess import Prepared, Preprocess, refuse
from twinnet.tracking.crops import CONTEXT, EXEMPLAR_SIZE, SEARCH_SIZE, crop, exemplar_region, mean_colour
from twinnet.tracking.protocol import Inference

WANTED = "a crop, uint8 H x W x 3 (RGB), or a pair (frame, box x y w h)"


class TrackingPreprocess(Preprocess):
    """Normalises crops. An item is a crop as it is, or a frame and a box, from which the exemplar is cut.

    Args:
        exemplar_size: The side of an exemplar crop.
        search_size: The side of a search crop, odd if the other is odd.
        context: How much of its surroundings belongs to an exemplar, see `exemplar_region`.
        mean: Subtracted from each channel, in levels from 0 to 255.
        std: What each channel is divided by, likewise.
        inference: The arguments of `Inference` with which the network is meant to track.

    Raises:
        TwinnetError: If the sizes do not fit, a std is not above 0, or a constant of inference is unknown or has no
            meaning.
    """

    budget: ClassVar = {"cpu": 16 * 255 * 255, "cuda": 256 * 255 * 255}
    lookahead = 64
    pads = False

    def __init__(
        self,
        exemplar_size: int = EXEMPLAR_SIZE,
        search_size: int = SEARCH_SIZE,
        context: float = CONTEXT,
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        inference: Mapping[str, float] | None = None,
    ) -> None:
        if search_size <= exemplar_size or (search_size - exemplar_size) % 2:
            raise TwinnetError(
                f"exemplar size {exemplar_size} and search size {search_size}: the search size must be larger, "
                "and both odd or both even"
            )
        check_normalisation(mean, std)
        self.exemplar_size = exemplar_size
        self.search_size = search_size
        self.context = context
        self.mean = np.asarray(mean, dtype=np.float32)
        self.std = np.asarray(std, dtype=np.float32)
        try:
            self.inference = Inference(**(inference or {}))  # type: ignore[arg-type]
        except TypeError as error:
            raise TwinnetError(f"constants of inference: {error}") from error

    def is_single(self, items: Any) -> bool:
        """One crop, or one pair of a frame and a box."""
        if isinstance(items, np.ndarray):
            return items.ndim == 3
        return isinstance(items, tuple) and len(items) == 2 and np.ndim(items[1]) == 1

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Cut exemplars; crops stay as they are.

        Raises:
            ItemError: If an item is neither.
        """
        cuts = [self._crop(position, item) for position, item in enumerate(items)]
        return [Prepared(cut, cut.shape[0] * cut.shape[1]) for cut in cuts]

    def _crop(self, position: int, item: Any) -> Pixels:
        frame, box = item if isinstance(item, tuple) and len(item) == 2 else (item, None)
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise refuse(position, item, WANTED)
        if box is None:
            return frame
        if np.shape(box) != (4,) or not np.isfinite(box).all() or min(box[2:]) <= 0:
            raise ItemError(position, f"the box {box} is not x, y, w, h with an area")
        region = exemplar_region(box, self.context)
        return crop(frame, region, self.exemplar_size, mean_colour(frame))

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Crops of one size (B, 3, S, S)."""
        return self.batch(np.stack([item.data for item in prepared]))

    def batch(self, crops: Pixels) -> Batch:
        """Crops uint8 (B, S, S, 3) as they come from `twinnet.tracking.crops` -> normalised (B, 3, S, S)."""
        # Not torch's arithmetic: its threads would wait busily on cores that a compiled network needs.
        mean, std = (np.tile(each, crops.shape[2]) for each in (self.mean, self.std))
        pixels = crops.reshape(*crops.shape[:2], -1) - mean  # (B, S, S * 3): rows as one axis are quicker
        pixels /= std
        return {"pixels": torch.from_numpy(pixels.reshape(crops.shape)).permute(0, 3, 1, 2)}  # channels last in memory

    def normalised(self, crops: Tensor) -> Tensor:
        """What `batch` does, as operations of torch, which can be compiled with the network."""
        return ((crops.float() - torch.from_numpy(self.mean)) / torch.from_numpy(self.std)).permute(0, 3, 1, 2)
