"""Search by Hamming distance on packed bits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from twinnet.checks import check_count
from twinnet.index.base import Ids, Index, Scores
from twinnet.index.codes import Bytes, Counts, Places, Words, as_codes, as_words, nearest
from twinnet.index.folder import read_index, write_index
from twinnet.index.ids import joined, staying


class HammingIndex(Index):
    """Compares the sign bits of each query with those of every row. Equal scores are ordered by when the row was added.

    A row takes an eighth of a byte for each dimension, and a score is minus the number of differing bits. Rows and
    queries are embeddings (N, D), of which only the signs count, or what `encode(quantize="binary")` gives.
    """

    metric = "hamming"

    def __init__(self) -> None:
        self.ids: Ids = np.empty(0, dtype=np.int64)
        self._words: Words = np.empty((0, 0), dtype=np.uint64)
        self._width = 0  # bytes of a code

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def codes(self) -> Bytes:
        """The packed bits (N, B), as they were added."""
        return np.ascontiguousarray(self._words.T).view(np.uint8)[:, : self._width]

    def add(self, embeddings: Any, ids: Sequence[int] | Ids | None = None) -> None:
        codes = as_codes(embeddings, self._width or None)
        self.ids = joined(self.ids, len(codes), ids)
        self._width = codes.shape[1]
        words = as_words(codes)
        self._words = np.concatenate([self._words, words], axis=1) if self._words.size else words

    def remove(self, ids: Sequence[int] | Ids) -> None:
        stays = staying(self.ids, ids)
        self.ids, self._words = self.ids[stays], self._words[:, stays]

    def search(self, queries: Any, k: int) -> tuple[Scores, Ids]:
        check_count(k)
        codes = as_codes(queries, self._width or None, "queries")
        k = min(k, len(self))
        scores, places = np.empty((len(codes), k), np.float32), np.empty((len(codes), k), np.int64)
        if k:
            for row, code in enumerate(as_words(codes).T):
                distances, places[row] = self._nearest(code, k)
                scores[row] = 0 - distances.astype(np.float32)
        return scores, self.ids[places]

    def _nearest(self, code: Words, k: int) -> tuple[Counts, Places]:
        return nearest(self._words, code, k)

    def save(self, folder: str | Path) -> Path:
        return write_index(self, Path(folder), self._tensors())

    def _tensors(self) -> dict[str, Tensor]:
        return {"codes": torch.from_numpy(self.codes.copy()), "ids": torch.from_numpy(self.ids)}

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        index, stored = read_index(Path(folder), cls)
        index._take(stored)
        return index

    def _take(self, stored: Mapping[str, Tensor]) -> None:
        """Take what `_tensors` gave."""
        self.add(stored["codes"].numpy(), stored["ids"].numpy())
