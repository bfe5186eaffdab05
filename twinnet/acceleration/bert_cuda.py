"""BERT's layers on GPUs: the tokens of all sentences in one matrix, without padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.acceleration.keeping import kept
from twinnet.acceleration.plain_bert import by_encoder, dense, is_plain_bert, norm, projections
from twinnet.backbones.bert import Encoder, Layer
from twinnet.backbones.tokens import Tokens
from twinnet.features import Batch
from twinnet.tower import Tower

# Widths of a head that the kernel has: multiples of this, up to that.
STEP, WIDEST = 8, 256


def is_unpaddable(tower: Tower, precision: str) -> bool:
    """Whether a GPU computes a tower so: a BERT encoder without anything added to it, in bfloat16."""
    if tower.device.type != "cuda" or precision != "bfloat16" or not _has_kernel() or not is_plain_bert(tower):
        return False
    backbone: Any = tower.backbone
    widths = [backbone.width // layer.attention.heads for layer in backbone.encoder.layer]
    return all(width % STEP == 0 and width <= WIDEST for width in widths)


def unpadded(tower: Tower) -> Callable[[Batch], Tensor]:
    """What a tower computes, in bfloat16 and without its padding: takes a batch to (B, D).

    Args:
        tower: One that `is_unpaddable`, in evaluation mode.
    """
    backbone: Any = tower.backbone
    return by_encoder(tower, kept(tower, ("unpadded", "bfloat16"), lambda: UnpaddedEncoder(backbone.encoder)))


class UnpaddedEncoder:
    """Computes what `Encoder` does, in bfloat16.

    Args:
        encoder: Its weights are copied.
    """

    def __init__(self, encoder: Encoder) -> None:
        with torch.no_grad():
            self.layers = [UnpaddedLayer(layer) for layer in cast("Iterable[Layer]", encoder.layer)]

    def __call__(self, hidden: Tensor, attended: Tensor | None) -> Tensor:
        """As `Encoder`; what it gives at the places of padding is 0."""
        length = hidden.shape[1]
        counted = hidden.new_ones(hidden.shape[:2], dtype=torch.bool) if attended is None else attended[:, 0, 0]
        tokens = Tokens(counted)
        starts = F.pad(counted.sum(1).cumsum(0), (1, 0)).int()  # (B + 1,)
        rows = tokens.collect(hidden).bfloat16()
        for layer in self.layers:
            rows = layer(rows, starts, length)
        return tokens.spread(rows.to(hidden.dtype))


class UnpaddedLayer:
    """Computes what `Layer` does, on rows that lie sentence after sentence."""

    def __init__(self, layer: Layer) -> None:
        self.heads = layer.attention.heads
        single = (layer.attention.output.dense, layer.intermediate[0], layer.output.dense)
        parts = [projections(layer), *map(dense, single)]
        self.project, self.mix, self.widen, self.narrow = ([w.bfloat16() for w in part] for part in parts)
        self.activate = layer.intermediate[1]
        self.norms = [norm(part.LayerNorm, torch.bfloat16) for part in (layer.attention.output, layer.output)]

    def __call__(self, rows: Tensor, starts: Tensor, longest: int) -> Tensor:
        """(N, D), where each sentence starts (B + 1,), and the most tokens of one -> (N, D)."""
        query, key, value = F.linear(rows, *self.project).unflatten(1, (3, self.heads, -1)).unbind(1)  # (N, heads, d)
        mixed = _attend(query, key, value, starts, starts, longest, longest).flatten(1)
        rows = F.layer_norm(F.linear(mixed, *self.mix) + rows, *self.norms[0])
        inner = self.activate(F.linear(rows, *self.widen))
        return F.layer_norm(F.linear(inner, *self.narrow) + rows, *self.norms[1])


def _attend(query: Tensor, key: Tensor, value: Tensor, *sentences: Any) -> Tensor:
    """Attention within each sentence: (N, heads, d) three times, starts and most tokens of each side -> the same."""
    from torch.nn.attention.varlen import varlen_attn

    return cast(Tensor, varlen_attn(query, key, value, *sentences))


def _has_kernel() -> bool:
    """Whether this torch has attention over sentences of different lengths, and nobody turned it off."""
    flash = torch.backends.cuda.is_flash_attention_available() and torch.backends.cuda.flash_sdp_enabled()
    return flash and find_spec("torch.nn.attention.varlen") is not None
