"""Codes: sign bits packed into words, compared by counting the bits that differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from twinnet.embeddings import as_embeddings
from twinnet.errors import TwinnetError
from twinnet.quantization import pack_bits

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.uint16]
Places = npt.NDArray[np.int64]

WORD = 8  # bytes
# Codes whose words fit into the caches of a core together.
BLOCK = 65536


def as_codes(rows: Any, width: int | None, name: str = "embeddings") -> Bytes:
    """Packed sign bits (N, ceil(D / 8)) of embeddings (N, D), or such bits as they are, if they are uint8.

    Args:
        rows: Embeddings, or what `encode(quantize="binary")` gives.
        width: The number of bytes that a code must have.
        name: What they are called in an error.

    Raises:
        TwinnetError: If they are neither, or of another width.
    """
    are_codes = getattr(rows, "dtype", None) in (np.uint8, torch.uint8) and rows.ndim == 2
    codes = np.asarray(rows) if are_codes else pack_bits(as_embeddings(rows, name=name))
    if width is not None and codes.shape[1] != width:
        raise TwinnetError(f"{name}: codes of {codes.shape[1]} bytes, expected {width}: they come from another network")
    return codes


def as_words(codes: Bytes) -> Words:
    """The same bits in 64-bit words, the words of one place side by side: (N, B) -> (ceil(B / 8), N)."""
    padded = np.zeros((len(codes), -(-codes.shape[1] // WORD) * WORD), dtype=np.uint8)
    padded[:, : codes.shape[1]] = codes
    return np.ascontiguousarray(padded.view(np.uint64).T)


def differing(words: Words, code: Words) -> Counts:
    """In how many bits each code differs from one other: (W, N), (W,) -> (N,).

    Words of one place lie side by side, so that whole vectors of codes are compared at once.
    """
    counts: Counts = np.bitwise_count(words ^ code[:, None]).sum(0, dtype=np.uint16)
    return counts


def nearest(words: Words, code: Words, k: int) -> tuple[Counts, Places]:
    """The k codes that differ least from one, equal ones in order: their distances (k,) and places (k,)."""
    distances, places = np.empty(0, dtype=np.uint16), np.empty(0, dtype=np.int64)
    for start in range(0, words.shape[1], BLOCK):
        found = differing(words[:, start : start + BLOCK], code)
        # A later code has to be closer than the k-th so far: equal ones come in order.
        better = np.flatnonzero(found < distances[-1]) if len(distances) == k else np.arange(len(found))
        if len(better):
            distances = np.concatenate([distances, found[better]])
            places = np.concatenate([places, better + start])
            best = np.argsort(distances, kind="stable")[:k]
            distances, places = distances[best], places[best]
    return distances, places
