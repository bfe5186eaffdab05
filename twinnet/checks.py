"""Checks of numbers that users give."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

from twinnet.errors import TwinnetError


def check_count(value: Any, name: str = "k") -> None:
    """Check how many are asked for.

    Raises:
        TwinnetError: If it is no whole number of 1 or more.
    """
    if not isinstance(value, Integral) or value < 1:
        raise TwinnetError(f"{name} is {value}: it must be a whole number, at least 1")


def check_score(value: float | None, name: str = "threshold") -> None:
    """Check a score that others are compared with.

    Raises:
        TwinnetError: If it is not a number.
    """
    if value is not None and math.isnan(value):
        raise TwinnetError(f"{name} is {value}: it must be a number")
