"""The floating-point operations of a piece of work."""

from __future__ import annotations

from collections.abc import Callable

from torch.utils.flop_counter import FlopCounterMode


def operations(work: Callable[[], object]) -> float:
    """Do the work once, and count what its matrix products, convolutions and attention need."""
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())
