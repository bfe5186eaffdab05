"""Which rows belong to which class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


def rows_by_class(labels: npt.ArrayLike) -> list[Rows]:
    """The rows of each class, ascending; classes come in the order of their labels.

    Args:
        labels: The class of each row (N,).
    """
    _, classes, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    return np.split(np.argsort(classes, kind="stable"), np.cumsum(sizes))[:-1]


def is_missing(label: Any) -> bool:
    """Whether this stands for no label: None, an empty string or NaN."""
    return label is None or label == "" or (isinstance(label, float | np.floating) and bool(np.isnan(label)))
