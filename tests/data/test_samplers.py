from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinnet.data import ClassBalancedBatches, DistinctBatches, GroupedBatches, ShuffledBatches
from twinnet.errors import TwinnetError

seeds = st.integers(0, 2**32)


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@given(st.integers(1, 200), st.integers(1, 64), seeds, st.integers(0, 5))
def test_shuffled_batches_hold_every_row_once(n, size, seed, epoch):
    batches = ShuffledBatches(n, size, seed).epoch(epoch)
    assert sorted(np.concatenate(batches)) == list(range(n))
    sizes = [size] * (n // size) + [n % size] * (n % size > 0)
    if sizes[-1] == 1 < size and n > 1:
        sizes[-2:] = [size + 1]  # a row that would be alone joins
    assert [len(batch) for batch in batches] == sizes
    assert same(batches, ShuffledBatches(n, size, seed).epoch(epoch))


def test_epochs_and_seeds_differ():
    batches = ShuffledBatches(1000, 100, seed=1)
    assert not same(batches.epoch(0), batches.epoch(1))
    assert not same(batches.epoch(0), ShuffledBatches(1000, 100, seed=2).epoch(0))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(5, 17)), min_size=1, max_size=150), st.integers(1, 16), seeds)
def test_distinct_batches_keep_equal_items_apart(rows, size, seed):
    first, second = zip(*rows, strict=True)
    batches = DistinctBatches((first, second), size, seed).epoch(0)
    assert sorted(np.concatenate(batches)) == list(range(len(rows)))
    for batch in batches:
        assert 1 <= len(batch) <= size
        uses = Counter(item for row in batch for item in set(rows[row]))
        assert max(uses.values()) == 1
    assert same(batches, DistinctBatches((first, second), size, seed).epoch(0))


def test_distinct_batches_are_full_where_items_differ():
    batches = DistinctBatches((range(100), range(100, 200)), 32, 0).epoch(0)
    assert [len(batch) for batch in batches] == [32, 32, 32, 4]


def test_one_item_in_every_row_makes_batches_of_one():
    batches = DistinctBatches((["same"] * 20_000,), 32, 0).epoch(0)
    assert Counter(len(batch) for batch in batches) == {1: 20_000}


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=150).filter(lambda labels: len(set(labels)) > 1),
    st.integers(2, 5),
    st.integers(1, 6),
    seeds,
)
def test_class_balanced_batches(labels, classes, items, seed):
    sampler = ClassBalancedBatches(labels, classes, items, seed)
    batches = sampler.epoch(3)
    sizes = Counter(labels)
    for batch in batches:
        assert len(set(batch.tolist())) == len(batch)
        held = Counter(labels[i] for i in batch)
        assert 2 <= len(held) <= classes
        assert all(count == min(items, sizes[label]) for label, count in held.items())
    assert same(batches, ClassBalancedBatches(labels, classes, items, seed).epoch(3))


def test_class_balanced_batches_use_all_items_of_equal_classes():
    labels = ["a", "b", "c", "d"] * 6
    batches = ClassBalancedBatches(labels, classes_per_batch=2, items_per_class=3).epoch(0)
    assert sorted(np.concatenate(batches)) == list(range(24))


@given(
    st.lists(st.lists(st.integers(1, 7), min_size=2, max_size=6), min_size=2, max_size=5),
    st.integers(2, 4),
    st.integers(2, 5),
    st.integers(1, 3),
    seeds,
)
def test_grouped_batches(sizes, groups_per_batch, classes_per_group, items, seed):
    """`sizes` holds the number of items of each class of each group."""
    rows = [(f"{g}/{c}", g) for g, group in enumerate(sizes) for c, size in enumerate(group) for _ in range(size)]
    rows = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    labels, groups = zip(*rows, strict=True)
    batches = GroupedBatches(labels, groups, groups_per_batch, classes_per_group, items, seed).epoch(2)
    assert batches
    for batch in batches:
        assert len(set(batch.tolist())) == len(batch)
        of_class = Counter(labels[i] for i in batch)
        assert all(n == min(items, sizes[int(c[0])][int(c[2:])]) for c, n in of_class.items())
        of_group = Counter(int(c[0]) for c in of_class)
        assert 2 <= len(of_group) <= groups_per_batch
        assert all(2 <= n <= classes_per_group for n in of_group.values())
    assert same(batches, GroupedBatches(labels, groups, groups_per_batch, classes_per_group, items, seed).epoch(2))


def test_grouped_batches_use_all_items_of_equal_groups():
    labels = ["a", "b", "c", "d"] * 6
    batches = GroupedBatches(labels, [label in "ab" for label in labels], 2, 2, items_per_class=3).epoch(0)
    assert sorted(np.concatenate(batches)) == list(range(24))


@pytest.mark.parametrize(
    "make",
    [
        lambda: GroupedBatches(["a", "b", "c"], [0, 0, 0], 2, 2, 1),
        lambda: GroupedBatches(["a", "b", "c"], [0, 0, 1], 2, 2, 1),
        lambda: GroupedBatches(["a", "b", "a", "c"], [0, 0, 1, 1], 2, 2, 1),
        lambda: GroupedBatches(["a", "b", "c", "d"], [0, 0, 1, 1], 0, 2, 1),
        lambda: GroupedBatches(["a", "b", "c", "d"], [0, 0, 1, 1], 2, 2, 0),
        lambda: ShuffledBatches(0, 4),
        lambda: ShuffledBatches(4, 0),
        lambda: DistinctBatches(([],), 4),
        lambda: ClassBalancedBatches(["a", "a"], 2, 2),
        lambda: ClassBalancedBatches(["a", "b"], 1, 2),
        lambda: ClassBalancedBatches(["a", "b"], 2, 0),
        lambda: ClassBalancedBatches([], 2, 2),
    ],
)
def test_impossible_batches_are_refused(make):
    with pytest.raises(TwinnetError):
        make()
