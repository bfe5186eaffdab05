"""Learning-rate schedules, as functions of the step, so that nothing has to be kept."""

from __future__ import annotations

import math
from collections.abc import Callable

SCHEDULES: dict[str, Callable[[float], float]] = {
    "linear": lambda progress: 1 - progress,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "constant": lambda _progress: 1.0,
}


def rate_factor(step: int, steps: int, warmup: float, schedule: str) -> float:
    """The share of the peak learning rate at a step.

    Args:
        step: The step, from 0.
        steps: All steps of the run.
        warmup: Share of the steps in which the rate rises linearly.
        schedule: A name of `SCHEDULES`.
    """
    rising = round(steps * warmup)
    if step < rising:
        return (step + 1) / rising
    return SCHEDULES[schedule]((step - rising) / max(1, steps - rising))
