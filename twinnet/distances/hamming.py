"""Hamming distance on sign bits."""

from __future__ import annotations

from torch import Tensor

from twinnet.distances.base import Distance, cross_correlation


class Hamming(Distance):
    """Number of dimensions in which two embeddings differ in sign; zero counts as negative.

    It has no gradient: train with another distance and compare with this one.
    """

    is_metric = True
    index_metric = "hamming"

    def __init__(self) -> None:
        super().__init__()

    def embedded(self, embeddings: Tensor) -> Tensor:
        """The signs, as -1 and 1: (N, D) -> (N, D)."""
        return signs(embeddings)

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return (signs(a) != signs(b)).sum(1).to(a.dtype)

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return (a.shape[1] - signs(a) @ signs(b).T) / 2

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        return (exemplar[0].numel() - cross_correlation(signs(exemplar), signs(search))) / 2


def signs(values: Tensor) -> Tensor:
    """1 where positive, -1 elsewhere."""
    return (values > 0).to(values.dtype) * 2 - 1
