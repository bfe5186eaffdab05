"""Maps compared cell by cell, with room for what moved."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import FunctionCtx, once_differentiable

from twinnet.distances.base import Distance
from twinnet.errors import TwinnetError

# Products of cells that are held at once: more would leave the processor's cache.
AT_ONCE = 2**20
# exp of larger products would overflow in single precision.
SHARPEST = 60.0


class CellAlignment(Distance):
    """How well each cell of one map finds its like near the same place of the other, and the other way round.

    The similarity of two maps whose cells are a_i and b_j is the mean of the two directions; one of them is

        sum_i |a_i| / sum_k |a_k| * log(sum_j exp(t cos(a_i, b_j) + n(i - j))) / t

    A late interaction (Khattab and Zaharia 2020, section 3.3, https://arxiv.org/abs/2004.12832) with a soft maximum.
    The nearness n of two places and the sharpness t are learned, and the length of a cell says how much it counts.

    Args:
        channels: Channels C of the maps.
        cells: Cells n on each side of the maps; an embedding is a flattened map of C * n * n values.
    """

    higher_is_closer = True

    def __init__(self, channels: int, cells: int) -> None:
        super().__init__()
        self.channels = channels
        self.cells = cells
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(10.0)))
        steps = torch.arange(1.0 - cells, cells)
        # By how far apart two places are, row by row, from one corner to the other: ((2n-1)**2,).
        self.nearness = nn.Parameter(-(steps[:, None] ** 2 + steps**2).flatten() / 4)
        place = torch.arange(cells)
        apart = place[:, None] - place + cells - 1  # (n, n)
        by_row, by_column = apart[:, None, :, None], apart[None, :, None, :]
        steps_between = (by_row * (2 * cells - 1) + by_column).reshape(cells**2, cells**2)
        self.register_buffer("steps_between", steps_between, persistent=False)

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, C*n*n), (B, C*n*n) -> (B,)."""
        (one, weights), (other, others) = self._parts(a), self._parts(b)
        alike = (self._sharpness * torch.bmm(one, other.transpose(1, 2)) + self._near).exp()  # (B, n*n, n*n)
        both = (alike.sum(2).log() * weights).sum(1) + (alike.sum(1).log() * others).sum(1)
        return both / (2 * self._sharpness)

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, C*n*n), (M, C*n*n) -> (N, M)."""
        (one, weights), (other, others) = self._parts(a), self._parts(b)
        one, near = self._sharpness * one, self._near
        columns = max(1, min(AT_ONCE // self.cells**4, len(b)))
        rows = max(1, AT_ONCE // (self.cells**4 * columns))
        across = list(zip(other.split(columns), others.split(columns), strict=True))
        with torch.autocast(one.device.type, enabled=False):  # exp overflows in half precision
            parts = [
                torch.cat([_Found.apply(some, weight, those, their, near) for those, their in across], 1)
                for some, weight in zip(one.split(rows), weights.split(rows), strict=True)
            ]
        return torch.cat(parts) / (2 * self._sharpness)

    def aligned(self, a: Tensor, b: Tensor) -> Tensor:
        """Whole maps are compared, never place by place.

        Raises:
            TwinnetError: Always.
        """
        del a, b
        raise TwinnetError("cell-alignment compares whole maps: use pairwise or matrix")

    @property
    def _sharpness(self) -> Tensor:
        return self.log_sharpness.exp().clamp_max(SHARPEST)

    @property
    def _near(self) -> Tensor:
        """How near the places of two cells are (n*n, n*n), the same in both directions."""
        nearness = (self.nearness + self.nearness.flip(0)) / 2
        return nearness[self.steps_between]

    def _parts(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Directions (N, n*n, C) and weights (N, n*n) of cells, from flattened maps (N, C*n*n)."""
        if maps.shape[1] != self.channels * self.cells**2:
            raise TwinnetError(
                f"cell-alignment takes maps of {self.channels} channels and {self.cells} x {self.cells} cells, "
                f"not embeddings of {maps.shape[1]} values: the preprocess's size and the backbone decide how many"
            )
        exact = maps.to(torch.promote_types(maps.dtype, torch.float32))
        cells = exact.unflatten(1, (self.channels, self.cells**2)).transpose(1, 2)
        lengths = cells.norm(dim=2)
        return F.normalize(cells, dim=2), F.normalize(lengths, p=1, dim=1)


class _Found(Function):
    """Both directions, summed (N, M), of cells (N, n*n, C) and (M, n*n, C), one of them times the sharpness.

    The gradient of both logarithms is one pass over the products of cells, where a graph of operations takes several.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, one: Tensor, weights: Tensor, other: Tensor, others: Tensor, near: Tensor) -> Tensor:
        places = len(near)
        products = one.flatten(0, 1) @ other.flatten(0, 1).T  # (N*n*n, M*n*n)
        alike = products.view(len(one), places, len(other), places).add_(near[:, None]).exp_()
        forth, back = alike.sum(3), alike.sum(1)  # (N, n*n, M), (N, M, n*n)
        ctx.save_for_backward(one, weights, other, others, alike, forth, back)
        return (forth.log() * weights[:, :, None]).sum(1) + (back.log() * others).sum(2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        one, weights, other, others, alike, forth, back = ctx.saved_tensors
        by_one = weights[:, :, None] * gradient[:, None] / forth  # (N, n*n, M)
        by_other = others * gradient[:, :, None] / back  # (N, M, n*n)
        by_products = (by_one[..., None] + by_other[:, None]).mul_(alike)  # (N, n*n, M, n*n)
        of_products = by_products.flatten(2).flatten(0, 1)  # (N*n*n, M*n*n)
        return (
            (of_products @ other.flatten(0, 1)).view_as(one),
            (forth.log() * gradient[:, None]).sum(2),
            (of_products.T @ one.flatten(0, 1)).view_as(other),
            (back.log() * gradient[:, :, None]).sum(0),
            by_products.sum(0).sum(1),
        )
