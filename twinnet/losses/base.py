"""The loss contract."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from twinnet.component import Component
from twinnet.distances import Distance, Hamming
from twinnet.errors import TwinnetError
from twinnet.registry import distances
from twinnet.supervision import Supervision


class Loss(Component, nn.Module):
    """Turns the embeddings of a batch into one number to minimise.

    A constructor argument named `dim` (width of the embeddings) or `classes` (number of classes) is filled in by the
    trainer when it is not given, and one named `distance` that defaults to None becomes the network's distance.
    A loss may have weights: the trainer optimises and checkpoints them.

    Attributes:
        needs: The kinds of data it can learn from.
        joins_rows: Whether a row's loss depends on the other rows of the batch, so that rows of all processes must be
            joined before it is taken. Without, each process takes the loss of its own rows.
    """

    needs: frozenset[Supervision]
    joins_rows: ClassVar[bool] = True

    @abstractmethod
    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Compute the loss of a batch.

        Args:
            columns: The embeddings of each column of items, each (B, D): one column for labels, two for pairs,
                three or more for triplets.
            target: What the data says of each row (B,): float scores, or integer labels or classes; None where
                the columns say it all.

        Returns:
            A scalar.
        """


def resolve_distance(distance: str | Distance) -> Distance:
    """A distance from its name, or itself.

    Raises:
        TwinnetError: If it has no gradient, so that nothing could be learned with it.
    """
    found: Distance = distance if isinstance(distance, Distance) else distances.create(distance)
    if isinstance(found, Hamming):
        raise TwinnetError("distance 'hamming' has no gradient: train with another one and compare with this one")
    return found


def columns_of(columns: Sequence[Tensor], count: int, *, or_more: bool = False) -> list[Tensor]:
    """The columns a loss takes, in single precision at least, so that sums and logarithms keep their digits.

    Args:
        columns: The embeddings of each column of items, each (B, D).
        count: How many there must be.
        or_more: Whether there may be more.

    Raises:
        TwinnetError: If there are more or fewer, or they do not have the same shape.
    """
    if len(columns) < count or (len(columns) > count and not or_more):
        wanted = f"{count} or more columns" if or_more else f"{count} column{'s' * (count > 1)}"
        raise TwinnetError(f"this loss takes {wanted} of items, the batch has {len(columns)}")
    shapes = [tuple(column.shape) for column in columns]
    if len(shapes[0]) != 2 or len(set(shapes)) > 1:
        raise TwinnetError(f"the columns of a batch must all be (rows, width), not {', '.join(map(str, shapes))}")
    return [column.float() if column.dtype in {torch.float16, torch.bfloat16} else column for column in columns]


def target_of(target: Tensor | None, columns: Sequence[Tensor]) -> Tensor:
    """What the data says of each row (B,).

    Raises:
        TwinnetError: If it says nothing, or not one value a row.
    """
    if target is None:
        raise TwinnetError("this loss needs a label or score for each row, the batch has none")
    if tuple(target.shape) != (len(columns[0]),):
        raise TwinnetError(f"the batch has {len(columns[0])} rows, but labels or scores of shape {tuple(target.shape)}")
    return target.to(columns[0].device)


def no_loss(embeddings: Tensor) -> Tensor:
    """Zero, for a batch with nothing to compare; it can be differentiated like any other loss."""
    return embeddings.sum() * 0
