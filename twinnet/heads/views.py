"""One embedding of several views of an item."""

from __future__ import annotations

from twinnet.checks import check_count
from twinnet.features import Features
from twinnet.heads.base import HeadLayer


class Views(HeadLayer):
    """The mean over the views that the preprocess made of each item, which follow each other in a batch.

    Args:
        count: How many views V there are of each item.

    Raises:
        TwinnetError: If there is less than one.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        check_count(count, "count")
        self.count = count

    def forward(self, features: Features) -> Features:
        """(B * V, ...) -> (B, ...)."""
        return features.with_values(features.values.unflatten(0, (-1, self.count)).mean(1))
