"""Candidates by their codes, ordered by the embeddings themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from twinnet.checks import check_count
from twinnet.embeddings import Embeddings, as_embeddings
from twinnet.errors import TwinnetError
from twinnet.features import Features
from twinnet.heads.base import HeadLayer
from twinnet.index.base import Ids, Index, Scores
from twinnet.index.codes import Places
from twinnet.index.folder import load_index, read_index, write_index
from twinnet.index.ids import staying
from twinnet.index.kept import KeptRows
from twinnet.index.metrics import block_scores, check_metric, ready
from twinnet.quantization import Int8Ranges
from twinnet.registry import heads, indexes

CODES = "codes"
EMBEDDINGS = "embeddings.npy"
PROJECTION = "projection."
BLOCK = 16384


class HashedIndex(Index):
    """Finds candidates by the Hamming distance of their codes, and orders them by the embeddings themselves.

    The codes are searched in memory. The embeddings are only read where there are candidates: an index that was loaded
    leaves them in their file.

    Args:
        metric: What orders the candidates: "cosine", "ip", "l2" or "l1". The codes compare directions, so that a metric
            in which lengths count needs more candidates.
        projection: The head layer whose signs are the bits, its name, or a mapping with its name and arguments, such as
            {"name": "hyperplanes", "bits": 256}; the signs of the embeddings themselves unless given.
        codes: The index of the codes, likewise.
        rows: How the embeddings are kept: "float32", "float16" or "int8" (whose ranges are those of the first rows).
        candidates: How many candidates there are for each row that is asked for.

    Raises:
        TwinnetError: If a name is unknown, or a candidate for each row is not asked for.
    """

    def __init__(
        self,
        metric: str = "cosine",
        projection: str | Mapping[str, Any] | HeadLayer | None = None,
        codes: str | Mapping[str, Any] = "hamming",
        rows: str = "float16",
        candidates: int = 10,
    ) -> None:
        if check_metric(metric) == "hamming":
            raise TwinnetError("codes ordered by their Hamming distance are the index 'hamming'")
        check_count(candidates, "candidates")
        self.metric = metric
        self.projection = projection
        self.codes: Index = indexes.create(codes)
        self.ids = self.codes.ids
        self._order: Places | None = None  # of the ids
        self.rows = KeptRows(rows)
        self.candidates = candidates

    @property
    def config(self) -> dict[str, Any]:
        layer = self.projection
        return {
            "metric": self.metric,
            "projection": heads.spec_of(layer) if isinstance(layer, HeadLayer) else layer,
            "codes": indexes.spec_of(self.codes),
            "rows": self.rows.form,
            "candidates": self.candidates,
        }

    def __len__(self) -> int:
        return len(self.codes)

    def add(self, embeddings: Any, ids: Sequence[int] | Ids | None = None) -> None:
        added = as_embeddings(embeddings, self._width())
        layer = self.projection
        if not isinstance(layer, HeadLayer | None):
            layer = heads.create_with(layer, in_features=added.shape[1])
        kept, ranges = self.rows.prepare(ready(added, self.metric).numpy())
        self.codes.add(_projected(layer, added), ids)  # refuses ids, too, before anything has changed
        self.projection = layer
        self.rows.append(kept, ranges)
        self.ids, self._order = self.codes.ids, None

    def remove(self, ids: Sequence[int] | Ids) -> None:
        stays = staying(self.ids, ids)
        self.codes.remove(ids)
        self.rows.keep(stays)
        self.ids, self._order = self.codes.ids, None

    def search(self, queries: Any, k: int) -> tuple[Scores, Ids]:
        check_count(k)
        rows = as_embeddings(queries, self._width(), "queries")
        _, found = self.codes.search(_projected(self.projection, rows), k * self.candidates)
        k = min(k, len(self))
        scores, best = np.empty((len(rows), k), np.float32), np.empty((len(rows), k), np.int64)
        if k:
            for number, (query, places) in enumerate(zip(ready(rows, self.metric), self._places(found), strict=True)):
                scores[number], best[number] = self._rescored(query, np.sort(places), k)
        return scores, self.ids[best]

    def _rescored(self, query: Tensor, places: Places, k: int) -> tuple[Scores, Places]:
        """The best k of the rows at some places, equal ones in order: scores (k,) and places (k,)."""
        candidates = ready(self.rows.take(places), self.metric)  # (C, D)
        scores = block_scores(query[None], candidates, self.metric)[0].numpy()
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order], places[order]

    def _places(self, ids: Ids) -> Places:
        """Where the rows with these ids are."""
        if self._order is None:
            self._order = np.argsort(self.ids, kind="stable")
        places: Places = self._order[np.searchsorted(self.ids, ids, sorter=self._order)]
        return places

    def _width(self) -> int | None:
        return self.rows.values.shape[1] or None  # known from the first rows on, also when they are gone

    def save(self, folder: str | Path) -> Path:
        layer = self.projection
        tensors = {f"{PROJECTION}{n}": t for n, t in layer.state_dict().items()} if isinstance(layer, HeadLayer) else {}
        if self.rows.ranges is not None:
            tensors |= {"low": torch.from_numpy(self.rows.ranges.low), "high": torch.from_numpy(self.rows.ranges.high)}

        def further(home: Path) -> None:
            self.codes.save(home / CODES)
            np.save(home / EMBEDDINGS, self.rows.values)

        return write_index(self, Path(folder), tensors, further)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        index, stored = read_index(Path(folder), cls)
        index.codes = load_index(Path(folder) / CODES)
        index.ids = index.codes.ids
        weights = {n.removeprefix(PROJECTION): t for n, t in stored.items() if n.startswith(PROJECTION)}
        # Until there are rows, nobody knows how many features the layer takes.
        if (weights or len(index)) and not isinstance(index.projection, HeadLayer | None):
            layer = heads.create(index.projection)
            layer.load_state_dict(weights)
            index.projection = layer
        if "low" in stored:
            index.rows.ranges = Int8Ranges(stored["low"].numpy(), stored["high"].numpy())
        index.rows.values = np.load(Path(folder) / EMBEDDINGS, mmap_mode="r", allow_pickle=False)
        return index


def _projected(layer: Any, rows: Embeddings) -> Embeddings:
    """What the signs are taken of: (N, D) -> (N, bits). An empty index has made no layer of its spec so far."""
    if not isinstance(layer, HeadLayer):
        return rows
    with torch.inference_mode():
        blocks = [layer(Features(block)).values for block in torch.from_numpy(rows).split(BLOCK)]
    projected: Embeddings = torch.cat(blocks).numpy()
    return projected
