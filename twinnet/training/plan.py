"""Which rows each step of a run sees."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import ceil

from twinnet.data.samplers import Batches, Indices


class StepPlan:
    """The batches of each optimiser step, found by the step's number alone, so that a run can go on anywhere.

    Args:
        batches: The order of the rows in each epoch.
        epochs: Passes over the data.
        per_step: Batches whose gradients make one step; the last step of an epoch may have fewer.
    """

    def __init__(self, batches: Batches, epochs: int, per_step: int) -> None:
        self.batches = batches
        self.per_step = per_step
        drawn = [[len(batch) for batch in batches.epoch(epoch)] for epoch in range(epochs)]
        self.ends = list(accumulate(ceil(len(sizes) / per_step) for sizes in drawn))
        self.fewest_rows = min(map(min, drawn))
        self._epoch = -1
        self._drawn: list[Indices] = []

    def __len__(self) -> int:
        return self.ends[-1]

    def ends_epoch(self, step: int) -> bool:
        """Whether an epoch is complete after so many steps."""
        return step in self.ends

    def rows(self, step: int) -> list[Indices]:
        """The rows of each batch of a step (from 0)."""
        epoch = bisect_right(self.ends, step)
        if epoch != self._epoch:
            self._epoch, self._drawn = epoch, self.batches.epoch(epoch)
        first = (step - (self.ends[epoch - 1] if epoch else 0)) * self.per_step
        return self._drawn[first : first + self.per_step]
