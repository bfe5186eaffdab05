"""SiamFC's adjust layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from twinnet.distances.base import Distance, cross_correlation


class AdjustedDot(Distance):
    """scale * dot product + bias: the log odds that two embeddings show the same object.

    Bertinetto et al. 2016 (https://arxiv.org/abs/1606.09549), eq. 2 with the bias b; as in the authors' code, only the
    bias is learned, and the scale brings the sums over 6 x 6 x 256 products to the range of a logistic loss.

    Args:
        scale: What the dot product is multiplied with.
    """

    higher_is_closer = True
    log_odds = True

    def __init__(self, scale: float = 1e-3) -> None:
        super().__init__()
        self.scale = scale
        self.bias = nn.Parameter(torch.zeros(1))

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return (a * b).sum(1) * self.scale + self.bias

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return a @ b.T * self.scale + self.bias

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        return cross_correlation(exemplar, search) * self.scale + self.bias
