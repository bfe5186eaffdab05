"""The tokens of sentences as rows, without padding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Tokens:
    """Where the tokens of padded sentences are.

    Args:
        counted: Which places are tokens, and not padding (B, T).
    """

    def __init__(self, counted: Tensor) -> None:
        self.shape = counted.shape
        self.places = counted.flatten().nonzero()[:, 0]  # (N,)

    def collect(self, padded: Tensor) -> Tensor:
        """(B, T, D) -> (N, D)."""
        rows: Tensor = _Collect.apply(padded.flatten(0, 1), self.places)
        return rows

    def spread(self, rows: Tensor) -> Tensor:
        """(N, D) -> (B, T, D), 0 where padding is."""
        padded: Tensor = _Spread.apply(rows, self.places, self.shape.numel())
        return padded.view(*self.shape, rows.shape[1])


class _Collect(torch.autograd.Function):
    """Rows at places that differ; torch's own gradient adds them up one by one."""

    generate_vmap_rule = True

    @staticmethod
    def forward(padded: Tensor, places: Tensor) -> Tensor:
        return padded.index_select(0, places)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        padded, places = inputs
        ctx.save_for_backward(places)
        ctx.count = len(padded)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _spread(gradients[0], ctx.saved_tensors[0], ctx.count), None


class _Spread(torch.autograd.Function):
    """The other way round."""

    generate_vmap_rule = True

    @staticmethod
    def forward(rows: Tensor, places: Tensor, count: int) -> Tensor:
        return _spread(rows, places, count)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].index_select(0, ctx.saved_tensors[0]), None, None


def _spread(rows: Tensor, places: Tensor, count: int) -> Tensor:
    return rows.new_zeros(count, rows.shape[1]).index_copy(0, places, rows)
