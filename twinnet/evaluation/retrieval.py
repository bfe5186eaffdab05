"""Retrieval: are the relevant documents at the top?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError

Gains = Mapping[Any, float]
Floats = npt.NDArray[np.float64]


def retrieval(rankings: Sequence[Sequence[Any]], relevance: Sequence[Gains], k: int = 10) -> dict[str, float]:
    """Mean figures over queries.

    Args:
        rankings: For each query the documents found, best first.
        relevance: For each query the gain of each relevant document; what is not named has none. Gains count as they
            are in nDCG (Jarvelin and Kekalainen 2002); the other figures only ask whether there is one.
        k: How far down the ranking counts. For `recall@100`, ask with k=100.

    Returns:
        `queries`, `ndcg@k`, `recall@k`, `precision@k`, `mrr@k` and `map@k`.

    Raises:
        TwinnetError: If there are no queries, or a query has no relevant document.
    """
    each = per_query(rankings, relevance, k)
    return {"queries": len(rankings)} | {name: float(values.mean()) for name, values in each.items()}


def per_query(rankings: Sequence[Sequence[Any]], relevance: Sequence[Gains], k: int = 10) -> dict[str, Floats]:
    """The figures of each query, to compare two systems on the same queries; see `retrieval`.

    Returns:
        `ndcg@k`, `recall@k`, `precision@k`, `mrr@k` and `map@k`, each (queries,).

    Raises:
        TwinnetError: If there are no queries, or a query has no relevant document.
    """
    if len(rankings) != len(relevance) or not rankings:
        raise TwinnetError(f"{len(rankings)} rankings and {len(relevance)} lists of relevant documents: one each")
    for number, gains in enumerate(relevance):
        if not any(gain > 0 for gain in gains.values()):
            raise TwinnetError(f"query {number} has no relevant document: leave it out")
    each = [_one_query(ranking[:k], gains, k) for ranking, gains in zip(rankings, relevance, strict=True)]
    names = ("ndcg", "recall", "precision", "mrr", "map")
    return {f"{name}@{k}": values for name, values in zip(names, np.array(each).T, strict=True)}


def _one_query(ranking: Sequence[Any], gains: Gains, k: int) -> tuple[float, float, float, float, float]:
    found = np.array([gains.get(document, 0.0) for document in ranking])
    ideal = np.array(sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:k])
    relevant = sum(gain > 0 for gain in gains.values())
    hits = found > 0
    ranks = np.arange(1, len(found) + 1)
    precision_at_hits = (np.cumsum(hits) / ranks)[hits]
    return (
        _dcg(found) / _dcg(ideal),
        float(hits.sum() / relevant),
        float(hits.sum() / k),
        float(1 / ranks[hits][0]) if hits.any() else 0.0,
        float(precision_at_hits.sum() / min(relevant, k)),
    )


def _dcg(gains: Any) -> float:
    return float((gains / np.log2(np.arange(2, len(gains) + 2))).sum())
