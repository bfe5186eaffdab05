"""Semantic de-duplication."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from twinnet.checks import check_score
from twinnet.embeddings import as_embeddings
from twinnet.index.metrics import block_scores, ready

ROWS = 256


class Deduplication(NamedTuple):
    """What is left.

    Attributes:
        kept: The rows that stay (K,), in order.
        representative: For every row (N,) the kept row that stands for it: itself if it is kept.
    """

    kept: npt.NDArray[np.int64]
    representative: npt.NDArray[np.int64]


def deduplicate(embeddings: Any, threshold: float = 0.95, metric: str = "cosine") -> Deduplication:
    """Drop every row that is too close to a row kept before it.

    Args:
        embeddings: Rows (N, D).
        threshold: The score from which two rows count as the same.
        metric: "cosine", "ip", "l2", "l1" or "hamming".

    Returns:
        The kept rows, and for every row the closest kept one before it.
    """
    check_score(threshold)
    rows = ready(as_embeddings(embeddings), metric)
    representative = torch.arange(len(rows))
    kept = torch.empty(0, dtype=torch.long)
    for start in range(0, len(rows), ROWS):
        block = rows[start : start + ROWS]
        nearest_score = torch.full((len(block),), -torch.inf)
        nearest = torch.zeros(len(block), dtype=torch.long)
        for part in kept.split(1 << 16) if len(kept) else ():
            values, columns = block_scores(block, rows[part], metric).max(1)
            closer = values > nearest_score
            nearest_score[closer], nearest[closer] = values[closer], part[columns[closer]]
        within = block_scores(block, block, metric)
        further: list[int] = []
        for i in range(len(block)):
            if nearest_score[i] >= threshold:
                representative[start + i] = nearest[i]
                continue
            further.append(start + i)
            closer = within[:, i] > nearest_score
            closer[: i + 1] = False
            nearest_score[closer], nearest[closer] = within[closer, i], start + i
        kept = torch.cat([kept, torch.tensor(further, dtype=torch.long)])
    return Deduplication(kept.numpy(), representative.numpy())
