"""An index: how stored embeddings are searched."""

from typing import Any

import numpy as np
from sklearn.neighbors import KDTree
from twinnet import TwinnetError
from twinnet.index import ExactIndex
from twinnet.index.base import Ids, Scores


class TreeIndex(ExactIndex):
    """Euclidean search in a tree: quick where embeddings have few dimensions."""

    def __init__(self, metric: str = "l2") -> None:
        super().__init__(metric)
        self.tree, self.grown = None, None
        if metric != "l2":
            raise TwinnetError(f"a tree ranks by 'l2', not by {metric!r}")

    def search(self, queries: Any, k: int) -> tuple[Scores, Ids]:
        """The k closest rows of each query: scores and ids (Q, k), best first."""
        if self.grown is not self.rows:  # rows were added or removed
            self.tree, self.grown = KDTree(self.rows.numpy()), self.rows
        apart, rows = self.tree.query(np.atleast_2d(queries), min(k, len(self)))
        return -apart.astype(np.float32), self.ids[rows]
