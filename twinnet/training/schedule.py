"""Learning-rate schedules, as functions of the step, so that nothing has to be kept."""

from __future__ import annotations

import math
from collections.abc import Callable

# Howard and Ruder 2018, section 3.2: how much smaller the lowest rate is than the peak.
SLANTED_RATIO = 32
Shape = Callable[[int, int, int], float]


def _warmed_up(falling: Callable[[float], float]) -> Shape:
    """A linear rise, then a function of the progress from the peak (0) to the end (1)."""

    def factor(step: int, steps: int, rising: int) -> float:
        return (step + 1) / rising if step < rising else falling(_progress(step, steps, rising))

    return factor


def _slanted_triangular(step: int, steps: int, rising: int) -> float:
    """Equation 3 of Howard and Ruder 2018, https://arxiv.org/abs/1801.06146."""
    share = step / rising if step < rising else 1 - _progress(step, steps, rising)
    return (1 + share * (SLANTED_RATIO - 1)) / SLANTED_RATIO


def _progress(step: int, steps: int, rising: int) -> float:
    return (step - rising) / max(1, steps - rising)


SCHEDULES: dict[str, Shape] = {
    "linear": _warmed_up(lambda progress: 1 - progress),
    "cosine": _warmed_up(lambda progress: (1 + math.cos(math.pi * progress)) / 2),
    "constant": _warmed_up(lambda _progress: 1.0),
    "slanted-triangular": _slanted_triangular,
}


def rate_factor(step: int, steps: int, warmup: float, schedule: str) -> float:
    """The share of the peak learning rate at a step.

    Args:
        step: The step, from 0.
        steps: All steps of the run.
        warmup: Share of the steps in which the rate rises linearly; the last step is always at the peak or after it.
        schedule: A name of `SCHEDULES`.
    """
    return SCHEDULES[schedule](step, steps, min(round(steps * warmup), steps - 1))
