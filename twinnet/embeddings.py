"""The check that every function on stored embeddings makes first."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError

Embeddings = npt.NDArray[np.float32]


def as_embeddings(rows: Any, width: int | None = None, name: str = "embeddings") -> Embeddings:
    """Embeddings as a float32 array (N, D).

    Args:
        rows: Anything that NumPy makes an array of.
        width: The D that they must have.
        name: What they are called in an error.

    Raises:
        TwinnetError: If they are not a table of finite numbers, or have another width; the message names the row.
    """
    try:
        array = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise TwinnetError(f"{name}: not a table of numbers ({error})") from error
    if array.ndim != 2:
        raise TwinnetError(f"{name}: {array.ndim} dimensions, expected a table (rows, width)")
    if width is not None and array.shape[1] != width:
        raise TwinnetError(f"{name}: width {array.shape[1]}, expected {width}: they come from another network")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise TwinnetError(f"{name}: row {int(np.argmin(finite))} is not finite: embed it again")
    return np.ascontiguousarray(array)
