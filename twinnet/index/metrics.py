"""Scores between blocks of embeddings, larger for closer."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.distances.hamming import signs
from twinnet.distances.minkowski import EXACT
from twinnet.embeddings import Embeddings
from twinnet.errors import unknown_name

# Columns of a product that stays in the processor's cache.
TILE = 512
# Metrics whose scores are products of rows.
PRODUCTS = ("cosine", "ip")


Scores = Callable[[Tensor, Tensor, Tensor], Tensor]


def _products(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    for tile, part in zip(out.split(TILE, dim=1), b.split(TILE), strict=True):
        torch.mm(a, part.T, out=tile)
    return out


# Metric -> what is done to each row once, and the scores (N, M) of two blocks of such rows, written into a third.
METRICS: dict[str, tuple[Callable[[Tensor], Tensor], Scores]] = {
    "cosine": (F.normalize, _products),
    "ip": (lambda rows: rows, _products),
    "l2": (lambda rows: rows, lambda a, b, out: torch.neg(torch.cdist(a, b, compute_mode=EXACT), out=out)),
    "l1": (lambda rows: rows, lambda a, b, out: torch.neg(torch.cdist(a, b, p=1), out=out)),
    "hamming": (signs, lambda a, b, out: _products(a, b, out).sub_(a.shape[1]).div_(2)),
}


def check_metric(metric: str) -> str:
    """The metric itself.

    Raises:
        TwinnetError: If it is unknown.
    """
    if metric not in METRICS:
        raise unknown_name("metric", metric, METRICS)
    return metric


def ready(rows: Embeddings, metric: str) -> Tensor:
    """Rows as `block_scores` takes them: (N, D) -> (N, D)."""
    return METRICS[check_metric(metric)][0](torch.from_numpy(rows))


def block_scores(a: Tensor, b: Tensor, metric: str, buffer: Tensor | None = None) -> Tensor:
    """Scores of all rows with all rows: (N, D), (M, D) -> (N, M).

    With a buffer of at least N * M elements they are written into it, for callers with many blocks: new memory for each
    would take as long as the products.
    """
    out = a.new_empty(len(a), len(b)) if buffer is None else buffer[: len(a) * len(b)].view(len(a), len(b))
    return METRICS[metric][1](a, b, out)
