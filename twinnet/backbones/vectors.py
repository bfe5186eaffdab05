"""Vectors that are embeddings already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinnet.backbones.base import Backbone
from twinnet.features import Batch, Features


class Vectors(Backbone):
    """Passes vectors on, so that a head or a distance is trained on what a frozen network has embedded once.

    The items are vectors (D,), such as the rows that `encode` gave. What was trained on them is then put behind the
    network that made them: `network.distance = trained.distance`, or a head layer at the end of its head.

    Args:
        width: Their width D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def default_preprocess(self) -> Mapping[str, Any]:
        return {"name": "vectors", "width": self.width}

    def forward(self, batch: Batch) -> Features:
        """(B, D) -> (B, D)."""
        return Features(batch["vectors"])
