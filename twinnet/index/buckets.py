"""Search by Hamming distance in those buckets of codes that lie closest to the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.checks import check_count
from twinnet.index.base import Ids
from twinnet.index.codes import Counts, Places, Words, differing
from twinnet.index.hamming import HammingIndex

SAMPLE = 32  # codes for each centre that it is fitted on
ROUNDS = 5
BLOCK = 16384
GROWTH = 4


@dataclass(frozen=True)
class Buckets:
    """Codes sorted by bucket.

    Attributes:
        places: Where each sorted code was added (N,).
        words: The sorted codes (W, N).
        starts: Where each bucket starts among them, and the end (K + 1,).
    """

    places: Places
    words: Words
    starts: Places


class BucketIndex(HammingIndex):
    """Compares the sign bits of each query with those of the rows in a few buckets.

    The buckets are those of an inverted file (Jégou, Douze, Schmid 2011, section IV,
    https://doi.org/10.1109/TPAMI.2010.57): each code is in that of its closest centre, and the centres are fitted to
    the codes by k-means. It finds most of what the index "hamming" finds, and all of it where it probes every bucket.
    The centres are made at the first search, and anew where the index has grown fourfold.

    Args:
        probes: How many buckets are searched; more where they hold less rows than are asked for.
        buckets: How many there are; the square root of the number of rows unless given.
        seed: Decides which codes the centres are fitted on.

    Raises:
        TwinnetError: If there is less than one.
    """

    def __init__(self, probes: int = 32, buckets: int | None = None, seed: int = 0) -> None:
        super().__init__()
        check_count(probes, "probes")
        if buckets is not None:
            check_count(buckets, "buckets")
        self.probes = probes
        self.buckets = buckets
        self.seed = seed
        self._centres: Tensor | None = None  # (K, bits)
        self._owners: Places = np.empty(0, dtype=np.int64)  # the bucket of each row (N,)
        self._sorted: Buckets | None = None
        self._fitted = 0  # rows when the centres were made

    def add(self, embeddings: Any, ids: Sequence[int] | Ids | None = None) -> None:
        before = len(self)
        super().add(embeddings, ids)
        self._sorted = None
        if len(self) > GROWTH * self._fitted:
            self._centres = None
        elif self._centres is not None:
            self._owners = np.concatenate([self._owners, self._closest(self._words[:, before:], self._centres)])

    def remove(self, ids: Sequence[int] | Ids) -> None:
        before = self.ids
        super().remove(ids)
        self._sorted = None
        if self._centres is not None:
            self._owners = self._owners[np.isin(before, self.ids)]

    def _nearest(self, code: Words, k: int) -> tuple[Counts, Places]:
        if (self.buckets or len(self) ** 0.5) <= self.probes:
            return super()._nearest(code, k)
        centres, sorted_codes = self._ready()
        order = np.argsort(-(centres @ _signs(code[:, None])[0]).numpy())
        found = np.cumsum(np.diff(sorted_codes.starts)[order])
        probed = order[: max(self.probes, int(np.searchsorted(found, k)) + 1)]
        ranges = [slice(sorted_codes.starts[bucket], sorted_codes.starts[bucket + 1]) for bucket in probed]
        distances = differing(np.concatenate([sorted_codes.words[:, part] for part in ranges], axis=1), code)
        places = np.concatenate([sorted_codes.places[part] for part in ranges])
        close = np.flatnonzero(distances <= np.partition(distances, k - 1)[k - 1])
        best = close[np.lexsort((places[close], distances[close]))[:k]]
        return distances[best], places[best]

    def _ready(self) -> tuple[Tensor, Buckets]:
        """Centres and sorted codes. Threads that search at once may each make them, but see only whole ones."""
        centres, buckets = self._centres, self._sorted
        if centres is None:
            centres = self._fit()
            self._owners, self._fitted = self._closest(self._words, centres), len(self)
            self._centres = centres
        if buckets is None:
            places = np.argsort(self._owners, kind="stable")
            starts = np.searchsorted(self._owners[places], np.arange(len(centres) + 1))
            buckets = Buckets(places, np.ascontiguousarray(self._words[:, places]), starts)
            self._sorted = buckets
        return centres, buckets

    def _fit(self) -> Tensor:
        """Centres (K, bits) by k-means on a sample, all of one length, so that the closest has the largest product."""
        count = min(self.buckets or round(len(self) ** 0.5), len(self))
        rng = np.random.default_rng(self.seed)
        sample = self._words[:, rng.permutation(len(self))[: SAMPLE * count]]
        centres = _signs(sample[:, :count])
        for _ in range(ROUNDS):
            owners = torch.from_numpy(self._closest(sample, centres))
            means = torch.zeros_like(centres).index_add_(0, owners, _signs(sample))
            taken = torch.bincount(owners, minlength=count)[:, None] > 0
            centres = torch.where(taken, F.normalize(means), F.normalize(centres))
        return centres

    @staticmethod
    def _closest(words: Words, centres: Tensor) -> Places:
        """The closest centre of each code: (W, N) -> (N,)."""
        blocks = np.array_split(words, range(BLOCK, words.shape[1], BLOCK), axis=1)
        return np.concatenate([(_signs(block) @ centres.T).argmax(1).numpy() for block in blocks])

    def _tensors(self) -> dict[str, Tensor]:
        fitted = {} if self._centres is None else {"centres": self._centres, "owners": torch.from_numpy(self._owners)}
        return super()._tensors() | fitted

    def _take(self, stored: Mapping[str, Tensor]) -> None:
        super()._take(stored)
        if "centres" in stored:
            self._centres, self._owners = stored["centres"], stored["owners"].numpy()
            self._fitted = len(self)


def _signs(words: Words) -> Tensor:
    """Bits as 1 and -1: (W, N) -> (N, 64 W)."""
    bits = np.unpackbits(np.ascontiguousarray(words.T).view(np.uint8), axis=1)
    return torch.from_numpy(bits).float() * 2 - 1
