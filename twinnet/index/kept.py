"""The embeddings of an index, kept smaller than they are, or left in a file until they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.embeddings import Embeddings
from twinnet.errors import TwinnetError, unknown_name
from twinnet.quantization import Int8Ranges

KEPT = ("float32", "float16", "int8")


class KeptRows:
    """Rows (N, D) as float32, float16 or int8.

    Args:
        form: Which of them.

    Raises:
        TwinnetError: If it is none of them.
    """

    def __init__(self, form: str) -> None:
        if form not in KEPT:
            raise unknown_name("form of kept rows", form, KEPT)
        self.form = form
        self.ranges: Int8Ranges | None = None
        self.values: npt.NDArray[Any] = np.empty((0, 0), dtype=form)

    def prepare(self, rows: Embeddings) -> tuple[npt.NDArray[Any], Int8Ranges | None]:
        """Rows (n, D) as they are kept, and the ranges of int8, which the first ones decide.

        Raises:
            TwinnetError: If they are too few for that, or a number is too large for float16.
        """
        if self.form == "int8":
            ranges = self.ranges or Int8Ranges.measure(rows)
            return ranges.quantize(rows), ranges
        if self.form == "float16" and np.abs(rows).max(initial=0) > np.finfo(np.float16).max:
            raise TwinnetError("an embedding has numbers too large for float16: keep them with rows='float32'")
        return rows.astype(self.form), None

    def append(self, values: npt.NDArray[Any], ranges: Int8Ranges | None) -> None:
        """Add what `prepare` made."""
        self.ranges = ranges
        self.values = np.concatenate([self.values, values]) if len(self.values) else values

    def keep(self, stays: npt.NDArray[np.bool_]) -> None:
        """Drop the other rows."""
        self.values = self.values[stays]

    def take(self, places: npt.NDArray[np.int64]) -> Embeddings:
        """The rows at some places as float32: (n,) -> (n, D)."""
        values = self.values[places]
        return values.astype(np.float32) if self.ranges is None else self.ranges.restore(values)
