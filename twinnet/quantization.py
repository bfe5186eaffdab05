"""Smaller embeddings: fewer dimensions, int8 with calibrated ranges, packed sign bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError, unknown_name

FORMS = ("int8", "binary")
LEVELS = 255


class Int8Ranges:
    """The range of each dimension, measured once and kept, so that codes made at different times compare.

    Args:
        low: Smallest value of each dimension (D,).
        high: Largest value of each dimension (D,).
    """

    def __init__(self, low: npt.NDArray[np.float32], high: npt.NDArray[np.float32]) -> None:
        self.low = np.asarray(low, dtype=np.float32)
        self.high = np.asarray(high, dtype=np.float32)

    @classmethod
    def measure(cls, embeddings: npt.NDArray[np.float32]) -> Int8Ranges:
        """The ranges of a sample of embeddings (n, D), which should be some thousand.

        Raises:
            TwinnetError: If there are fewer than two.
        """
        if len(embeddings) < 2:
            raise TwinnetError(f"int8 ranges need a sample of embeddings, got {len(embeddings)}")
        return cls(embeddings.min(0), embeddings.max(0))

    @property
    def step(self) -> npt.NDArray[np.float32]:
        """The width of one of the 256 levels (D,)."""
        step: npt.NDArray[np.float32] = np.maximum(self.high - self.low, np.finfo(np.float32).tiny) / LEVELS
        return step

    def quantize(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
        """(n, D) float32 -> (n, D) int8; values outside the ranges take the nearest level."""
        levels = np.rint((embeddings - self.low) / self.step)
        codes: npt.NDArray[np.int8] = (np.clip(levels, 0, LEVELS) - 128).astype(np.int8)
        return codes

    def restore(self, codes: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """(n, D) int8 -> (n, D) float32, each within half a step of what was quantised inside the ranges."""
        restored: npt.NDArray[np.float32] = (codes.astype(np.float32) + 128) * self.step + self.low
        return restored


def pack_bits(embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Sign bits, eight to a byte, most significant first: (n, D) -> (n, ceil(D / 8))."""
    return np.packbits(embeddings > 0, axis=1)


def quantize(embeddings: npt.NDArray[np.float32], form: str, ranges: Int8Ranges | None) -> npt.NDArray[Any]:
    """Quantise embeddings to "int8" or "binary".

    Raises:
        TwinnetError: If the form is unknown, or int8 is asked for before ranges were measured.
    """
    if form not in FORMS:
        raise unknown_name("quantization", form, FORMS)
    if form == "binary":
        return pack_bits(embeddings)
    if ranges is None:
        raise TwinnetError(
            "int8 needs ranges that are measured once: call network.calibrate_int8(sample) with some thousand items "
            "of your kind, then network.save(folder) to keep them"
        )
    if ranges.low.shape != embeddings.shape[1:]:
        raise TwinnetError(
            f"the int8 ranges are for width {len(ranges.low)}, the embeddings have width {embeddings.shape[1]}: "
            "calibrate with the same truncate_dim"
        )
    return ranges.quantize(embeddings)


def finisher(
    width: int, normalize: bool, form: str | None, ranges: Int8Ranges | None
) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """What is done to the float32 rows of each batch: truncate them, scale them to unit length, quantise them.

    Args:
        width: How many leading dimensions are kept.
        normalize: Whether the rows get unit length.
        form: "int8", "binary" or None for float32.
        ranges: The calibrated ranges for int8.

    Raises:
        TwinnetError: If they cannot be quantised so; at once, and not when the first batch has been embedded.
    """

    def finish(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        rows = rows[:, :width]
        if normalize:
            rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return quantize(rows, form, ranges) if form else rows

    finish(np.zeros((0, width), dtype=np.float32))
    return finish
