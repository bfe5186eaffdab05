"""Which prepared items go into one batch together."""

from __future__ import annotations

from collections.abc import Sequence

PADDING_SHARE = 0.04


def plan_batches(costs: Sequence[int], budget: int | None, padding_share: float = PADDING_SHARE) -> list[list[int]]:
    """Group items of like cost, the most expensive first, so that little is padded and no batch exceeds the budget.

    Args:
        costs: The cost of each item.
        budget: The cost, padding included, that a batch may reach; an item above it goes alone. None is no limit.
        padding_share: What padding may add to a batch before a further batch is the better choice.

    Returns:
        Positions in `costs`, each exactly once.
    """
    batches: list[list[int]] = []
    longest = total = 0
    for position in sorted(range(len(costs)), key=lambda i: -costs[i]):
        cost = costs[position]
        padded = (len(batches[-1]) + 1) * longest if batches else 0
        fits = batches and (budget is None or padded <= budget) and padded <= (total + cost) * (1 + padding_share)
        if fits:
            batches[-1].append(position)
            total += cost
        else:
            batches.append([position])
            longest = total = cost
    return batches
