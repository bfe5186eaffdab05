"""A new backbone: byte histograms, in twenty lines. It is trained, saved and loaded like any other.

    python examples/plugin.py

In a package of its own, an entry point takes the place of the decorator:

    [project.entry-points."twinnet.backbones"]
    byte-histogram = "my_package:ByteHistogram"
"""

import tempfile
from pathlib import Path

import torch
from torch import nn

import twinnet
from twinnet.backbones import Backbone
from twinnet.features import Batch, Features
from twinnet.preprocess import Prepared, Preprocess
from twinnet.registry import backbones, preprocesses


@preprocesses.register("bytes")
class Bytes(Preprocess):
    """Counts the bytes of strings."""

    budget = {"cpu": 4096}  # noqa: RUF012

    def prepare(self, items: list[str]) -> list[Prepared]:
        """Count."""
        return [Prepared(torch.bincount(torch.tensor(list(item.encode())), minlength=256), 1) for item in items]

    def collate(self, prepared: list[Prepared]) -> Batch:
        """(B, 256)."""
        return {"counts": torch.stack([item.data for item in prepared]).float()}


@backbones.register("byte-histogram")
class ByteHistogram(Backbone):
    """A linear layer over byte counts."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width
        self.layer = nn.Linear(256, width)

    def forward(self, batch: Batch) -> Features:
        """(B, 256) -> (B, width)."""
        return Features(self.layer(batch["counts"]))

    def default_preprocess(self) -> dict[str, str]:
        """Bytes."""
        return {"name": "bytes"}


net = twinnet.TwinNetwork("byte-histogram", distance="euclidean")
words = ["listen", "silent", "enlist", "garden"]
print(net.similarity(words, words).round(2))
with tempfile.TemporaryDirectory() as folder:
    again = twinnet.load(net.save(Path(folder) / "net"))
    print("loaded:", again.score("listen", "silent"))
