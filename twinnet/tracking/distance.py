"""How a tracking network compares an exemplar with a search map."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.distances.base import Distance, check_dense, cross_correlation
from twinnet.errors import TwinnetError
from twinnet.tracking.box_head import BoxHead
from twinnet.tracking.protocol import BoxMap

EPS = 1e-6


class ExemplarCosine(Distance):
    """The cosine between the middle of an exemplar and each window, with a learned weight for each cell, as log odds.

    The weights let the middle of the exemplar, which shows the target, count for more than its rim. The scale and the
    bias are SiamFC's adjust layer (Bertinetto et al. 2016, section 3.2).

    Args:
        channels: Channels C of the maps.
        kernel: How many cells of the exemplar, on each axis, are compared; flattened embeddings have C * kernel**2
            values.
        stride: Pixels for each cell.
        boxes: Whether a box is predicted at each place, by a `BoxHead`.
    """

    traceable = True
    higher_is_closer = True
    log_odds = True

    def __init__(self, channels: int, kernel: int = 7, stride: int = 8, boxes: bool = True) -> None:
        super().__init__()
        self.channels = channels
        self.kernel = kernel
        self.stride = stride
        self.raw_weight = nn.Parameter(torch.full((kernel, kernel), math.log(math.e - 1)))  # softplus of it is 1
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.tensor(-5.0))
        self.box_head = BoxHead(channels, stride) if boxes else None

    @property
    def weight(self) -> Tensor:
        """The non-negative weights (kernel, kernel)."""
        return F.softplus(self.raw_weight)

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return self._adjust((self._unit(a) * self._unit(b)).sum(1))

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return self._adjust(self._unit(a) @ self._unit(b).T)

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-k+1, W-k+1), where k is the kernel."""
        middle = self.middle(exemplar)
        check_dense(middle, search)
        unit = self._unit(middle.flatten(1)).view_as(middle)
        cells = search.square().sum(1, keepdim=True)  # (B, 1, H, W)
        energy = F.conv2d(cells, self.weight[None, None]).squeeze(1)
        return self._adjust(cross_correlation(unit * self.weight.sqrt(), search) / energy.clamp_min(EPS).sqrt())

    def aligned(self, a: Tensor, b: Tensor) -> Tensor:
        """An exemplar is compared with windows, never place by place.

        Raises:
            TwinnetError: Always.
        """
        del a, b
        raise TwinnetError("exemplar-cosine compares an exemplar with the windows of a search map: use score_map")

    def middle(self, exemplar: Tensor) -> Tensor:
        """The cells that are compared: (B, C, h, w) -> (B, C, k, k)."""
        top, left = ((length - self.kernel) // 2 for length in exemplar.shape[2:])
        return exemplar[:, :, top : top + self.kernel, left : left + self.kernel]

    def locate(self, exemplar: Tensor, search: Tensor, size: Tensor) -> BoxMap:
        """Find the target with its box.

        Args:
            exemplar: (B, C, h, w).
            search: (B, C, H, W).
            size: Width and height of the target in pixels of the exemplar crop (B, 2).

        Returns:
            Scores from 0 to 1 (B, H-k+1, W-k+1), and edges (B, 4, H-k+1, W-k+1).
        """
        edges, quality = self.predict(exemplar, search, size)
        score = (torch.sigmoid(self.dense(exemplar, search)) * torch.sigmoid(quality)).sqrt()
        return BoxMap(score, edges)

    def predict(self, exemplar: Tensor, search: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """Edges (B, 4, H-k+1, W-k+1) and the log odds of their quality (B, H-k+1, W-k+1); see `BoxHead`."""
        if self.box_head is None:
            raise TwinnetError("this network knows no boxes: it was made with boxes=False")
        edges, quality = self.box_head(exemplar, search, size)
        first = self.kernel // 2
        last = first + 1 - self.kernel
        rows, columns = slice(first, last or None), slice(first, last or None)
        return edges[:, :, rows, columns], quality[:, rows, columns]

    def _adjust(self, cosine: Tensor) -> Tensor:
        return self.log_scale.exp() * cosine + self.bias

    def _unit(self, flat: Tensor) -> Tensor:
        """Weighted and scaled to length 1: (B, C*k*k)."""
        cells = flat.unflatten(1, (self.channels, self.kernel, self.kernel)) * self.weight.sqrt()
        return F.normalize(cells.flatten(1), dim=1, eps=EPS)
