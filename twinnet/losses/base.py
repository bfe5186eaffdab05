"""The loss contract."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from twinnet.component import Component
from twinnet.distances import Distance
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
    """

    needs: ClassVar[frozenset[Supervision]]

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
    """A distance from its name, or itself."""
    return distance if isinstance(distance, Distance) else distances.create(distance)


def columns_of(columns: Sequence[Tensor], count: int) -> list[Tensor]:
    """Exactly `count` columns.

    Raises:
        TwinnetError: If there are more or fewer.
    """
    if len(columns) != count:
        raise TwinnetError(f"this loss takes {count} columns of items, the batch has {len(columns)}")
    return list(columns)
