"""Triplets: is the positive closer than the negative?"""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet.errors import TwinnetError


def triplets(positive_scores: Any, negative_scores: Any) -> dict[str, float]:
    """The share of triplets whose positive is closer to the anchor than the negative; a tie is a mistake.

    Args:
        positive_scores: Scores of anchor and positive (N,); larger is closer.
        negative_scores: Scores of anchor and negative (N,).

    Returns:
        `triplets` and `accuracy`.

    Raises:
        TwinnetError: If there are none, or not as many of each.
    """
    a, b = np.asarray(positive_scores, dtype=np.float64), np.asarray(negative_scores, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise TwinnetError(f"scores {a.shape} and {b.shape} must be two lists of one length, and not empty")
    return {"triplets": len(a), "accuracy": float((a > b).mean())}
