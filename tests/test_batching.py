from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twinnet.batching import plan_batches

COSTS = st.lists(st.integers(1, 300), max_size=80)


@given(COSTS, st.integers(1, 2000), st.floats(0, 1))
def test_every_item_is_in_one_batch_within_budget_and_padding(costs, budget, share):
    batches = plan_batches(costs, budget, share)
    assert sorted(i for batch in batches for i in batch) == list(range(len(costs)))
    for batch in batches:
        padded = len(batch) * max(costs[i] for i in batch)
        assert padded <= budget or len(batch) == 1
        assert padded <= sum(costs[i] for i in batch) * (1 + share) + 1e-6


def test_equal_costs_without_a_budget_are_one_batch():
    assert plan_batches([7] * 50, None) == [list(range(50))]


def test_the_most_expensive_come_first():
    assert plan_batches([5, 90, 40], 100) == [[1], [2], [0]]
