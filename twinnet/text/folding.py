"""Texts that are equal for all purposes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinnet.mining.pairs import Positions, Skip


def folded(text: str) -> str:
    """The letters and digits of a text, without case."""
    return "".join(character for character in text.casefold() if character.isalnum())


def trivially_equal(texts: Sequence[str]) -> Skip:
    """A predicate on pairs of rows: do their texts differ in nothing but case, spaces and punctuation?"""
    _, classes = np.unique(np.array([folded(text) for text in texts], dtype=object), return_inverse=True)

    def skip(i: Positions, j: Positions) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        same: np.ndarray[tuple[int], np.dtype[np.bool_]] = classes[i] == classes[j]
        return same

    return skip
