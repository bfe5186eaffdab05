"""Semantic textual similarity: do the scores rank pairs as people do?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from twinnet.errors import TwinnetError


def sts(scores: Any, gold: Any) -> dict[str, float]:
    """Correlation of scores with the similarity that people gave.

    Args:
        scores: Scores of the pairs (N,).
        gold: Their similarity (N,), on any scale.

    Returns:
        `pairs`, `spearman` (ranks) and `pearson` (values), from -1 to 1.

    Raises:
        TwinnetError: If there are fewer than two pairs, or all scores or all gold values are equal.
    """
    a, b = np.asarray(scores, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise TwinnetError(f"scores {a.shape} and gold {b.shape} must be two lists of one length")
    for name, values in (("scores", a), ("gold values", b)):
        if len(np.unique(values)) < 2:
            raise TwinnetError(f"all {len(values)} {name} are equal, so there is no correlation")
    return {
        "pairs": len(a),
        "spearman": float(stats.spearmanr(a, b).statistic),
        "pearson": float(stats.pearsonr(a, b).statistic),
    }
