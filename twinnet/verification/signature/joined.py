"""Two ways to look at a signature, in one embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features
from twinnet.registry import backbones, heads
from twinnet.tower import Tower


class JoinedBackbone(Backbone):
    """Several backbones with their heads, whose embeddings of unit length stand beside each other.

    The cosine of two joined embeddings is the mean of the parts' cosines by their weights.

    Args:
        parts: For each one its "backbone", its "head" and its "weight" (1 unless given).

    Raises:
        TwinnetError: If there are no parts, or a weight is not positive.
    """

    def __init__(self, parts: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        shares = torch.tensor([float(part.get("weight", 1.0)) for part in parts])
        if not len(shares) or not bool((shares > 0).all()):
            raise TwinnetError("joined backbones take one part or more, with weights above 0")
        self.towers = nn.ModuleList(Tower(part["backbone"], part.get("head")) for part in parts)
        self.factors = (shares / shares.sum()).sqrt().tolist()
        self.shares = shares.tolist()
        self.width = sum(tower.width for tower in self.parts)

    @property
    def parts(self) -> list[Tower]:
        """The towers of the parts."""
        return [tower for tower in self.towers if isinstance(tower, Tower)]

    @property
    def config(self) -> dict[str, Any]:
        """The parts as they are now; a saved network brings its own weights."""
        parts = [
            {
                "backbone": backbones.spec_of(tower.backbone),
                "head": [heads.spec_of(layer) for layer in tower.head],
                "weight": share,
            }
            for tower, share in zip(self.parts, self.shares, strict=True)
        ]
        return {"parts": parts}

    def forward(self, batch: Batch) -> Features:
        """A batch to vectors (B, D) of unit length."""
        parts = [factor * F.normalize(tower(batch)) for factor, tower in zip(self.factors, self.parts, strict=True)]
        return Features(torch.cat(parts, dim=1))
