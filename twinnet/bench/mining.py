"""The most similar pairs, and the nearest of each query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from twinnet.bench.contest import Contest, hold
from twinnet.embeddings import Embeddings
from twinnet.errors import TwinnetError
from twinnet.mining import most_similar_pairs, search

TOP_PAIRS, TOP_ROWS = 100, 10
# Sums of products differ in the last digits with the order of the summands.
TOLERANCE = 1e-5


def mine(embeddings: Embeddings, queries: int, rounds: int, peers: bool) -> list[Contest]:
    """Find pairs and neighbours among embeddings.

    The quality of a contestant is how many of its scores are those of twinnet.

    Args:
        embeddings: Rows (N, D).
        queries: As many of them search among all.
        rounds: How many turns each has.
        peers: Whether sentence-transformers takes part.
    """
    rows, width = embeddings.shape
    if rows < 2 or width < 1:
        raise TwinnetError(f"embeddings of shape {embeddings.shape}: there are no pairs to be found")
    asked = embeddings[:queries]
    tensors = torch.from_numpy(embeddings)
    pairs: dict[str, Callable[[], Any]] = {}
    nearest: dict[str, Callable[[], Any]] = {}
    if peers:
        from sentence_transformers import util

        name = "sentence-transformers"
        pairs[name] = lambda: [
            score for score, *_ in util.paraphrase_mining_embeddings(tensors, max_pairs=TOP_PAIRS, top_k=TOP_PAIRS)
        ]
        nearest[name] = lambda: [
            [hit["score"] for hit in hits] for hits in util.semantic_search(tensors[:queries], tensors, top_k=TOP_ROWS)
        ]
    contests = [
        hold(
            "pairs",
            {"twinnet": lambda: [pair.score for pair in most_similar_pairs(embeddings, TOP_PAIRS)]},
            pairs,
            rounds=rounds,
            amount=rows * (rows - 1) // 2,
            unit="pair",
            operations=width * rows * (rows - 1.0),
        ),
        hold(
            "search",
            {"twinnet": lambda: search(asked, embeddings, TOP_ROWS)[0]},
            nearest,
            rounds=rounds,
            amount=queries,
            unit="query",
            operations=2.0 * width * queries * rows,
        ),
    ]
    for contest in contests:
        reference = np.asarray(contest.runs["twinnet"][-1].result)
        contest.quality = {
            each: {"equal": float(np.isclose(runs[-1].result, reference, rtol=0, atol=TOLERANCE).mean())}
            for each, runs in contest.runs.items()
        }
    return contests


def made_up(rows: int, width: int) -> Embeddings:
    """Embeddings (rows, width) around common centres, as long in every direction: a screen is of no use for them."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((max(1, rows // 20), width), dtype=np.float32)
    return centres[rng.integers(len(centres), size=rows)] + rng.standard_normal((rows, width), dtype=np.float32)
