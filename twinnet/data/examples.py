"""Training and evaluation data: columns of items, and what is known about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from twinnet.data.classes import is_missing
from twinnet.data.tables import Table, read_table
from twinnet.errors import TwinnetError
from twinnet.supervision import Supervision

FIRST = ("s1", "sentence1", "anchor", "premise")
SECOND = ("s2", "sentence2", "positive", "hypothesis")
# What has whole numbers for a target.
WHOLE = (Supervision.LABELS, Supervision.LABELLED_PAIRS, Supervision.CLASS_PAIRS)
COLUMN_COUNTS = {Supervision.LABELS: 1, Supervision.TRIPLETS: 3, Supervision.LOCATED_PAIRS: 3}


@dataclass(frozen=True)
class Examples:
    """Rows of items of any modality.

    Attributes:
        columns: The items, one sequence for each side: one for labels, two for pairs, three or more for triplets.
        target: What is known of each row: a float score, or an integer label or class; None for pairs and triplets.
        supervision: What the columns and the target mean.
        classes: The names of the classes, where the target is an index into them.

    Raises:
        TwinnetError: If there are no rows, or columns and target do not fit together.
    """

    columns: tuple[Sequence[Any], ...]
    target: Sequence[float] | Sequence[int] | None
    supervision: Supervision
    classes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(map(_by_position, self.columns)))
        object.__setattr__(self, "target", _by_position(self.target))
        expected, more = COLUMN_COUNTS.get(self.supervision, 2), self.supervision is Supervision.TRIPLETS
        if len(self.columns) != expected and not (more and len(self.columns) > expected):
            least = f"{expected} or more" if more else str(expected)
            raise TwinnetError(f"{self.supervision.value}: expected {least} columns of items, got {len(self.columns)}")
        lengths = [len(column) for column in self.columns] + ([] if self.target is None else [len(self.target)])
        if len(set(lengths)) > 1:
            raise TwinnetError(f"the columns (and the target, if any) have different lengths: {lengths}")
        if lengths[0] == 0:
            raise TwinnetError("there are no examples")
        needs_target = self.supervision not in (Supervision.PAIRS, Supervision.TRIPLETS)
        if needs_target != (self.target is not None):
            raise TwinnetError(
                f"{self.supervision.value}: {'a target is missing' if needs_target else 'takes no target'}"
            )
        if self.supervision in WHOLE:
            self._check_whole(self.target)

    def __len__(self) -> int:
        return len(self.columns[0])

    def _check_whole(self, target: Any) -> None:
        """Check that the target holds whole numbers, and those of classes where it is known how many there are."""
        numbers = np.array(target.tolist() if hasattr(target, "tolist") else target)
        if not (np.issubdtype(numbers.dtype, np.number) or numbers.dtype == np.bool_):
            raise TwinnetError(f"{self.supervision.value}: the target holds {type(target[0]).__name__}, not numbers: "
                               "see `labelled` for names of classes")  # fmt: skip
        count = 2 if self.supervision is Supervision.LABELLED_PAIRS else len(self.classes or ())
        with np.errstate(invalid="ignore"):  # what is not a number, or too large, is no class
            wrong = numbers.astype(np.int64) != numbers
        if count:
            wrong |= (numbers < 0) | (numbers >= count)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise TwinnetError(f"row {row}: {target[row]} is no class of {self.supervision.value}")

    def rows(self, indices: Sequence[int]) -> Examples:
        """The examples at `indices`, in that order."""
        columns = tuple([column[i] for i in indices] for column in self.columns)
        target = None if self.target is None else [self.target[i] for i in indices]
        return Examples(columns, target, self.supervision, self.classes)


def scored_pairs(path: str | PathLike[str], highest: float | None = 5.0, file_format: str | None = None) -> Examples:
    """Read pairs with a similarity: columns score, s1, s2.

    Args:
        path: The file.
        highest: The score of equal items; scores are divided by it, so that they run from 0 to 1. None takes scores of
            any scale as they are, which is enough to rank by.
        file_format: As in `read_table`.

    Raises:
        TwinnetError: If the file is not as described, or a score is outside 0..highest.
    """
    table = read_table(path, file_format)
    if highest is None:
        scores = table.numbers("score", "similarity")
    elif not 0 < highest < math.inf:
        raise TwinnetError(f"the highest score is {highest:g}: it is a positive number")
    else:
        scores = [score / highest for score in table.numbers("score", "similarity", lowest=0.0, highest=highest)]
    return Examples(_pair(table), scores, Supervision.SCORED_PAIRS)


def labelled_pairs(path: str | PathLike[str], file_format: str | None = None) -> Examples:
    """Read pairs with the label 1 (same) or 0 (different): columns label, s1, s2.

    Raises:
        TwinnetError: If the file is not as described.
    """
    table = read_table(path, file_format)
    return Examples(_pair(table), table.same(), Supervision.LABELLED_PAIRS)


def class_pairs(
    path: str | PathLike[str], classes: tuple[str, ...] | None = None, file_format: str | None = None
) -> Examples:
    """Read pairs with a class, as in natural language inference: columns label, premise, hypothesis.

    Args:
        path: The file.
        classes: The classes, in order; by default those in the file, sorted by name.
        file_format: As in `read_table`.

    Raises:
        TwinnetError: If the file is not as described, has a label that is no class, or only one class.
    """
    table = read_table(path, file_format)
    labels = table.labels("label")
    classes = classes or tuple(sorted(set(labels)))
    for row, label in enumerate(labels):
        if label not in classes:
            raise TwinnetError(f"{table.place(row)}: label {label!r} is none of the classes {', '.join(classes)}")
    if len(classes) < 2:
        raise TwinnetError(f"{table.path}: all rows have the label {classes[0]!r}: two classes or more are needed")
    return Examples(_pair(table), _indices(labels, classes), Supervision.CLASS_PAIRS, classes)


def positive_pairs(path: str | PathLike[str], file_format: str | None = None) -> Examples:
    """Read pairs that belong together: columns anchor, positive.

    Raises:
        TwinnetError: If the file is not as described.
    """
    return Examples(_pair(read_table(path, file_format)), None, Supervision.PAIRS)


def triplets(path: str | PathLike[str], file_format: str | None = None) -> Examples:
    """Read triplets: columns anchor, positive, negative, and perhaps negative2, negative3, ...

    Raises:
        TwinnetError: If the file is not as described.
    """
    table = read_table(path, file_format)
    further = sorted((name for name in table.columns if _is_further_negative(name)), key=lambda name: int(name[8:]))
    names = ["anchor", "positive", table.name_of("negative", *further[:1]), *further]
    return Examples(tuple(table.texts(name) for name in dict.fromkeys(names)), None, Supervision.TRIPLETS)


def labelled(items: Sequence[Any], labels: Sequence[Any]) -> Examples:
    """Single items with a class label of any kind; the classes are sorted by name.

    Raises:
        TwinnetError: If items and labels are not equally many, or a label is None or NaN.
    """
    if missing := [row for row, label in enumerate(labels) if is_missing(label)]:
        raise TwinnetError(f"row {missing[0]} has no label: leave it out, or give it one")
    names = [str(label) for label in labels]
    classes = tuple(sorted(set(names)))
    return Examples((items,), _indices(names, classes), Supervision.LABELS, classes)


def _by_position(column: Any) -> Any:
    """A column of a data frame as a list: it is asked for rows by their labels, which sorting and filtering keep."""
    return column.tolist() if hasattr(column, "iloc") else column


def _pair(table: Table) -> tuple[list[str], list[str]]:
    return table.texts(*FIRST), table.texts(*SECOND)


def _indices(labels: Sequence[str], classes: Sequence[str]) -> list[int]:
    index = {name: position for position, name in enumerate(classes)}
    return [index[label] for label in labels]


def _is_further_negative(name: str) -> bool:
    return name.startswith("negative") and name[8:].isdecimal()
