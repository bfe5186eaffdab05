"""Where pytorch-metric-learning (2.9) gives no number, or another one than its papers, and what is done about it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from pytorch_metric_learning.distances import BaseDistance, CosineSimilarity, LpDistance, SNRDistance
from pytorch_metric_learning.reducers import BaseReducer, MeanReducer, ThresholdReducer
from torch import Tensor

from twinnet.errors import TwinnetError

EDGE = 1e-6


class InnerCosine(CosineSimilarity):
    """Cosine short of -1 and 1, where the arc cosine has no gradient and a histogram no bin."""

    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        values: Tensor = super().compute_mat(query_emb, ref_emb)
        return values.clamp(EDGE - 1, 1 - EDGE)


class InnerEuclidean(LpDistance):
    """Euclidean distance of unit vectors, below 2, where rounding may not leave the histogram."""

    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        values: Tensor = super().compute_mat(query_emb, ref_emb)
        return values.clamp_max(2 - EDGE)


class BoundedSNR(SNRDistance):
    """Variance of the difference over that of the anchor, also for an anchor without variance."""

    def compute_mat(self, query_emb: Tensor, ref_emb: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        noise = (query_emb[:, None] - ref_emb).var(2)  # (N, M)
        return noise / query_emb.var(1).clamp_min(EDGE)[:, None]


DISTANCES: dict[str, type[BaseDistance]] = {
    "DynamicSoftMarginLoss": InnerEuclidean,
    "HistogramLoss": InnerCosine,
    "SignalToNoiseRatioContrastiveLoss": BoundedSNR,
    "SmoothAPLoss": CosineSimilarity,  # also called on a stack of batches
    "TupletMarginLoss": InnerCosine,
}

# A zero of a hinge is a satisfied pair or triplet: it counts in the papers' mean, the library's default leaves it out.
REDUCERS: dict[str, Callable[[], BaseReducer]] = {
    "ContrastiveLoss": MeanReducer,
    "NCALoss": partial(ThresholdReducer, low=-math.inf),  # the mean of all, and zero if there is none
    "ProxyNCALoss": partial(ThresholdReducer, low=-math.inf),
    "SignalToNoiseRatioContrastiveLoss": MeanReducer,
    "TripletMarginLoss": MeanReducer,
}


def keep_state(name: str, loss: Any) -> None:
    """Make state that is no weight a buffer, so that it is checkpointed."""
    if name == "DynamicSoftMarginLoss":
        del loss.hist_
        loss.register_buffer("hist_", torch.zeros(loss.num_bins + 1))  # one edge more than bins


def forget_graph(name: str, loss: Any) -> None:
    """Cut the state from the batch that changed it, or the next backward pass would run through both."""
    if name == "DynamicSoftMarginLoss":
        loss.hist_ = loss.hist_.detach()


def arranged(name: str, items: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The labelled items as the loss must see them.

    Raises:
        TwinnetError: If it cannot learn from a batch with such labels.
    """
    if name == "P2SGradLoss":  # divides by the norm
        return torch.where(items.any(1, keepdim=True), items, EDGE), labels
    return _square(items, labels) if name == "SmoothAPLoss" else (items, labels)


def _square(items: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Sort by label; the library mistakes the number of classes for the number of items of each."""
    labels, order = labels.sort(stable=True)
    sizes = labels.unique(return_counts=True)[1]
    if not bool((sizes == len(sizes)).all()):
        raise TwinnetError(
            f"the batch has {len(sizes)} classes with {sizes.tolist()} items: it must have as many items of each class "
            "as it has classes"
        )
    return items[order], labels
