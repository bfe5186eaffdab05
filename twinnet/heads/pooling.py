"""Pooling: a sequence or a map becomes one vector."""

from __future__ import annotations

import torch
from torch import Tensor

from twinnet.errors import TwinnetError, unknown_name
from twinnet.features import Features
from twinnet.heads.base import HeadLayer

MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


class Pooling(HeadLayer):
    """Pools the positions of a sequence, or the places of a map, into one vector (B, D).

    The modes carry the names that sentence-transformers gives them: "mean", "cls" (the first position), "max",
    "mean_sqrt_len_tokens" (the sum over the root of the length), "weightedmean" (position i weighs i + 1, Muennighoff
    2022) and "lasttoken". Several modes are concatenated.

    Args:
        mode: A mode or several.
        include_prompt: Whether positions of the prompt count.

    Raises:
        TwinnetError: If a mode is unknown.
    """

    def __init__(self, mode: str | list[str] = "mean", include_prompt: bool = True) -> None:
        super().__init__()
        self.modes = [mode] if isinstance(mode, str) else list(mode)
        for name in self.modes:
            if name not in MODES:
                raise unknown_name("pooling mode", name, MODES)
        self.include_prompt = include_prompt

    def out_width(self, width: int) -> int:
        """One `width` for each mode."""
        return width * len(self.modes)

    def forward(self, features: Features) -> Features:
        """(B, T, D) or (B, C, H, W) -> (B, D * modes)."""
        values, mask = as_sequence(features)
        if not self.include_prompt and features.prefix:
            mask = mask.clone()
            mask[:, : features.prefix] = 0
        return Features(torch.cat([_pool(mode, values, mask) for mode in self.modes], dim=-1))


def as_sequence(features: Features) -> tuple[Tensor, Tensor]:
    """The positions of a sequence, or the places of a map, (B, T, D), and which of them count (B, T).

    Raises:
        TwinnetError: If the features are vectors.
    """
    if features.kind == "vector":
        raise TwinnetError("pooling needs a sequence or a map, the backbone gives vectors: drop the pooling layer")
    values = features.values.flatten(2).transpose(1, 2) if features.kind == "map" else features.values  # (B, T, D)
    mask = features.mask if features.mask is not None else values.new_ones(values.shape[:2])
    return values, mask.to(values.dtype)


def _pool(mode: str, values: Tensor, mask: Tensor) -> Tensor:
    rows = torch.arange(len(values), device=values.device)
    positions = torch.arange(1, values.shape[1] + 1, device=values.device)
    if mode == "cls":
        return values[rows, (mask > 0).int().argmax(1)]
    if mode == "lasttoken":
        return values[rows, ((mask > 0) * positions).argmax(1)]
    if mode == "max":
        return values.masked_fill(mask[:, :, None] == 0, -torch.inf).amax(1)
    weight = mask.float() * positions if mode == "weightedmean" else mask.float()  # (B, T)
    total = (values.float() * weight[:, :, None]).sum(1)  # (B, D)
    length = weight.sum(1, keepdim=True).clamp_min(1e-9)
    pooled = total / (length.sqrt() if mode == "mean_sqrt_len_tokens" else length)
    return pooled.to(values.dtype)
