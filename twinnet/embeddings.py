"""Stored embeddings: what counts as one, and the checks that every function on them makes first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from twinnet.errors import TwinnetError

Embeddings = npt.NDArray[np.float32]

CODES = (np.uint8, np.int8, torch.uint8, torch.int8)


def as_embeddings(rows: Any, width: int | None = None, name: str = "embeddings") -> Embeddings:
    """Embeddings as a float32 array (N, D).

    Args:
        rows: Anything that NumPy makes an array of.
        width: The D that they must have.
        name: What they are called in an error.

    Raises:
        TwinnetError: If they are not a table of finite numbers, or have another width; the message names the row.
    """
    array = as_table(rows, width, name)
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise TwinnetError(f"{name}: row {int(np.argmin(finite))} is not finite: embed it again")
    return array


def as_table(rows: Any, width: int | None = None, name: str = "embeddings") -> Embeddings:
    """As `as_embeddings`, without a look at each number: for who will notice one that is not finite.

    Raises:
        TwinnetError: If they are not a table, or have another width, or are codes of one byte.
    """
    _refuse_codes(rows, name)
    rows = rows.detach().cpu() if isinstance(rows, Tensor) else rows
    try:
        array = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise TwinnetError(f"{name}: not a table of numbers ({error})") from error
    if array.ndim != 2:
        raise TwinnetError(f"{name}: {array.ndim} dimensions, expected a table (rows, width)")
    if width is not None and array.shape[1] != width:
        raise TwinnetError(f"{name}: width {array.shape[1]}, expected {width}: they come from another network")
    return np.ascontiguousarray(array)


def is_stored(items: Any) -> bool:
    """Whether these are embeddings: a floating-point array or tensor of one or two dimensions."""
    if isinstance(items, Tensor):
        return items.is_floating_point() and items.ndim in (1, 2)
    return isinstance(items, np.ndarray) and np.issubdtype(items.dtype, np.floating) and items.ndim in (1, 2)


def as_rows(items: Any) -> Tensor:
    """Embeddings (D,) or (N, D) of any layout and floating-point type as a float32 tensor (N, D).

    Raises:
        TwinnetError: If they are codes of one byte.
    """
    _refuse_codes(items, "embeddings")
    rows = items if isinstance(items, Tensor) else torch.from_numpy(np.array(items, dtype=np.float32, order="C"))
    table: Tensor = torch.atleast_2d(rows)
    return table.float()


def stored_rows(items: Any, width: int, place: str) -> Tensor:
    """Stored embeddings (D,) or (N, D) as a float32 tensor (N, D).

    Args:
        items: The embeddings.
        width: The D that the network's embeddings have.
        place: Where they are, for errors.

    Raises:
        TwinnetError: If they have another width, or are not finite; the message names the row.
    """
    stored = as_rows(items)
    if stored.shape[1] != width:
        raise TwinnetError(
            f"the stored embeddings {place} have width {stored.shape[1]}, this network's have {width}: "
            "they were made by another network or with another truncate_dim"
        )
    bad = torch.nonzero(~torch.isfinite(stored).all(1))
    if len(bad):
        raise TwinnetError(f"the stored embedding in row {int(bad[0])} {place} is not finite: embed it again")
    return stored


def _refuse_codes(rows: Any, name: str) -> None:
    if getattr(rows, "dtype", None) in CODES:
        raise TwinnetError(
            f"{name}: {rows.dtype} codes are no embeddings: packed bits go into HammingIndex, int8 codes through "
            "Int8Ranges.restore, and numbers of your own as float32"
        )
