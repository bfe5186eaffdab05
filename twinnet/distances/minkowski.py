"""Euclidean, squared Euclidean and Manhattan distance."""

from __future__ import annotations

import torch
from pytorch_metric_learning.distances import LpDistance
from torch import Tensor

from twinnet.distances.base import Distance, at_least_single, check_dense, cross_correlation, window_energy

# Without it a distance between almost equal rows loses all its digits to cancellation.
EXACT = "donot_use_mm_for_euclid_dist"
# Keeps the gradient of a square root finite at zero.
TINY = 1e-12


class Euclidean(Distance, LpDistance):
    """Euclidean distance."""

    is_metric = True
    index_metric = "l2"

    def __init__(self) -> None:
        LpDistance.__init__(self, normalize_embeddings=False)

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        distances: Tensor = torch.linalg.vector_norm(a - b, dim=1)
        return distances

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return distances_between(a, b)

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        return dense_squared(exemplar, search).clamp_min(TINY).sqrt().to(search.dtype)


class SquaredEuclidean(Distance):
    """Squared Euclidean distance."""

    index_metric = "l2"

    def __init__(self) -> None:
        super().__init__()

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return (a - b).square().sum(1)

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return distances_between(a, b).square()

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        return dense_squared(exemplar, search).to(search.dtype)


class Manhattan(Distance):
    """Sum of absolute differences."""

    is_metric = True
    index_metric = "l1"

    def __init__(self) -> None:
        super().__init__()

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return (a - b).abs().sum(1)

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return distances_between(a, b, p=1)

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        return dense_l1(exemplar, search)


def distances_between(a: Tensor, b: Tensor, p: int = 2) -> Tensor:
    """Distances (N, M) of rows (N, D) and (M, D); torch has no half-precision form of them on CPUs."""
    one, other = at_least_single(a, b)
    return torch.cdist(one, other, p=p, compute_mode=EXACT).to(a.dtype)


def dense_squared(exemplar: Tensor, search: Tensor) -> Tensor:
    """Squared Euclidean distance to every window, as |s|^2 + |e|^2 - 2 s.e, in single precision at least."""
    check_dense(exemplar, search)
    exemplar, search = at_least_single(exemplar, search)
    correlation = cross_correlation(exemplar, search)  # (B, H-h+1, W-w+1)
    energy = window_energy(search, *exemplar.shape[2:]) + exemplar.square().sum((1, 2, 3))[:, None, None]
    return (energy - 2 * correlation).clamp_min(0)


def dense_l1(exemplar: Tensor, search: Tensor) -> Tensor:
    """Manhattan distance to every window, one exemplar cell at a time so that memory stays that of the map."""
    check_dense(exemplar, search)
    h, w = exemplar.shape[2:]
    rows, columns = search.shape[2] - h + 1, search.shape[3] - w + 1
    total = search.new_zeros(len(search), rows, columns)
    for y in range(h):
        for x in range(w):
            window = search[:, :, y : y + rows, x : x + columns]  # (B, C, H-h+1, W-w+1)
            total = total + (window - exemplar[:, :, y, x, None, None]).abs().sum(1)
    return total
