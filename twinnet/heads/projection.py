"""Projection and normalisation, of embeddings or of each cell of a map."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from twinnet.errors import unknown_name
from twinnet.features import Features
from twinnet.heads.base import HeadLayer

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU,
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class Dense(HeadLayer):
    """A linear layer with an activation.

    Args:
        in_features: Width that goes in.
        out_features: Width that comes out.
        bias: Whether the linear layer has a bias.
        activation: "identity", "tanh", "relu", "gelu", "silu" or "sigmoid".
        residual: Whether the input is added to the output, through a second linear layer where the widths differ.

    Raises:
        TwinnetError: If the activation is unknown.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        activation: str = "identity",
        residual: bool = False,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise unknown_name("activation", activation, ACTIVATIONS)
        self.linear = nn.Linear(in_features, out_features, bias=bias)
        self.activation = ACTIVATIONS[activation]()
        self.residual: nn.Module | None = None
        if residual:
            same = in_features == out_features
            self.residual = nn.Identity() if same else nn.Linear(in_features, out_features, bias=False)

    def out_width(self, width: int) -> int:
        """`out_features`."""
        del width
        return self.linear.out_features

    def forward(self, features: Features) -> Features:
        """(..., in_features) -> (..., out_features), or (B, in_features, H, W) -> (B, out_features, H, W)."""
        is_map = features.kind == "map"
        values = features.values.movedim(1, -1) if is_map else features.values
        projected = self.activation(self.linear(values))
        if self.residual is not None:
            projected = projected + self.residual(values)
        return features.with_values(projected.movedim(-1, 1) if is_map else projected)


class LayerNorm(HeadLayer):
    """Layer normalisation of the embedding.

    Args:
        in_features: Width of the embedding.
    """

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(in_features)

    def forward(self, features: Features) -> Features:
        """(..., D) -> (..., D), or (B, D, H, W) -> the same, each cell by itself."""
        if features.kind == "map":
            return features.with_values(self.norm(features.values.movedim(1, -1)).movedim(-1, 1))
        return features.with_values(self.norm(features.values))


class Normalize(HeadLayer):
    """Scales each embedding to unit length."""

    def __init__(self) -> None:
        super().__init__()

    def forward(self, features: Features) -> Features:
        """(B, D) -> (B, D), or (B, C, H, W) -> the same with unit length over the channels."""
        smallest = max(1e-12, torch.finfo(features.values.dtype).tiny)  # zeros stay zeros in half precision too
        dim = 1 if features.kind == "map" else -1
        return features.with_values(F.normalize(features.values, dim=dim, eps=smallest))
