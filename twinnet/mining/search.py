"""The closest rows of a corpus."""

from __future__ import annotations

from typing import Any

import torch

from twinnet.embeddings import as_embeddings
from twinnet.index.base import Ids, Index, Scores
from twinnet.index.exact import ExactIndex
from twinnet.index.metrics import ready
from twinnet.index.rounding import can_screen, nearest


def search(queries: Any, corpus: Any, k: int = 10, metric: str = "cosine") -> tuple[Scores, Ids]:
    """Find the closest rows of each query.

    Args:
        queries: Embeddings (Q, D).
        corpus: Embeddings (N, D), or an index, whose own metric then counts.
        k: How many; all of them where the corpus holds fewer.
        metric: "cosine", "ip", "l2", "l1" or "hamming".

    Returns:
        Scores (Q, k), larger is closer, best first, and the rows (Q, k), or the ids of an index.
    """
    if isinstance(corpus, Index):
        return corpus.search(queries, k)
    rows = as_embeddings(corpus)
    asked = ready(as_embeddings(queries, rows.shape[1], "queries"), metric)
    if can_screen(metric, len(asked), len(rows), k):
        # An index would keep a scaled copy of all rows.
        found = nearest(asked, torch.from_numpy(rows), k, scaled=metric != "cosine")
        if found is not None:
            return found[0].numpy(), found[1].numpy()
    index = ExactIndex(metric)
    index.add(rows)
    return index.search(queries, k)
