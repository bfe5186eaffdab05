"""Vectors as items, such as embeddings that were stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from twinnet.errors import ItemError
from twinnet.features import Batch
from twinnet.preprocess import Prepared, Preprocess


class VectorPreprocess(Preprocess):
    """Takes vectors (D,) of finite numbers as they are.

    Args:
        width: Their width D.
    """

    budget: ClassVar[dict[str, int]] = {"cpu": 4096}
    lookahead: ClassVar[int] = 16384

    def __init__(self, width: int) -> None:
        self.width = width

    def is_single(self, items: Any) -> bool:
        """Whether this is an array of one dimension; a list is always several."""
        return isinstance(items, np.ndarray | Tensor) and items.ndim == 1

    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        return [Prepared(self._vector(position, item), 1) for position, item in enumerate(items)]

    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        return {"vectors": torch.from_numpy(np.stack([item.data for item in prepared]))}

    def _vector(self, position: int, item: Any) -> Any:
        try:
            vector = np.asarray(item, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise ItemError(position, f"no vector of numbers ({error})") from error
        if vector.shape != (self.width,):
            raise ItemError(position, f"shape {vector.shape}, expected a vector of width {self.width}")
        if not np.isfinite(vector).all():
            raise ItemError(position, "not finite: embed it again")
        return vector
