"""What a contestant's embeddings are worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twinnet.data.examples import Examples
from twinnet.evaluation.sts import sts

Encode = Callable[[list[str]], Any]


def spearman(encode: Encode, pairs: Examples) -> float:
    """The rank correlation of cosines with the scores of pairs of texts."""
    left, right = (encode(list(column)) for column in pairs.columns)
    cosines = (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)
    return sts(cosines, pairs.target)["spearman"]


def least_cosine(rows: Any, reference: Any) -> float:
    """The least cosine of a row to its reference."""
    rows, reference = np.vstack(rows), np.vstack(reference)
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(reference, axis=1)
    return float(((rows * reference).sum(1) / norms).min())
