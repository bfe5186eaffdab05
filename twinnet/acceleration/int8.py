"""Towers whose weights and activations are int8."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, register_parametrization, remove_parametrizations

from twinnet.acceleration.ranges import ActivationRanges, rounding_layers
from twinnet.errors import TwinnetError
from twinnet.tower import Tower

LEVELS = 255
WEIGHT_LEVELS = 127
# How much of the inputs' unevenness goes into the weights: of 0, 0.5, 0.7, 0.8 and 0.9 this left all-MiniLM-L6-v2 the
# closest worst sentence (docs/performance.md).
SMOOTHING = 0.8
TINY = 1e-5


def quantized(tower: Tower, ranges: ActivationRanges) -> Tower:
    """A copy whose layers compute with int8 weights and uint8 activations, simulated in float32.

    Weights are symmetric for each output channel, activations affine for the whole tensor (Jacob et al. 2018,
    https://arxiv.org/abs/1712.05877, section 2); a compiler that knows the pattern computes in whole numbers. Inputs of
    linear layers that are large beside the others are made smaller, and the weights that they meet larger (Xiao et al.
    2023, https://arxiv.org/abs/2211.10438, eq. 4).

    Raises:
        TwinnetError: If the ranges are those of another tower.
    """
    copied = copy.deepcopy(tower).eval()
    layers = dict(rounding_layers(copied))
    if missing := sorted(ranges.ranges.keys() - layers.keys()):
        raise TwinnetError(f"the int8 ranges name a layer {missing[0]!r} that this network lacks: calibrate again")
    for name, ends in ranges.ranges.items():
        parent, _, attribute = name.rpartition(".")
        setattr(copied.get_submodule(parent), attribute, rounded_layer(layers[name], ends))
    return copied


def rounded_layer(layer: nn.Linear | nn.Conv2d, ends: Tensor) -> nn.Module:
    """A copy of a layer on rounded numbers, from the least and the greatest of what goes in."""
    if isinstance(layer, nn.Linear):
        return _Int8Linear(layer, ends)
    return _Int8Layer(layer, layer.weight.detach(), ends)


def smoothing_factors(weight: Tensor, ends: Tensor) -> Tensor:
    """What the inputs of a linear layer are divided by, and its weights multiplied, so that both are rounded well.

    Args:
        weight: (outputs, inputs).
        ends: The least and the greatest value of each input (2, inputs).

    Returns:
        (inputs,).
    """
    largest, weights = ends.abs().amax(0).clamp_min(TINY), weight.abs().amax(0).clamp_min(TINY)  # (inputs,) each
    return largest**SMOOTHING / weights ** (1 - SMOOTHING)


def scale_and_zero(ends: Tensor) -> tuple[float, int]:
    """The step between two levels, and the level of 0, for values between the least and the greatest (2, ...)."""
    low, high = min(float(ends[0].min()), 0.0), max(float(ends[1].max()), 0.0)
    scale = (high - low) / LEVELS or 1.0
    return scale, round(-low / scale)


def weight_steps(weight: Tensor) -> Tensor:
    """The step between two levels of the weights (outputs, ...), for each output: (outputs,)."""
    return weight.abs().flatten(1).amax(1).clamp_min(TINY) / WEIGHT_LEVELS


class _RoundedWeight(nn.Module):
    """A weight (outputs, ...) in whole steps, see `weight_steps`."""

    steps: Tensor
    zeros: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("steps", weight_steps(weight))
        self.register_buffer("zeros", torch.zeros(len(weight), dtype=torch.int32))

    def forward(self, weight: Tensor) -> Tensor:
        """(outputs, ...) -> the same shape."""
        return torch.fake_quantize_per_channel_affine(weight, self.steps, self.zeros, 0, -WEIGHT_LEVELS, WEIGHT_LEVELS)


class _Int8Layer(nn.Module):
    """A layer, which may pad in a way of its own, on rounded numbers.

    Args:
        layer: The layer; its weight is replaced.
        weight: The weight before it is rounded.
        ends: The least and the greatest value of what goes in (2, ...).
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, weight: Tensor, ends: Tensor) -> None:
        super().__init__()
        self.scale, self.zero = scale_and_zero(ends)
        self.layer = copy.deepcopy(layer)
        if is_parametrized(self.layer, "weight"):
            remove_parametrizations(self.layer, "weight")
        self.layer.weight = nn.Parameter(weight)
        register_parametrization(self.layer, "weight", _RoundedWeight(weight))

    @property
    def weight(self) -> Tensor:
        """The rounded weight; some networks ask a layer's for its device or type."""
        weight: Tensor = self.layer.weight
        return weight

    def forward(self, values: Tensor) -> Tensor:
        """What the layer takes and gives."""
        rounded: Tensor = self.layer(torch.fake_quantize_per_tensor_affine(values, self.scale, self.zero, 0, LEVELS))
        return rounded


class _Int8Linear(_Int8Layer):
    smaller: Tensor

    def __init__(self, layer: nn.Linear, ends: Tensor) -> None:
        weight = layer.weight.detach()
        factors = smoothing_factors(weight, ends)
        super().__init__(layer, weight * factors, ends / factors)
        self.register_buffer("smaller", 1 / factors)

    def forward(self, values: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        return super().forward(values * self.smaller)
