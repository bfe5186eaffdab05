"""Linear layers by oneDNN: weights laid out once, and what follows a product is computed with it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from twinnet.acceleration.int8 import LEVELS, scale_and_zero, smoothing_factors, weight_steps

# oneDNN's names of what follows a product, by that of the layer, with its algorithm: GELU by the error function.
FUSED = {"none": ("none", ""), "gelu": ("gelu", "none"), "relu": ("relu", "")}


class Levels(NamedTuple):
    """How numbers are rounded to uint8: to `value / scale + zero`."""

    scale: float
    zero: int


class Linear:
    """A linear layer in float32 or bfloat16.

    Args:
        weight: (outputs, inputs).
        bias: (outputs,).
        dtype: What it computes in, and gives.
        activation: What follows, one of `FUSED`.
    """

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype, activation: str = "none") -> None:
        self.dtype = dtype
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.to(dtype).contiguous(), None)
        self.bias = bias.to(dtype)
        self.fused = FUSED[activation]

    def __call__(self, values: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        name, algorithm = self.fused
        values = values.to(self.dtype)
        result: Tensor = torch.ops.mkldnn._linear_pointwise(values, self.weight, self.bias, name, [], algorithm)
        return result

    def add_to(self, other: Tensor, values: Tensor) -> Tensor:
        """`other` (N, outputs) and the outputs for `values` (N, inputs), added."""
        if other.dtype is not self.dtype:
            return other + self(values)
        values = values.to(self.dtype)
        result: Tensor = torch.ops.mkldnn._linear_pointwise.binary(values, other, self.weight, self.bias, "add")
        return result


class Int8Linear:
    """A linear layer on uint8 activations and int8 weights; see `twinnet.acceleration.int8`.

    Args:
        weight: (outputs, inputs).
        bias: (outputs,).
        ends: The least and the greatest value of each input (2, inputs).
        out: What it gives: a float type, or levels.
        activation: What follows, one of `FUSED`.
        rounds: Whether its inputs are float32, and it rounds them, made more even before; otherwise they are rounded to
            its `levels` already.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        ends: Tensor,
        out: torch.dtype | Levels,
        activation: str = "none",
        rounds: bool = True,
    ) -> None:
        factors = smoothing_factors(weight, ends) if rounds else torch.ones(weight.shape[1])
        self.levels = Levels(*scale_and_zero(ends / factors))
        self.rounds = rounds
        self.slopes = 1 / (factors * self.levels.scale)
        # Conversion to whole numbers cuts: with the half, it rounds.
        self.offsets = torch.full_like(factors, self.levels.zero + 0.5)
        even = weight * factors
        self.scales = weight_steps(even)
        levels = (even / self.scales[:, None]).round().to(torch.int8)
        self.weight = torch.ops.onednn.qlinear_prepack(levels, None)
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias = bias
        self.out = (1.0, 0, out) if isinstance(out, torch.dtype) else (*out, torch.uint8)
        self.fused = FUSED[activation]

    def __call__(self, values: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        name, algorithm = self.fused
        result: Tensor = torch.ops.onednn.qlinear_pointwise(
            *self._inputs(values), self.bias, *self.out, name, [], algorithm
        )
        return result

    def add_to(self, other: Tensor, values: Tensor) -> Tensor:
        """`other` (N, outputs) float32 and the outputs for `values` (N, inputs), added: float32."""
        result: Tensor = torch.ops.onednn.qlinear_pointwise.binary(
            *self._inputs(values), other, self.bias, 1.0, 0, torch.float32, 1.0, 0, "add", 1.0, "none", [], ""
        )
        return result

    def _inputs(self, values: Tensor) -> tuple[Tensor, float, int, Tensor, Tensor, Tensor]:
        if self.rounds:
            values = torch.addcmul(self.offsets, values, self.slopes).clamp_(0, LEVELS).to(torch.uint8)
        return values, *self.levels, self.weight, self.scales, self.zeros
