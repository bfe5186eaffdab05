"""Groups of similar rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from twinnet.checks import check_count, check_score
from twinnet.embeddings import as_embeddings
from twinnet.errors import TwinnetError
from twinnet.index.metrics import block_scores, ready

# Scores that are held at once.
BLOCK = 1 << 24


def communities(
    embeddings: Any, threshold: float = 0.75, min_size: int = 10, metric: str = "cosine"
) -> list[npt.NDArray[np.int64]]:
    """Groups around a centre: every member is at least `threshold` close to it.

    The fast community detection of sentence-transformers: the rows with most neighbours are centres first, and a row
    belongs to one community at most, so that a centre may itself be in one that was found before. Two passes over the
    similarities keep memory bounded.

    Args:
        embeddings: Rows (N, D).
        threshold: The least score between a member and the centre.
        min_size: The least size of a community.
        metric: "cosine", "ip", "l2", "l1" or "hamming".

    Returns:
        For each community its rows, by closeness to the centre; the largest community first.

    Raises:
        TwinnetError: If `min_size` is no whole number of 1 or more, or the threshold is no number.
    """
    check_score(threshold)
    check_count(min_size, "min_size")
    rows = ready(as_embeddings(embeddings), metric)
    sizes = _neighbour_counts(rows, threshold, metric)
    centres = torch.argsort(sizes, descending=True, stable=True)
    centres = centres[sizes[centres] >= min_size]
    taken = torch.zeros(len(rows), dtype=torch.bool)
    found: list[npt.NDArray[np.int64]] = []
    for block in centres.split(max(1, BLOCK // max(1, len(rows)))):
        for scores in block_scores(rows[block], rows, metric):
            members = torch.nonzero((scores >= threshold) & ~taken)[:, 0]
            if len(members) >= min_size:
                order = scores[members].argsort(descending=True, stable=True)
                taken[members] = True
                found.append(members[order].numpy())
    return sorted(found, key=len, reverse=True)


def _neighbour_counts(rows: Tensor, threshold: float, metric: str) -> Tensor:
    size = max(1, BLOCK // max(1, len(rows)))
    counts = [(block_scores(block, rows, metric) >= threshold).sum(1) for block in rows.split(size) if len(block)]
    return torch.cat(counts) if counts else torch.empty(0, dtype=torch.long)


def agglomerate(
    embeddings: Any, *, clusters: int | None = None, threshold: float | None = None, metric: str = "cosine"
) -> npt.NDArray[np.int64]:
    """Agglomerative clustering by average score, through scikit-learn. Memory is quadratic in the rows.

    Args:
        embeddings: Rows (N, D).
        clusters: How many clusters.
        threshold: Or: clusters are joined as long as their average score is at least this.
        metric: "cosine", "ip", "l2", "l1" or "hamming".

    Returns:
        The cluster of each row (N,), numbered by first appearance.

    Raises:
        TwinnetError: If not exactly one of `clusters` and `threshold` is given, or there are fewer rows than clusters.
    """
    from sklearn.cluster import AgglomerativeClustering

    rows = ready(as_embeddings(embeddings), metric)
    if (clusters is None) == (threshold is None):
        raise TwinnetError("give either clusters= or threshold=")
    if threshold is not None and not np.isfinite(threshold):
        raise TwinnetError(f"a threshold of {threshold}: expected a finite number")
    if clusters is not None:
        check_count(clusters, "clusters")
        if clusters > len(rows):
            raise TwinnetError(f"{clusters} clusters of {len(rows)} rows: choose from 1 to {len(rows)}")
    if len(rows) < 2:
        return np.zeros(len(rows), dtype=np.int64)
    scores = block_scores(rows, rows, metric).double().numpy()
    # Linkage wants distances from 0; it joins below the limit, and "at least the threshold" includes the threshold.
    highest = scores.max() if threshold is None else max(scores.max(), threshold)
    model = AgglomerativeClustering(
        n_clusters=clusters,
        distance_threshold=None if threshold is None else np.nextafter(highest - threshold, np.inf),
        metric="precomputed",
        linkage="average",
    )
    labels = model.fit_predict(highest - scores)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    numbered: npt.NDArray[np.int64] = np.argsort(np.argsort(first))[inverse]
    return numbered
