"""A distance: how two embeddings are compared."""

import torch
from torch import Tensor
from twinnet.distances import Distance


class Chebyshev(Distance):
    """The largest difference in any dimension."""

    is_metric = True

    def __init__(self) -> None:
        super().__init__()

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """Row by row: (B, D), (B, D) -> (B,)."""
        return (a - b).abs().amax(1)

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """All with all: (N, D), (M, D) -> (N, M)."""
        return torch.cdist(a, b, p=float("inf"))
