"""What a tracking network learns from pairs of exemplar and search crops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.distances import Distance
from twinnet.errors import TwinnetError
from twinnet.losses.base import Loss
from twinnet.supervision import Supervision
from twinnet.tracking.distance import ExemplarCosine
from twinnet.tracking.look import RECENT
from twinnet.tracking.protocol import target_places


class TrackingLoss(Loss):
    """Balanced logistic loss of the similarity map, IoU loss of the boxes, logistic loss of their quality.

    A place is positive if it lies within `radius` of the middle of the target (Bertinetto et al. 2016, eq. 4), and
    positives weigh as much as negatives. Boxes are regressed at positive places only (IoU loss, Yu et al. 2016,
    https://arxiv.org/abs/1608.01471), and the quality is their IoU there and 0 elsewhere.

    Args:
        distance: The network's distance.
        exemplar_size: The side of an exemplar crop, in pixels.
        radius: Of the positive places, in pixels of the search crop.

    Raises:
        TwinnetError: If the distance does not compare maps.
    """

    needs = frozenset({Supervision.LOCATED_PAIRS})
    joins_rows = False

    def __init__(self, distance: Distance | None = None, exemplar_size: int = 129, radius: float = 16.0) -> None:
        super().__init__()
        if not isinstance(distance, ExemplarCosine):
            raise TwinnetError(f"the tracking loss needs the distance 'exemplar-cosine', not {distance}")
        self.distance = distance
        self.exemplar_size = exemplar_size
        self.radius = radius

    def forward(self, columns: Sequence[Tensor], target: Tensor | None) -> Tensor:
        """Compute the loss of a batch.

        Args:
            columns: Exemplar maps (B, C, h, w), search maps (B, C, H, W), and maps of recent looks (B, C, h, w), which
                are a part of what is compared, as in a tracker with a memory.
            target: (B, 6): the target's box x, y, w, h in pixels of the search crop, with w = 0 where it is not there,
                and its width and height in the exemplar crop.

        Raises:
            TwinnetError: If there is no target.
        """
        first, search, recent = columns
        exemplar = first.lerp(recent, RECENT)
        if target is None:
            raise TwinnetError("the tracking loss needs to know where the targets are")
        box, size = target[:, :4], target[:, 4:]
        logits = self.distance.dense(exemplar, search)
        offset = self._offsets(logits, box, len(exemplar[0, 0]))  # (B, 2, H', W')
        positive = (offset.square().sum(1) <= self.radius**2) & (box[:, 2] > 0)[:, None, None]
        loss = balanced_logistic(logits, positive.to(logits.dtype), positive)
        if self.distance.box_head is None:
            return loss
        edges, quality = self.distance.predict(exemplar, search, size)
        half = box[:, 2:, None, None] / 2
        overlap = edge_iou(edges, torch.cat([half + offset, half - offset], 1))  # (B, H', W')
        loss = loss + balanced_logistic(quality, overlap.detach() * positive, positive)
        return loss + (1 - overlap[positive]).sum() / positive.sum().clamp_min(1)

    def _offsets(self, logits: Tensor, box: Tensor, cells: int) -> Tensor:
        """From the middle of the target to each place, in pixels: (B, 2, H', W')."""
        own = self.distance
        y, x = (
            torch.from_numpy(target_places(count, own.stride, self.exemplar_size, cells, own.kernel)).to(box)
            for count in logits.shape[1:]
        )
        middle = box[:, :2] + box[:, 2:] / 2  # (B, 2)
        places = torch.stack(torch.meshgrid(x, y, indexing="xy"))  # (2, H', W')
        return places[None] - middle[:, :, None, None]


def balanced_logistic(logits: Tensor, target: Tensor, positive: Tensor) -> Tensor:
    """The mean loss of positive places and that of the others, averaged: three tensors (B, H, W) to a scalar."""
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    means = [(losses * where).sum() / where.sum().clamp_min(1) for where in (positive, ~positive)]
    return (means[0] + means[1]) / 2


def edge_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of boxes given by their edges as seen from one place: (B, 4, ...), (B, 4, ...) -> (B, ...)."""
    shared = torch.minimum(a, b)
    common = (shared[:, 0] + shared[:, 2]).clamp_min(0) * (shared[:, 1] + shared[:, 3]).clamp_min(0)
    area_a = (a[:, 0] + a[:, 2]) * (a[:, 1] + a[:, 3])
    area_b = (b[:, 0] + b[:, 2]) * (b[:, 1] + b[:, 3])
    return common / (area_a + area_b - common).clamp_min(1e-6)
