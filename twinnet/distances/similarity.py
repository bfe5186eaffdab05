"""Cosine and dot product."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pytorch_metric_learning.distances import CosineSimilarity, DotProductSimilarity
from torch import Tensor

from twinnet.distances.base import Distance, at_least_single, check_dense, cross_correlation, window_energy

EPS = 1e-12


def unit(rows: Tensor) -> Tensor:
    """Rows (N, D) of length 1; zeros stay zeros in half precision too."""
    return F.normalize(rows, dim=1, eps=max(EPS, torch.finfo(rows.dtype).tiny))


class Cosine(Distance, CosineSimilarity):
    """Cosine of the angle between two embeddings, from -1 to 1."""

    higher_is_closer = True
    index_metric = "cosine"

    def __init__(self) -> None:
        CosineSimilarity.__init__(self)

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return (unit(a) * unit(b)).sum(1)

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return unit(a) @ unit(b).T

    def to_distance(self, values: Tensor) -> Tensor:
        """The cosine distance, 1 - cos."""
        return 1 - values

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        check_dense(exemplar, search)
        one, other = at_least_single(exemplar, search)
        direction = unit(one.flatten(1)).view_as(one)
        norm = window_energy(other, *one.shape[2:]).clamp_min(EPS**2).sqrt()
        return (cross_correlation(direction, other) / norm).to(search.dtype)


class Dot(Distance, DotProductSimilarity):
    """Dot product of two embeddings; its dense form is SiamFC's cross-correlation."""

    higher_is_closer = True
    index_metric = "ip"

    def __init__(self) -> None:
        DotProductSimilarity.__init__(self, normalize_embeddings=False)

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return (a * b).sum(1)

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return a @ b.T

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        return cross_correlation(exemplar, search)
