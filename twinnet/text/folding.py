"""Texts that are equal for all purposes."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import category, normalize

import numpy as np

from twinnet.mining.pairs import Positions, Skip


def folded(text: str) -> str:
    """The letters, marks on them, numbers and symbols of a text, without case."""
    plain = normalize("NFC", text.casefold())
    return "".join(character for character in plain if category(character)[0] in "LMNS")


def trivially_equal(texts: Sequence[str]) -> Skip:
    """A predicate on pairs of rows: do their texts differ in nothing but case, spaces and punctuation?"""
    _, classes = np.unique(np.array([folded(text) for text in texts], dtype=object), return_inverse=True)

    def skip(i: Positions, j: Positions) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        same: np.ndarray[tuple[int], np.dtype[np.bool_]] = classes[i] == classes[j]
        return same

    return skip
