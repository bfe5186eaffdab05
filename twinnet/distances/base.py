"""The distance contract."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pytorch_metric_learning.distances import BaseDistance
from torch import Tensor

from twinnet.component import Component
from twinnet.errors import TwinnetError

# Cells of an exemplar above which the products of all of them with a whole map would take too much memory.
MANY_CELLS = 64


class Distance(Component, BaseDistance):
    """Compares embeddings: pair by pair, all with all, an exemplar at every place of a map, two maps place by place.

    It is a `BaseDistance` of pytorch-metric-learning, so every loss there can use it. Subclasses normalise, if at
    all, inside their own forms, so that all agree.

    Attributes:
        higher_is_closer: Whether a larger value means closer (a similarity).
        is_metric: Whether the triangle inequality holds.
        index_metric: The metric under which an index ranks the same way: "cosine", "ip", "l2", "l1", "hamming" or None.
    """

    higher_is_closer: ClassVar[bool] = False
    is_metric: ClassVar[bool] = False
    index_metric: ClassVar[str | None] = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"normalize_embeddings": False, "is_inverted": self.higher_is_closer, **options})

    @abstractmethod
    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """Compare row by row: (B, D), (B, D) -> (B,)."""

    @abstractmethod
    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """Compare every row with every row: (N, D), (M, D) -> (N, M)."""

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """Compare an exemplar with every window of a search map: (B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1).

        The value at (y, x) is the pairwise value of the flattened exemplar and the flattened window at that place.

        Raises:
            TwinnetError: If the distance has no dense form.
        """
        del exemplar, search
        raise TwinnetError(f"distance {type(self).__name__} has no dense form: choose cosine, dot or sqeuclidean")

    def aligned(self, a: Tensor, b: Tensor) -> Tensor:
        """Compare two maps of one scene place by place: (B, C, H, W), (B, C, H, W) -> (B, H, W).

        The value at (y, x) is the pairwise value of the two vectors there. A distance with a finer view of its maps may
        give more places than they have.

        Raises:
            TwinnetError: If the maps differ in shape.
        """
        if a.ndim != 4 or a.shape != b.shape:
            raise TwinnetError(f"maps {tuple(a.shape)} and {tuple(b.shape)} must both be (B, C, H, W), of one size")
        places = [maps.permute(0, 2, 3, 1).reshape(-1, a.shape[1]) for maps in (a, b)]  # (B*H*W, C)
        return self.pairwise(*places).view(len(a), *a.shape[2:])

    def to_score(self, values: Tensor) -> Tensor:
        """Turn values into scores, where larger means closer."""
        return values if self.higher_is_closer else 0 - values  # not -0.0 for equal items

    def to_distance(self, values: Tensor) -> Tensor:
        """Turn values into distances: smaller means closer, and zero the same direction or place.

        Raises:
            TwinnetError: If this is a similarity without a largest value.
        """
        if self.higher_is_closer:
            raise TwinnetError(
                f"{type(self).__name__} has no largest value and so no distance: choose cosine or euclidean"
            )
        return values

    def probabilities(self, scores: Tensor) -> Tensor | None:
        """How probable each candidate is, of the scores of several candidates for each item: (N, M) -> (N, M).

        None, unless scores are logits, whose scale was learned.
        """
        del scores
        return None

    def embedded(self, embeddings: Tensor) -> Tensor:
        """Map embeddings to the space where `index_metric` compares them: (N, D) -> (N, K)."""
        return embeddings

    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        """`matrix` under pytorch-metric-learning's name."""
        return self.matrix(query_emb, ref_emb)

    def pairwise_distance(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        """`pairwise` under pytorch-metric-learning's name."""
        return self.pairwise(query_emb, ref_emb)


def check_dense(exemplar: Tensor, search: Tensor) -> None:
    """Refuse an exemplar that does not fit into the search map.

    Raises:
        TwinnetError: If batch or channels differ, or the exemplar is larger than the map.
    """
    if exemplar.ndim != 4 or search.ndim != 4 or exemplar.shape[:2] != search.shape[:2]:
        raise TwinnetError(
            f"exemplar {tuple(exemplar.shape)} and search {tuple(search.shape)} must be (B, C, h, w) and (B, C, H, W)"
        )
    if exemplar.shape[2] > search.shape[2] or exemplar.shape[3] > search.shape[3]:
        raise TwinnetError(f"exemplar {tuple(exemplar.shape[2:])} is larger than search {tuple(search.shape[2:])}")


def cross_correlation(exemplar: Tensor, search: Tensor) -> Tensor:
    """Dot product at every translation: (B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1).

    The cross-correlation layer of SiamFC (Bertinetto et al. 2016, https://arxiv.org/abs/1606.09549, eq. 2).
    """
    check_dense(exemplar, search)
    height, width = exemplar.shape[2:]
    if height * width <= MANY_CELLS:
        # Each cell of the exemplar with each of the map as one matrix product, then sums along diagonals.
        products = torch.bmm(exemplar.flatten(2).transpose(1, 2), search.flatten(2))  # (B, h*w, H*W)
        return _shifted(products.view(-1, height, width, *search.shape[2:])).sum((1, 2))
    batch = len(search)
    joined = search.reshape(1, -1, *search.shape[2:])  # (1, B*C, H, W)
    return F.conv2d(joined, exemplar, groups=batch)[0]  # (B, H-h+1, W-w+1)


def _shifted(maps: Tensor) -> Tensor:
    """Cell (y + i, x + j) of map (i, j) at (y, x), as a view: (B, h, w, H, W) -> (B, h, w, H-h+1, W-w+1)."""
    batch, i, j, y, x = maps.stride()
    down, across = (maps.shape[side + 2] - maps.shape[side] + 1 for side in (1, 2))
    return maps.as_strided((*maps.shape[:3], down, across), (batch, i + y, j + x, y, x))


def at_least_single(*maps: Tensor) -> list[Tensor]:
    """Maps in single precision, or as they are in double: squares and their sums overflow in half precision."""
    return [each.to(torch.promote_types(each.dtype, torch.float32)) for each in maps]


def window_energy(search: Tensor, height: int, width: int) -> Tensor:
    """Squared norm of every window: (B, C, H, W) -> (B, H-h+1, W-w+1)."""
    energy = search.square().sum(1, keepdim=True)  # (B, 1, H, W)
    ones = torch.ones(1, 1, height, width, dtype=search.dtype, device=search.device)
    return F.conv2d(energy, ones)[:, 0]
