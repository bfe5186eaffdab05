"""The index contract."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from twinnet.component import Component

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


class Index(Component, ABC):
    """Embeddings with ids, kept to be searched again and again.

    Attributes:
        metric: What ranks: "cosine", "ip", "l2", "l1" or "hamming".
        ids: The ids of the rows (N,), in the order in which they were added.
    """

    metric: str
    ids: Ids

    @abstractmethod
    def add(self, embeddings: Any, ids: Sequence[int] | Ids | None = None) -> None:
        """Add rows (N, D).

        Args:
            embeddings: The rows.
            ids: A number for each; the next free ones unless given.

        Raises:
            TwinnetError: If rows cannot be taken, or an id is in the index already.
        """

    @abstractmethod
    def remove(self, ids: Sequence[int] | Ids) -> None:
        """Remove rows.

        Raises:
            TwinnetError: If an id is not in the index.
        """

    @abstractmethod
    def search(self, queries: Any, k: int) -> tuple[Scores, Ids]:
        """Find the closest rows of each query.

        Args:
            queries: Embeddings (Q, D).
            k: How many; all of them where the index holds fewer.

        Returns:
            Scores (Q, k), larger is closer, best first, and the ids (Q, k).
        """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def save(self, folder: str | Path) -> Path:
        """Write it into a folder, atomically."""

    @classmethod
    @abstractmethod
    def load(cls, folder: str | Path) -> Self:
        """Read a folder that `save` wrote.

        Raises:
            TwinnetError: If a file is missing, truncated or changed.
        """
