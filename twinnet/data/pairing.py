"""Labelled pairs drawn from labelled items."""

from __future__ import annotations

import numpy as np

from twinnet.data.examples import Examples
from twinnet.errors import TwinnetError
from twinnet.supervision import Supervision


def draw_pairs(examples: Examples, count: int, seed: int = 0) -> Examples:
    """Pairs of items, every other one of the same class, for losses that learn from pairs.

    Same pairs hold every class alike, and two different items; different pairs hold every pair of classes alike.

    Args:
        examples: Single items with a class label.
        count: How many pairs.
        seed: Of the random draw.

    Raises:
        TwinnetError: If the examples have no labels, fewer than two classes, or no class with two items.
    """
    if examples.supervision is not Supervision.LABELS or examples.target is None:
        raise TwinnetError(f"pairs are drawn from labelled items, these examples are {examples.supervision.value}")
    labels = np.asarray(examples.target)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    several = [rows for rows in members if len(rows) > 1]
    if len(members) < 2 or not several:
        raise TwinnetError(f"{len(members)} classes, {len(several)} with two items or more: pairs need 2 and 1")
    rng = np.random.default_rng(seed)
    left, right = [], []
    for number in range(count):
        if number % 2 == 0:
            a, b = rng.choice(several[rng.integers(len(several))], 2, replace=False)
        else:
            a, b = (rng.choice(members[c]) for c in rng.choice(len(members), 2, replace=False))
        left.append(int(a))
        right.append(int(b))
    items = examples.columns[0]
    columns = [items[row] for row in left], [items[row] for row in right]
    return Examples(columns, [1 - number % 2 for number in range(count)], Supervision.LABELLED_PAIRS)
