"""The ids of the rows of an index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.index.base import Ids

LARGEST = 2**63 - 1


def joined(ids: Ids, count: int, given: Sequence[int] | Ids | None) -> Ids:
    """The ids of an index after `count` rows more.

    Args:
        ids: Those so far (N,).
        count: How many rows are added.
        given: Their ids; the next free numbers unless given.

    Raises:
        TwinnetError: If there is not one id for each row, or one is taken.
    """
    fresh = _following(ids, count) if given is None else _whole(given)
    if len(fresh) != count:
        raise TwinnetError(f"{count} rows and {len(fresh)} ids: give one id for each row")
    together: Ids = np.concatenate([ids, fresh])
    values, counts = np.unique(together, return_counts=True)
    if (counts > 1).any():
        raise TwinnetError(f"id {values[counts > 1][0]} is in the index already: remove it first")
    return together


def _following(ids: Ids, count: int) -> Ids:
    start = int(ids.max(initial=-1)) + 1
    if start + count - 1 > LARGEST:
        raise TwinnetError(f"there is no number after the largest id, {start - 1}: give ids for the rows")
    return np.arange(start, start + count, dtype=np.int64)


def staying(ids: Ids, gone: Sequence[int] | Ids) -> npt.NDArray[np.bool_]:
    """Which rows stay when some are removed (N,).

    Raises:
        TwinnetError: If an id is not in the index.
    """
    removed = _whole(gone)
    missing = np.setdiff1d(removed, ids)
    if len(missing):
        raise TwinnetError(f"id {missing[0]} is not in the index")
    return ~np.isin(ids, removed)


def _whole(ids: Sequence[int] | Ids) -> Ids:
    array = np.asarray(ids)
    if array.ndim != 1 or (len(array) and not np.issubdtype(array.dtype, np.integer)):
        raise TwinnetError(f"ids {ids!r:.60}: expected a list of whole numbers")
    if len(array) and int(array.max()) > LARGEST:
        raise TwinnetError(f"id {array.max()} is larger than {LARGEST}: ids are whole numbers of 64 bits with a sign")
    return array.astype(np.int64)
