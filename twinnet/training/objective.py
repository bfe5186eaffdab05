"""A network and a loss as one module: prepared columns in, loss out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from twinnet.batching import plan_batches
from twinnet.data.examples import Examples
from twinnet.distances.base import at_least_single
from twinnet.encoder import Side
from twinnet.errors import TwinnetError
from twinnet.losses.base import Loss
from twinnet.losses.making import make_loss
from twinnet.network import TwinNetwork
from twinnet.preprocess import Prepared
from twinnet.registry import losses
from twinnet.supervision import Supervision
from twinnet.tower import Tower
from twinnet.training.gather import gather_rows

# A backward pass costs so much that padding is dearer than in encoding, but each group has a price of its own too.
PADDING_SHARE = 0.5
# Where padding is only in attention.
UNPADDED_SHARE = 2.0


class Objective(nn.Module):
    """Embeds all columns of a batch, both twins in one forward, joins the rows of all processes, and takes the loss.

    Args:
        network: The network.
        loss: The loss.
    """

    def __init__(self, network: TwinNetwork, loss: Loss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss

    def forward(self, columns: Sequence[Sequence[Prepared]], target: Tensor | None) -> Tensor:
        """The loss of a batch.

        Args:
            columns: The prepared items of each column; the first is the left side, the others are the right side.
            target: What the data says of each row (B,).
        """
        join = gather_rows if self.loss.joins_rows else lambda rows: rows
        device = self.network.device
        embedded = [join(at_least_single(column)[0].to(device)) for column in self._embed(columns)]
        if torch.is_grad_enabled():
            # A loss of zero is made of the rows, which ask for no gradient where only the distance is trained.
            embedded = [column.requires_grad_() for column in embedded]
        gathered = None if target is None else join(target)
        with torch.autocast(embedded[0].device.type, enabled=False):
            loss: Tensor = self.loss(embedded, gathered)
        return loss

    def _embed(self, columns: Sequence[Sequence[Prepared]]) -> list[Tensor]:
        if self.network.other is None:
            return _embed_together(self.network.tower, columns)
        return [
            *_embed_together(self.network.side("left"), columns[:1]),
            *_embed_together(self.network.side("right"), columns[1:]),
        ]


def _embed_together(tower: Tower, columns: Sequence[Sequence[Prepared]]) -> list[Tensor]:
    """Embed columns in one forward, or in one for each length where the items differ much in length."""
    items = [item for column in columns for item in column]
    if not items:
        return []
    rows: dict[int, Tensor] = {}
    for group in plan_batches([item.cost for item in items], None, _padding_share(tower)):
        rows |= zip(group, tower.embed([items[i] for i in group]), strict=True)
    ordered = iter(rows[i] for i in range(len(items)))
    return [torch.stack([next(ordered) for _ in column]) for column in columns]


def _padding_share(tower: Tower) -> float:
    """What padding may add to a group."""
    if not tower.reader().pads:
        return 0.0
    if any(isinstance(module, _BatchNorm) and module.training for module in tower.modules()):
        return math.inf  # it normalises over the batch, and not over those of one length
    return UNPADDED_SHARE if tower.backbone.unpads and tower.device.type == "cpu" else PADDING_SHARE


def sides(network: TwinNetwork, columns: int) -> list[Side]:
    """The side that each column of a batch belongs to."""
    return ["left" if column == 0 or network.other is None else "right" for column in range(columns)]


def build_loss(spec: str | Mapping[str, Any] | Loss, network: TwinNetwork, examples: Examples) -> Loss:
    """A loss from its name, told the width, the classes and the distance where it asks for them.

    Raises:
        TwinnetError: If it is unknown, or cannot learn from these examples.
    """
    if not isinstance(spec, Loss):
        # Before it is made: what it would miss in the wrong kind of data makes a worse message.
        kind = losses.named(spec)
        _check_needs(kind, kind.needs, examples)
        classes = len(examples.classes) if examples.classes else None
        spec = make_loss(spec, network.distance, network.tower.width, classes)
    _check_needs(type(spec), spec.needs, examples)
    return spec


def _check_needs(kind: type[Loss], needs: frozenset[Supervision], examples: Examples) -> None:
    if examples.supervision not in needs:
        wanted = "; ".join(sorted(need.value for need in needs))
        raise TwinnetError(
            f"{kind.__name__} learns from {wanted}. These examples are {examples.supervision.value}: choose "
            "another loss"
        )
