"""What a network learns from two pictures and a mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from twinnet import TwinnetError
from twinnet.distances import Distance
from twinnet.losses import Loss
from twinnet.supervision import Supervision


class AlignedLogistic(Loss):
    """Binary cross entropy at every place of two aligned pictures.

    Args:
        distance: The network's distance, which has to give log odds.
        weight: How often a place that changed counts. They are few, and so the paper weights them too; with a weight w
            the log odds are below 0 where a change has a probability above 1 / (1 + w).

    Raises:
        TwinnetError: If it gives something else.
    """

    needs = frozenset({Supervision.ALIGNED_PAIRS})
    joins_rows = False

    def __init__(self, distance: Distance | None = None, weight: float = 2.0) -> None:
        super().__init__()
        if distance is None or not getattr(distance, "log_odds", False):
            raise TwinnetError(
                f"the loss needs a distance that gives log odds, as fc-siam and place-odds, not {distance}"
            )
        self.distance = distance
        self.weight = weight

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Compute the loss of a batch.

        Args:
            columns: The maps of both sides (B, C, h, w).
            target: Where they show the same, 1, and where not, 0 (B, H, W).
        """
        logits = self.distance.aligned(*columns)
        if target is None or target.shape != logits.shape:
            raise TwinnetError(f"a mask of {tuple(logits.shape)} is needed, one value for each place")
        weights = target + self.weight * (1 - target)
        return F.binary_cross_entropy_with_logits(logits, target, weights)
