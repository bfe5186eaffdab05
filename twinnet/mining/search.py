"""The closest rows of a corpus."""

from __future__ import annotations

from typing import Any

import torch

from twinnet.checks import check_count
from twinnet.embeddings import Embeddings, as_embeddings, as_table
from twinnet.index.base import Ids, Index, Scores
from twinnet.index.exact import ExactIndex
from twinnet.index.metrics import ready
from twinnet.index.rounding import can_search, search_rounded


def search(queries: Any, corpus: Any, k: int = 10, metric: str = "cosine") -> tuple[Scores, Ids]:
    """Find the closest rows of each query.

    Args:
        queries: Embeddings (Q, D).
        corpus: Embeddings (N, D), or an index, whose own metric then counts.
        k: How many; all of them where the corpus holds fewer.
        metric: "cosine", "ip", "l2", "l1" or "hamming".

    Returns:
        Scores (Q, k), larger is closer, best first, and the rows (Q, k), or the ids of an index.

    Raises:
        TwinnetError: If `k` is no whole number of 1 or more, the metric is unknown, or the widths differ.
    """
    check_count(k)
    if isinstance(corpus, Index):
        return corpus.search(queries, k)
    rows, table = as_table(corpus), as_table(queries, name="queries")
    if not can_search(metric, len(table), len(rows), k):
        return _indexed(rows, metric).search(table, k)
    asked = ready(as_embeddings(table, rows.shape[1], "queries"), metric)
    # Before there is an index, which would keep a scaled copy of all rows.
    found = search_rounded(asked, torch.from_numpy(rows), k, normalize=metric == "cosine")
    scores, positions = found or _indexed(rows, metric).search_all(asked, k)
    return scores.numpy(), positions.numpy()


def _indexed(rows: Embeddings, metric: str) -> ExactIndex:
    index = ExactIndex(metric)
    index.add(rows)
    return index
