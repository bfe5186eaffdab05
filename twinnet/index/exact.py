"""Exact search, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from twinnet.checks import check_count
from twinnet.embeddings import as_embeddings
from twinnet.index.base import Ids, Index, Scores
from twinnet.index.folder import read_index, write_index
from twinnet.index.ids import joined, staying
from twinnet.index.metrics import block_scores, check_metric, ready
from twinnet.index.rounding import can_search, search_rounded

QUERY_BLOCK = 512
CORPUS_BLOCK = 16384
# Neighbouring scores whose maximum stands for all of them, and how many such groups for each score that is wanted
# make it worth while.
GROUP = 32
FEW_GROUPS = 4


class ExactIndex(Index):
    """Compares each query with every row. Equal scores are ordered by when the row was added.

    Args:
        metric: "cosine", "ip", "l2", "l1" or "hamming".

    Raises:
        TwinnetError: If the metric is unknown.
    """

    def __init__(self, metric: str = "cosine") -> None:
        self.metric = check_metric(metric)
        self.ids: Ids = np.empty(0, dtype=np.int64)
        self.rows = torch.empty(0, 0)

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, embeddings: Any, ids: Sequence[int] | Ids | None = None) -> None:
        added = as_embeddings(embeddings, self._width())
        self.ids = joined(self.ids, len(added), ids)
        made_ready = ready(added, self.metric)
        if len(self.rows):
            self.rows = torch.cat([self.rows, made_ready])
        else:  # some metrics leave the rows as they are, which may be the caller's own array
            own = made_ready.data_ptr() != torch.from_numpy(added).data_ptr()
            self.rows = made_ready if own else made_ready.clone()

    def remove(self, ids: Sequence[int] | Ids) -> None:
        stays = staying(self.ids, ids)
        self.ids, self.rows = self.ids[stays], self.rows[torch.from_numpy(stays)]

    def search(self, queries: Any, k: int) -> tuple[Scores, Ids]:
        check_count(k)
        rows = ready(as_embeddings(queries, self._width(), "queries"), self.metric)
        k = min(k, len(self))
        if k == 0 or len(rows) == 0:
            return np.empty((len(rows), k), np.float32), np.empty((len(rows), k), np.int64)
        found = search_rounded(rows, self.rows, k) if can_search(self.metric, len(rows), len(self), k) else None
        scores, positions = found or self.search_all(rows, k)
        return scores.numpy(), self.ids[positions.numpy()]

    def search_all(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The best k of all rows by float32 scores, block by block: scores (Q, k) and positions (Q, k).

        Args:
            queries: As `ready` makes them (Q, D).
            k: How many, at most as many as there are rows.
        """
        buffer = queries.new_empty(min(len(queries), QUERY_BLOCK) * min(len(self), CORPUS_BLOCK))
        found = [self._search_block(block, k, buffer) for block in queries.split(QUERY_BLOCK)]
        scores, positions = map(torch.cat, zip(*found, strict=True))
        return scores, positions

    def _search_block(self, queries: Tensor, k: int, buffer: Tensor) -> tuple[Tensor, Tensor]:
        """The best k of all rows for a few queries: scores (Q, k) and positions (Q, k)."""
        best_scores = queries.new_empty(len(queries), 0)
        best_positions = torch.empty(len(queries), 0, dtype=torch.long)
        for start in range(0, len(self), CORPUS_BLOCK):
            scores = block_scores(queries, self.rows[start : start + CORPUS_BLOCK], self.metric, buffer)
            columns = best_columns(scores, k)
            best_scores = torch.cat([best_scores, scores.gather(1, columns)], 1)
            best_positions = torch.cat([best_positions, columns + start], 1)
            best_scores, order = best_scores.sort(dim=1, descending=True, stable=True)
            best_scores, best_positions = best_scores[:, :k], best_positions.gather(1, order)[:, :k]
        return best_scores, best_positions

    def _width(self) -> int | None:
        return self.rows.shape[1] if len(self.rows) else None

    def save(self, folder: str | Path) -> Path:
        return write_index(self, Path(folder), {"rows": self.rows, "ids": torch.from_numpy(self.ids)})

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        index, stored = read_index(Path(folder), cls)
        index.rows, index.ids = stored["rows"], stored["ids"].numpy()
        return index


def best_columns(scores: Tensor, k: int) -> Tensor:
    """The columns of the k largest scores of each row, best first, equal ones by column: (N, M) -> (N, min(k, M))."""
    if k >= scores.shape[1]:
        return scores.argsort(dim=1, descending=True, stable=True)
    values, columns = _largest(scores, k + 1)
    columns = columns[:, :k].sort(dim=1).values
    order = scores.gather(1, columns).argsort(dim=1, descending=True, stable=True)
    columns = columns.gather(1, order)
    # Any of the scores that tie for the last place may have been taken.
    tied = torch.nonzero(values[:, k - 1] == values[:, k])[:, 0]
    if len(tied):
        columns[tied] = scores[tied].argsort(dim=1, descending=True, stable=True)[:, :k]
    return columns


def _largest(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest scores of each row and their columns, best first; any of equal ones: (N, M) -> (N, k) twice.

    They lie in the k groups of neighbours with the largest maxima, so only those groups have to be sorted.
    """
    groups = scores.shape[1] // GROUP
    if groups < FEW_GROUPS * k:
        return scores.topk(k, dim=1)
    whole = groups * GROUP
    grouped = scores[:, :whole].unflatten(1, (groups, GROUP))
    best = grouped.amax(2).topk(k, dim=1, sorted=False).indices  # (N, k)
    places = torch.arange(GROUP, device=scores.device)
    inside = (best[:, :, None] * GROUP + places).flatten(1)  # (N, k * GROUP)
    rest = torch.arange(whole, scores.shape[1], device=scores.device).expand(len(scores), -1)
    candidates = torch.cat([inside, rest], 1)
    values, chosen = scores.gather(1, candidates).topk(k, dim=1)
    return values, candidates.gather(1, chosen)
