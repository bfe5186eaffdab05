"""Pairs that are the same or not."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from twinnet.evaluation.verification import checked


def binary_pairs(scores: Any, labels: Any, threshold: float | None = None) -> dict[str, float]:
    """How well scores tell the same (1) from the different (0).

    Args:
        scores: Scores of the pairs (N,); larger is closer.
        labels: 1 or 0 for each (N,).
        threshold: The score from which a pair counts as the same, chosen on other data (`best_f1_threshold`).

    Returns:
        `pairs`, `positives`, `average_precision`, `roc_auc`; with a threshold also `threshold`, `accuracy`,
        `precision`, `recall` and `f1`.

    Raises:
        TwinnetError: If there are not both kinds of pairs.
    """
    a, same = checked(scores, labels)
    figures = {
        "pairs": len(a),
        "positives": int(same.sum()),
        "average_precision": float(average_precision_score(same, a)),
        "roc_auc": float(roc_auc_score(same, a)),
    }
    if threshold is not None:
        said = a >= threshold
        hits = int((said & same).sum())
        precision, recall = hits / max(1, int(said.sum())), hits / int(same.sum())
        figures |= {
            "threshold": float(threshold),
            "accuracy": float((said == same).mean()),
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / max(precision + recall, 1e-12),
        }
    return figures


def best_f1_threshold(scores: Any, labels: Any) -> float:
    """The score from which calling pairs the same gives the largest F1 on this (development) data."""
    a, same = checked(scores, labels)
    precision, recall, thresholds = precision_recall_curve(same, a)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(thresholds[np.argmax(f1[:-1])])
