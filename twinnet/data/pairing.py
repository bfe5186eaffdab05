"""Pairs of labelled items."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet.data.classes import Rows, rows_by_class
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
    members = _members(examples)
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
    columns = _at(examples, left), _at(examples, right)
    return Examples(columns, [1 - number % 2 for number in range(count)], Supervision.LABELLED_PAIRS)


def same_pairs(examples: Examples, most: int | None = None, seed: int = 0) -> tuple[Examples, list[int]]:
    """Pairs of two items of one class, for losses that take the other pairs of a batch for different.

    Pairs of one class must then be in different batches: `ClassBalancedBatches(classes, n, items_per_class=1)` keeps
    them apart.

    Args:
        examples: Single items with a class label.
        most: How many pairs of a class at most, drawn at random; all of them unless given.
        seed: Of the random draw.

    Returns:
        The pairs, and the class of each.

    Raises:
        TwinnetError: If the examples have no labels, or no class has two items.
    """
    members = _members(examples)
    rng = np.random.default_rng(seed)
    pairs = [pair for rows in members for pair in _drawn_pairs(np.asarray(rows), most, rng)]
    if not pairs:
        raise TwinnetError(f"{len(members)} classes, none with two items: there are no pairs of one class")
    left, right = (list(rows) for rows in zip(*pairs, strict=True))
    classes = np.asarray(examples.target)[left].tolist()
    return Examples((_at(examples, left), _at(examples, right)), None, Supervision.PAIRS), classes


def _drawn_pairs(rows: Rows, most: int | None, rng: np.random.Generator) -> list[list[int]]:
    """Different pairs of rows in random order, without making all of them."""
    every = len(rows) * (len(rows) - 1) // 2
    numbers = rng.choice(every, min(every, most or every), replace=False) if every else np.empty(0, dtype=np.int64)
    second = ((1 + np.sqrt(1 + 8 * numbers.astype(np.float64))) / 2).astype(np.int64)
    first = numbers - second * (second - 1) // 2
    pairs: list[list[int]] = np.stack([rows[first], rows[second]], axis=1).tolist()
    return pairs


def _members(examples: Examples) -> list[Rows]:
    """The rows of each class."""
    if examples.supervision is not Supervision.LABELS or examples.target is None:
        raise TwinnetError(f"pairs are drawn from labelled items, these examples are {examples.supervision.value}")
    return rows_by_class(examples.target)


def _at(examples: Examples, rows: list[int]) -> list[Any]:
    items = examples.columns[0]
    return [items[row] for row in rows]
