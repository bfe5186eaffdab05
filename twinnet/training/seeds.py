"""Seeds for the random changes to items, as functions of their place in the run, so that nothing has to be kept."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def row_seeds(seed: int, step: int, column: int, rows: Iterable[int]) -> list[int]:
    """A 63-bit number for each row of a step.

    Args:
        seed: The run's.
        step: The step, from 0.
        column: The column of the examples: both twins of a pair are changed independently.
        rows: Rows of the examples; in which process or batch they are does not matter.
    """
    return [
        int(np.random.SeedSequence([seed, step, column, int(row)]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        for row in rows
    ]
