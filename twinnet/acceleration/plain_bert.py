"""BERT encoders that can be computed another way: what they consist of, and whether somebody changed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from twinnet.backbones.bert import ACTIVATIONS, Added, Attention, BertBackbone, Encoder, Layer
from twinnet.backbones.dropout import Dropout
from twinnet.features import Batch
from twinnet.tower import Tower, is_hooked_itself

NAMES = {kind: name for name, kind in ACTIVATIONS.items()}
# What an encoder consists of that nobody has changed.
PLAIN = {
    *(Encoder, Layer, Attention, Added, nn.ModuleList, nn.ModuleDict, nn.Sequential),
    *(nn.Linear, nn.LayerNorm, nn.Dropout, Dropout, *NAMES),
}
Dense = tuple[Tensor, Tensor]


def is_plain_bert(tower: Tower) -> bool:
    """Whether a tower has a BERT encoder in float32 without anything added to it."""
    backbone = tower.backbone
    return (
        type(backbone) is BertBackbone
        and type(tower) is Tower
        and not (is_hooked_itself(tower) or is_hooked_itself(backbone))
        and all(map(_is_unchanged, backbone.encoder.modules()))
    )


def by_encoder(tower: Tower, encoder: Callable[[Tensor, Tensor | None], Tensor]) -> Callable[[Batch], Tensor]:
    """What takes a batch to (B, D) by another way to compute the encoder."""
    backbone: Any = tower.backbone

    def forward(batch: Batch) -> Tensor:
        embedded: Tensor = tower.head(backbone.encoded_by(encoder, batch)).values
        return embedded

    return forward


def activation(layer: Layer) -> str:
    """The name of a layer's activation."""
    return NAMES[type(layer.intermediate[1])]


def projections(layer: Layer) -> Dense:
    """Weight (3 * D, D) and bias of queries, keys and values."""
    weights, biases = zip(*map(dense, layer.attention.self.values()), strict=True)
    return torch.cat(weights), torch.cat(biases)


def dense(layer: Any) -> Dense:
    """Weight and bias of a linear layer."""
    return layer.weight, layer.bias


def norm(layer: nn.LayerNorm, dtype: torch.dtype) -> tuple[Any, ...]:
    """The arguments of a layer norm after the values."""
    return layer.normalized_shape, layer.weight.detach().to(dtype), layer.bias.detach().to(dtype), layer.eps


def _is_unchanged(module: nn.Module) -> bool:
    """Whether it does what its weights say and nothing else, in float32."""
    if type(module) not in PLAIN or is_hooked_itself(module):
        return False
    if isinstance(module, nn.Linear) and module._parameters["bias"] is None:
        return False
    if isinstance(module, nn.GELU) and module.approximate != "none":
        return False
    weight = module._parameters.get("weight")
    return weight is None or weight.dtype == torch.float32
