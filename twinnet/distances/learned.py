"""Distances with weights of their own."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.distances.base import Distance, check_dense
from twinnet.distances.minkowski import TINY, dense_l1, dense_squared, distances_between
from twinnet.errors import TwinnetError


class WeightedL1(Distance):
    """Manhattan distance with a learned non-negative weight for each dimension.

    The weighted L1 of Koch et al. 2015, with a softplus that keeps it a distance. In the dense form the weights
    belong to the channels.

    Args:
        dim: Width D of the embeddings, or channels C of the maps.
    """

    is_metric = True
    index_metric = "l1"

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.raw_weight = nn.Parameter(torch.full((dim,), math.log(math.e - 1)))  # softplus of it is 1

    @property
    def weight(self) -> Tensor:
        """The non-negative weights (D,)."""
        return F.softplus(self.raw_weight)

    def embedded(self, embeddings: Tensor) -> Tensor:
        """Scale, so that plain L1 compares as this distance does: (N, D) -> (N, D)."""
        _check_width(embeddings, len(self.raw_weight))
        return embeddings * self.weight

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        _check_width(a, len(self.raw_weight))
        return (a - b).abs() @ self.weight

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return distances_between(self.embedded(a), self.embedded(b), p=1)

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        weight = self.weight[:, None, None]
        return dense_l1(exemplar * weight, search * weight)


class Mahalanobis(Distance):
    """sqrt((a - b)^T M (a - b)) with a learned M = L^T L, positive semi-definite by construction.

    A factor of `rank` rows keeps M of low rank (Weinberger and Saul 2009). It starts as the identity, that is as
    the Euclidean distance over the first `rank` dimensions. In the dense form it acts on the channels.

    Args:
        dim: Width D of the embeddings, or channels C of the maps.
        rank: Rows of the factor, at most `dim`; all of them unless given.

    Raises:
        TwinnetError: If the rank is not from 1 to `dim`.
    """

    is_metric = True
    index_metric = "l2"

    def __init__(self, dim: int, rank: int | None = None) -> None:
        super().__init__()
        rows = dim if rank is None else rank
        if not 1 <= rows <= dim:
            raise TwinnetError(f"the rank of a Mahalanobis distance of width {dim} must be from 1 to {dim}, not {rows}")
        self.factor = nn.Parameter(torch.eye(rows, dim))  # (R, D)

    def embedded(self, embeddings: Tensor) -> Tensor:
        """Map to the space where this is the Euclidean distance: (N, D) -> (N, R)."""
        _check_width(embeddings, self.factor.shape[1])
        return embeddings @ self.factor.T

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        distances: Tensor = torch.linalg.vector_norm(self.embedded(a - b), dim=1)
        return distances

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return distances_between(self.embedded(a), self.embedded(b))

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        check_dense(exemplar, search)
        kernel = self.factor[:, :, None, None]  # (R, C, 1, 1)
        squared = dense_squared(F.conv2d(exemplar, kernel), F.conv2d(search, kernel))
        return squared.clamp_min(TINY).sqrt().to(search.dtype)


def _check_width(embeddings: Tensor, width: int) -> None:
    if embeddings.shape[-1] != width:
        raise TwinnetError(f"embeddings of width {embeddings.shape[-1]}, and the distance was learned for {width}")
