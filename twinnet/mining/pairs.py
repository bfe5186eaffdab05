"""The most similar pairs among many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from twinnet.checks import check_count, check_score
from twinnet.embeddings import as_embeddings
from twinnet.index.metrics import PRODUCTS, block_scores, ready
from twinnet.mining.screening import LEAST, Screen, screen_for

# A block of scores that stays in the processor's cache.
ROWS = 1024
COLUMNS = 512
# After so many blocks of rows, when better pairs are known, a screen is chosen (again).
SCREENED = (1, 4, 16)
# Rows that may be good enough are picked out of a block unless they are a larger share of it.
SCATTERED = 0.3
# Rows of a block that are looked through at once.
STRIP = 32
# Candidates are sorted out when so many have come together, or after a block of rows if it is done at once.
BUFFER, FEW = 1 << 18, 1 << 15

Positions = npt.NDArray[np.int64]
Skip = Callable[[Positions, Positions], npt.NDArray[np.bool_]]


class Pair(NamedTuple):
    """Two rows, i < j, and how close they are; larger is closer."""

    i: int
    j: int
    score: float


def most_similar_pairs(
    embeddings: Any,
    top_k: int = 100,
    *,
    min_score: float | None = None,
    metric: str = "cosine",
    skip: Skip | None = None,
    progress: bool | None = False,
) -> list[Pair]:
    """Find the most similar pairs of all.

    The upper triangle of the similarity matrix is computed block by block. What is below the worst of the best pairs
    so far is dropped at once, so that memory does not grow with the number of pairs. Among many rows, what cannot be
    above it is often known from a part of the products (`Screen`).

    Args:
        embeddings: Rows (N, D).
        top_k: How many pairs.
        min_score: Pairs below it are left out.
        metric: "cosine", "ip", "l2", "l1" or "hamming".
        skip: Given the rows i and j of some pairs, says which of them do not count.
        progress: Whether to show a bar on standard error; None shows it on a terminal.

    Returns:
        Pairs, best first, equal ones by i and j.

    Raises:
        TwinnetError: If the embeddings cannot be taken, or `top_k` is less than 1.
    """
    check_count(top_k, "top_k")
    check_score(min_score, "min_score")
    rows = ready(as_embeddings(embeddings), metric)
    best = _Best(top_k, -np.inf if min_score is None else min_score, skip)
    total = len(rows) * (len(rows) - 1) // 2
    disable = None if progress is None else not progress
    buffer = rows.new_empty(ROWS * COLUMNS)
    screen: Screen | None = None
    with tqdm(total=total, desc="mine", unit="pair", unit_scale=True, disable=disable) as bar:
        for start in range(0, len(rows), ROWS):
            if 0 < best.held <= FEW:
                best.settle()
            if start // ROWS in SCREENED and len(rows) >= LEAST and metric in PRODUCTS and best.threshold > -np.inf:
                screen = screen_for(rows, best.threshold)
            bar.update(_compare(rows, start, metric, best, screen, buffer))
    return best.pairs()


def _compare(rows: Tensor, start: int, metric: str, best: _Best, screen: Screen | None, buffer: Tensor) -> int:
    """Offer the pairs of a block of rows with all that follow; how many there were."""
    block = slice(start, min(start + ROWS, len(rows)))
    numbers = np.arange(block.start, block.stop)
    for j in range(start, len(rows), COLUMNS):
        chosen = numbers
        if screen is not None and j >= block.stop:
            suspects = screen.suspects(block, slice(j, j + COLUMNS), best.threshold, buffer).numpy()
            if len(suspects) == 0:
                continue
            if len(suspects) < SCATTERED * len(numbers):
                chosen = numbers[suspects]
        scores = block_scores(rows[block] if chosen is numbers else rows[chosen], rows[j : j + COLUMNS], metric, buffer)
        if j < block.stop:
            scores.masked_fill_(torch.ones_like(scores, dtype=torch.bool).tril_(start - j), -torch.inf)
        best.offer(chosen, j, scores)
    size = len(numbers)
    return size * (len(rows) - block.stop) + size * (size - 1) // 2


class _Best:
    """The best pairs so far, and the score that a pair needs to be among them."""

    def __init__(self, top_k: int, threshold: float, skip: Skip | None) -> None:
        self.top_k = top_k
        self.threshold = threshold
        self.skip = skip
        self.i: list[Positions] = []
        self.j: list[Positions] = []
        self.scores: list[npt.NDArray[np.float32]] = []
        self.held = 0

    def offer(self, rows: Positions, j: int, scores: Tensor) -> None:
        """Take what is good enough of the scores of some rows with those from j on."""
        if not float(scores.max()) >= self.threshold:
            return
        # A few rows at a time: a block can hold millions that are good enough, and large masks fragment the heap.
        for first in range(0, len(scores), STRIP):
            strip = scores[first : first + STRIP]
            if float(strip.max()) >= self.threshold:
                self._take(rows[first : first + STRIP], j, strip)

    def _take(self, rows: Positions, j: int, scores: Tensor) -> None:
        good = scores >= self.threshold if self.threshold > -np.inf else scores > -torch.inf
        row, column = torch.nonzero(good, as_tuple=True)
        a, b = rows[row.numpy()], column.numpy() + j
        values = scores[row, column].numpy()
        if self.skip is not None and len(a):
            counts = ~np.asarray(self.skip(a, b), dtype=bool)
            a, b, values = a[counts], b[counts], values[counts]
        self.i.append(a)
        self.j.append(b)
        self.scores.append(values)
        self.held += len(a)
        if self.held > self.top_k + max(BUFFER // 8, self.top_k):
            self.settle()

    def settle(self) -> None:
        """Keep the best of all that was taken, and raise the threshold to the worst of them."""
        i, j, scores = np.concatenate(self.i), np.concatenate(self.j), np.concatenate(self.scores)
        if len(scores) > self.top_k:
            least = np.partition(scores, len(scores) - self.top_k)[len(scores) - self.top_k]
            near = scores >= least
            i, j, scores = i[near], j[near], scores[near]
        order = np.lexsort((j, i, -scores))[: self.top_k]
        self.i, self.j, self.scores = [i[order]], [j[order]], [scores[order]]
        self.held = len(order)
        if self.held == self.top_k:
            self.threshold = max(self.threshold, float(scores[order[-1]]))

    def pairs(self) -> list[Pair]:
        """The best, in order."""
        if not self.i:
            return []
        self.settle()
        columns = (part[0].tolist() for part in (self.i, self.j, self.scores))
        return [Pair(*values) for values in zip(*columns, strict=True)]
