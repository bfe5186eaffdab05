"""BERT's layers for the matrix units of x86 processors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.acceleration.keeping import kept
from twinnet.acceleration.plain_bert import Dense, activation, by_encoder, dense, is_plain_bert, norm, projections
from twinnet.acceleration.processor import X86_BFLOAT16, has_instructions
from twinnet.acceleration.products import Int8Linear, Linear
from twinnet.acceleration.ranges import ActivationRanges, required_ranges
from twinnet.backbones.bert import Encoder, Layer
from twinnet.errors import TwinnetError
from twinnet.features import Batch
from twinnet.tower import Tower

# Instruction sets of which one is needed.
NEEDED = {
    "float32": ("avx512_f",),
    "bfloat16": X86_BFLOAT16,
    "int8": ("avx512_vnni", "avx_vnni", "amx_int8"),
}
# Up to this many tokens the explicit softmax is faster than torch's attention, whose vectors are longer than its rows.
SHORT = 24
# What goes from layer to layer.
FLOATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.float32}
# Layers with an input of their own.
ROUNDED = ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")


def is_packable(tower: Tower, precision: str) -> bool:
    """Whether this processor computes a tower so: a BERT encoder without anything added to it."""
    return tower.device.type == "cpu" and _can_compute(precision) and is_plain_bert(tower)


def packed(tower: Tower, precision: str) -> Callable[[Batch], Tensor]:
    """What a tower computes, by another encoder of the same weights: takes a batch to (B, D), float32.

    Args:
        tower: One that `is_packable`, in evaluation mode.
        precision: "float32", "bfloat16" or "int8".

    Raises:
        TwinnetError: If it is "int8" and the tower has no ranges, or those of another network.
    """
    backbone: Any = tower.backbone
    ranges = required_ranges(tower) if precision == "int8" else None
    # To round attention's inputs takes longer than bfloat16 products do.
    attention = "bfloat16" if precision == "int8" and _can_compute("bfloat16") else precision

    def make() -> PackedEncoder:
        return PackedEncoder(backbone.encoder, attention, precision, ranges)

    return by_encoder(tower, kept(tower, ("packed", precision), make))


class PackedEncoder:
    """Computes what `Encoder` does.

    Args:
        encoder: Its weights are copied.
        attention: The precision of the linear layers around attention.
        inner: That of the others.
        ranges: Those of a tower with this encoder, where one of them is "int8".
    """

    def __init__(self, encoder: Encoder, attention: str, inner: str, ranges: ActivationRanges | None) -> None:
        self.dtype = FLOATS[inner]
        with torch.no_grad():
            self.layers = [
                PackedLayer(layer, attention, inner, {} if ranges is None else _of_layer(ranges, number))
                for number, layer in enumerate(cast("Iterable[Layer]", encoder.layer))
            ]

    def __call__(self, hidden: Tensor, attended: Tensor | None) -> Tensor:
        """As `Encoder`."""
        batch, length, _ = hidden.shape
        count = batch * length
        if count == 0:
            return hidden
        rows = F.pad(hidden.to(self.dtype).flatten(0, 1), (0, 0, 0, _padding(count)))  # (N, D)
        if attended is not None and attended.all():
            attended = None
        for layer in self.layers:
            rows = layer(rows, (batch, length), attended)
        return rows[:count].float().view(hidden.shape)


class PackedLayer:
    """Computes what `Layer` does, on the tokens of all sentences in one matrix."""

    project: Linear | Int8Linear
    mix: Linear | Int8Linear
    widen: Linear | Int8Linear
    narrow: Linear | Int8Linear

    def __init__(self, layer: Layer, attention: str, inner: str, ranges: dict[str, Tensor]) -> None:
        self.heads = layer.attention.heads
        self.norms = [norm(part.LayerNorm, FLOATS[inner]) for part in (layer.attention.output, layer.output)]
        self._pack_attention(_scaled_projections(layer), dense(layer.attention.output.dense), attention, ranges)
        wide, narrow = dense(layer.intermediate[0]), dense(layer.output.dense)
        self._pack_inner(wide, narrow, activation(layer), inner, ranges)

    def _pack_attention(self, projections: Dense, mixed: Dense, precision: str, ranges: dict[str, Tensor]) -> None:
        if precision == "int8":
            self.project = Int8Linear(*projections, ranges["attention.self.query"], torch.float32)
            self.mix = Int8Linear(*mixed, ranges["attention.output.dense"], torch.float32)
        else:
            self.project, self.mix = Linear(*projections, FLOATS[precision]), Linear(*mixed, FLOATS[precision])

    def _pack_inner(self, wide: Dense, narrow: Dense, activate: str, precision: str, ranges: dict[str, Tensor]) -> None:
        if precision == "int8":
            # The widest numbers never leave eight bits: to make them even would take a pass over them.
            self.narrow = Int8Linear(*narrow, ranges["output.dense"], torch.float32, rounds=False)
            self.widen = Int8Linear(*wide, ranges["intermediate.dense"], self.narrow.levels, activate)
        else:
            self.widen, self.narrow = Linear(*wide, FLOATS[precision], activate), Linear(*narrow, FLOATS[precision])

    def __call__(self, rows: Tensor, shape: tuple[int, int], attended: Tensor | None) -> Tensor:
        """(N >= B * T, D), (B, T) and where each token may look (B, 1, 1, T) -> (N, D)."""
        mixed = attend(self.project(rows), shape, self.heads, attended)
        rows = F.layer_norm(self.mix.add_to(rows, mixed), *self.norms[0])
        return F.layer_norm(self.narrow.add_to(rows, self.widen(rows)), *self.norms[1])


def attend(projected: Tensor, shape: tuple[int, int], heads: int, attended: Tensor | None) -> Tensor:
    """Attention of scaled queries, keys and values that lie side by side.

    Args:
        projected: (N, 3 * D), of which the first B * T count.
        shape: (B, T).
        heads: How many there are.
        attended: Where each token may look (B, 1, 1, T), or None for everywhere.

    Returns:
        (N, D), 0 from B * T on.
    """
    batch, length = shape
    count = batch * length
    parts = projected[:count].view(batch, length, 3, heads, -1).permute(2, 0, 3, 1, 4)  # (3, B, heads, T, d)
    if length > SHORT:
        mixed = F.scaled_dot_product_attention(parts[0], parts[1], parts[2], attended, scale=1.0)
    else:
        query, key, value = parts.contiguous().flatten(1, 2)  # (B * heads, T, d)
        scores = torch.bmm(query, key.transpose(1, 2)).float().view(batch, heads, length, length)
        if attended is not None:
            scores.masked_fill_(~attended, torch.finfo(scores.dtype).min)  # finite where a text has no token
        scores = scores.sub_(scores.amax(-1, keepdim=True)).exp_()
        scores = scores.div_(scores.sum(-1, keepdim=True)).to(value.dtype)
        mixed = torch.bmm(scores.flatten(0, 1), value).view(batch, heads, length, -1)
    result = projected.new_zeros(len(projected), projected.shape[1] // 3)
    result[:count].view(batch, length, heads, -1).copy_(mixed.transpose(1, 2))
    return result


def _padding(count: int) -> int:
    """How many rows to add, so that oneDNN sees few sizes: it writes new machine code for each."""
    return -count % (256 if count > 256 else 16)


def _scaled_projections(layer: Layer) -> Dense:
    """As `projections`, with the queries scaled."""
    weight, bias = projections(layer)
    width = len(weight) // 3
    for part in (weight, bias):
        part[:width] *= (width // layer.attention.heads) ** -0.5
    return weight, bias


def _of_layer(ranges: ActivationRanges, number: int) -> dict[str, Tensor]:
    """The ranges of a layer by the names of `ROUNDED`."""
    prefix = f"backbone.encoder.layer.{number}."
    if missing := [prefix + name for name in ROUNDED if prefix + name not in ranges.ranges]:
        raise TwinnetError(f"the int8 ranges lack {missing[0]!r} of this network: calibrate again")
    return {name: ranges.ranges[prefix + name] for name in ROUNDED}


@cache
def _can_compute(precision: str) -> bool:
    """Whether this processor has the instructions, and this torch the operations."""
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise") and hasattr(torch.ops.onednn, "qlinear_pointwise")
    return known and has_instructions(NEEDED[precision])
