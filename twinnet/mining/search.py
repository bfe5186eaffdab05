"""The closest rows of a corpus."""

from __future__ import annotations

from typing import Any

from twinnet.index.base import Ids, Index, Scores
from twinnet.index.exact import ExactIndex


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
    index = ExactIndex(metric)
    index.add(corpus)
    return index.search(queries, k)
