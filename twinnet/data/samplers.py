"""Which examples form a batch, as a function of a seed and the epoch alone."""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinnet.checks import check_count
from twinnet.data.classes import rows_by_class
from twinnet.errors import TwinnetError

Indices = NDArray[np.int64]


class Batches(ABC):
    """Index batches for training. The number of batches may differ from epoch to epoch."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def epoch(self, epoch: int) -> list[Indices]:
        """The batches of an epoch (0-based), always the same for the same seed and epoch."""
        batches = self._draw(np.random.default_rng([self.seed, epoch]))
        return [np.asarray(batch, dtype=np.int64) for batch in batches]

    @abstractmethod
    def _draw(self, rng: np.random.Generator) -> Sequence[Sequence[int] | Indices]: ...


class ShuffledBatches(Batches):
    """Every example once an epoch, in random order.

    Args:
        n: How many examples there are.
        batch_size: Examples a batch; the last batch of an epoch may be smaller, but a single example that is left joins
            the batch before it: alone it has no negatives, and no spread for a layer that normalises over batches.
        seed: Of the random order.

    Raises:
        TwinnetError: If `n` or `batch_size` is less than 1.
    """

    def __init__(self, n: int, batch_size: int, seed: int = 0) -> None:
        super().__init__(seed)
        check_count(n, "n")
        check_count(batch_size, "batch_size")
        self.n = n
        self.batch_size = batch_size

    def _draw(self, rng: np.random.Generator) -> Sequence[Indices]:
        order = rng.permutation(self.n)
        alone = self.n % self.batch_size == 1 and self.n > 1
        starts = range(0, self.n - alone, self.batch_size)
        return np.split(order, starts[1:])


class DistinctBatches(Batches):
    """Every example once an epoch, and equal items never in one batch.

    In-batch negatives take every other row for a negative, which is wrong where rows share an item.

    Args:
        columns: The items of each row, as in `Examples.columns`; rows that share an item in any columns are kept apart.
        batch_size: Examples a batch at most.
        seed: Of the random order.

    Raises:
        TwinnetError: If there are no rows, or `batch_size` is less than 1.
    """

    def __init__(self, columns: Sequence[Sequence[Hashable]], batch_size: int, seed: int = 0) -> None:
        super().__init__(seed)
        self.rows = [set(row) for row in zip(*columns, strict=True)]
        check_count(len(self.rows), "the number of rows")
        check_count(batch_size, "batch_size")
        self.batch_size = batch_size

    def _draw(self, rng: np.random.Generator) -> Sequence[Sequence[int]]:
        batches: list[list[int]] = []
        free_after: dict[Hashable, int] = {}  # item -> the first batch behind all that hold it
        next_open: list[int] = []  # batch -> itself, or a later one where it is full
        for row in rng.permutation(len(self.rows)).tolist():
            items = self.rows[row]
            batch = _follow(next_open, max(free_after.get(item, 0) for item in items))
            if batch == len(batches):
                batches.append([])
                next_open.append(batch)
            batches[batch].append(row)
            if len(batches[batch]) == self.batch_size:
                next_open[batch] = batch + 1
            free_after.update(dict.fromkeys(items, batch + 1))
        return batches


class ClassBalancedBatches(Batches):
    """A few classes a batch, and a few items of each: what mining triplets within a batch needs.

    The items of a class are dealt into groups of `items_per_class` different items (a rest is filled up from the same
    class; a smaller class makes one smaller group). A batch takes one group from each of the classes that have most
    groups left, and an epoch ends when only one class is left.

    Args:
        labels: The class of each item.
        classes_per_batch: Different classes a batch; fewer where fewer are left.
        items_per_class: Items of each of them.
        seed: Of the random order.

    Raises:
        TwinnetError: If there are fewer than two classes, or a number is less than 1.
    """

    def __init__(self, labels: ArrayLike, classes_per_batch: int, items_per_class: int, seed: int = 0) -> None:
        super().__init__(seed)
        check_count(items_per_class, "items_per_class")
        self.members = rows_by_class(labels)
        if min(len(self.members), classes_per_batch) < 2:
            raise TwinnetError(
                f"{len(self.members)} classes, {classes_per_batch} a batch: both must be 2 or more, for negatives"
            )
        self.classes_per_batch = classes_per_batch
        self.items_per_class = items_per_class

    def _draw(self, rng: np.random.Generator) -> Sequence[Indices]:
        groups = [self._deal(members, rng) for members in self.members]
        waiting = [(-len(group), rng.random(), c) for c, group in enumerate(groups)]
        heapq.heapify(waiting)
        batches = []
        while len(waiting) > 1:
            chosen = [heapq.heappop(waiting)[2] for _ in range(min(self.classes_per_batch, len(waiting)))]
            batches.append(np.concatenate([groups[c].pop() for c in chosen]))
            for c in chosen:
                if groups[c]:
                    heapq.heappush(waiting, (-len(groups[c]), rng.random(), c))
        return [batches[i] for i in rng.permutation(len(batches))]

    def _deal(self, members: Indices, rng: np.random.Generator) -> list[Indices]:
        size = self.items_per_class
        order = rng.permutation(members)
        groups = [order[start : start + size] for start in range(0, len(order), size)]
        short = size - len(groups[-1])
        if len(groups) > 1 and short:
            groups[-1] = np.concatenate([groups[-1], rng.choice(order[: -len(groups[-1])], short, replace=False)])
        return groups


class GroupedBatches(Batches):
    """Batches from a few groups of classes that are alike, such as the characters of an alphabet.

    Classes of different groups are soon told apart, and batches of all classes then teach little about those of one
    group. Each group makes `ClassBalancedBatches` of its own, and a batch joins one from each of the groups that have
    most left.

    Args:
        labels: The class of each item.
        groups: The group of each item; all items of a class are of one group.
        groups_per_batch: Different groups a batch.
        classes_per_group: Different classes of each of them; fewer where fewer are left.
        items_per_class: Items of each class.
        seed: Of the random order.

    Raises:
        TwinnetError: If there are fewer than two groups, or fewer than two a batch, likewise of classes, a class is of
            two groups, or there are no items of a class.
    """

    def __init__(
        self,
        labels: ArrayLike,
        groups: ArrayLike,
        groups_per_batch: int,
        classes_per_group: int,
        items_per_class: int,
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        classes = np.asarray(labels)
        self.rows = rows_by_class(groups)
        if min(len(self.rows), groups_per_batch) < 2:
            raise TwinnetError(f"{len(self.rows)} groups, {groups_per_batch} a batch: both must be 2 or more")
        self.groups = [ClassBalancedBatches(classes[rows], classes_per_group, items_per_class) for rows in self.rows]
        if sum(len(group.members) for group in self.groups) > len(np.unique(classes)):
            raise TwinnetError("a class is of two groups: it would be its own negative in batches of both")
        self.groups_per_batch = groups_per_batch

    def _draw(self, rng: np.random.Generator) -> Sequence[Indices]:
        parts, groups = [], []
        for number, (rows, inside) in enumerate(zip(self.rows, self.groups, strict=True)):
            drawn = [rows[part] for part in inside._draw(rng)]
            parts += drawn
            groups += [number] * len(drawn)
        joined = ClassBalancedBatches(groups, self.groups_per_batch, items_per_class=1)._draw(rng)
        return [np.concatenate([parts[part] for part in batch]) for batch in joined]


def _follow(next_open: list[int], batch: int) -> int:
    path = []
    while batch < len(next_open) and next_open[batch] != batch:
        path.append(batch)
        batch = next_open[batch]
    for passed in path:
        next_open[passed] = batch
    return batch
