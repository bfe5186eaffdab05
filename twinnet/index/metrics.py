"""Scores between blocks of embeddings, larger for closer."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.distances.hamming import signs
from twinnet.embeddings import Embeddings
from twinnet.errors import unknown_name

EXACT = "donot_use_mm_for_euclid_dist"


# Metric -> what is done to each row once, and the scores (N, M) of two blocks of such rows.
METRICS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "cosine": (F.normalize, lambda a, b: a @ b.T),
    "ip": (lambda rows: rows, lambda a, b: a @ b.T),
    "l2": (lambda rows: rows, lambda a, b: -torch.cdist(a, b, compute_mode=EXACT)),
    "l1": (lambda rows: rows, lambda a, b: -torch.cdist(a, b, p=1)),
    "hamming": (signs, lambda a, b: (a @ b.T - a.shape[1]) / 2),
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


def block_scores(a: Tensor, b: Tensor, metric: str) -> Tensor:
    """Scores of all rows with all rows: (N, D), (M, D) -> (N, M)."""
    return METRICS[metric][1](a, b)
