"""The nearest rows by bfloat16 products, which say what has to be computed exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from twinnet.acceleration.processor import X86_BFLOAT16, has_instructions
from twinnet.index.metrics import PRODUCTS

# With fewer queries, to round the rows takes longer than it saves.
MANY_QUERIES = 64
QUERY_BLOCK, TILE = 256, 32768
# Rows that stay in the cache of the processor while they are changed.
CACHED = 1024
# Scores whose maximum stands for all of them; how many such groups there are for each score that is wanted.
GROUP = 32
FEW_GROUPS = 4
# Candidates for each wanted score beyond which exact products are as quick.
CROWD = 16
# Rounding to bfloat16 changes a number by at most this share of it; float32 sums lose their share with each summand.
HALF_STEP, SUMMAND = 2.0**-8, 2.0**-23
# The least number that counts, as a product or a square, and from where on lengths may be too large for a product.
TINY, HUGE = 1.2e-38, 1e30
# The least length that `torch.nn.functional.normalize` divides by.
EPS = 1e-12


class Candidates(NamedTuple):
    """Scores that may be among the best.

    Attributes:
        queries: The query of each (n,).
        columns: Its row (n,).
        highest: What the score is at most (n,).
    """

    queries: Tensor
    columns: Tensor
    highest: Tensor


def can_search(metric: str, queries: int, rows: int, k: int) -> bool:
    """Whether `search_rounded` is worth trying on this processor."""
    worth = queries >= MANY_QUERIES and 1 <= k <= min(rows, TILE) // (FEW_GROUPS * GROUP)
    return metric in PRODUCTS and worth and has_instructions(X86_BFLOAT16)


def search_rounded(queries: Tensor, rows: Tensor, k: int, *, normalize: bool = False) -> tuple[Tensor, Tensor] | None:
    """The best k products of each query: (Q, D), (N, D) -> scores and positions (Q, k), best first.

    A product of rounded rows is within a known distance of the exact one. So the maxima of k groups of products say how
    good the best k are at least, and only what may be as good is multiplied again, in float32.

    Args:
        queries: What is searched for, as it is to be multiplied.
        rows: What is searched.
        k: How many.
        normalize: Whether the rows are to be scaled to length 1 first.

    Returns:
        Equal scores are ordered by position. None where too many are as good, or a number is not finite or very large.
    """
    width = queries.shape[1]
    rounded, lengths = queries.bfloat16(), lengths_of(queries)
    if not bool((lengths < HUGE).all()):
        return None
    least = queries.new_full((len(queries), k), -torch.inf)  # what the best k are at least
    products = rounded.new_empty(min(len(queries), QUERY_BLOCK) * TILE)
    tile = rounded.new_empty(min(_in_groups(len(rows)), TILE), width)
    found = []
    for start in range(0, len(rows), TILE):
        some = rows[start : start + TILE]
        tile = tile[: _in_groups(len(some))]
        longest = _round(some, tile[: len(some)], normalize)
        errors = largest_error(lengths, 1.0 if normalize else longest, width)  # (Q,)
        if not (longest < HUGE and bool((errors < HUGE).all())):
            return None
        # What the best are at least rises ever more slowly: to look for it in tiles 0, 1, 2, 4, 8, ... is enough.
        number = start // TILE
        sharpens = number & (number - 1) == 0
        for first in range(0, len(queries), QUERY_BLOCK):
            block = slice(first, first + QUERY_BLOCK)
            scores = products[: len(tile) * len(rounded[block])].view(len(tile), -1)  # (M, Q)
            torch.mm(tile, rounded[block].T, out=scores)
            scores[len(some) :] = -torch.inf
            candidates = _candidates(scores, errors[block, None], least[block], sharpens)
            if candidates is None:
                return None
            found.append(Candidates(candidates.queries + first, candidates.columns + start, candidates.highest))
        if sharpens:
            found = [_likely(found, least.amin(1))]
    return _best(queries, rows, found, k, normalize)


def _in_groups(count: int) -> int:
    """As many rows, or the next number that groups divide."""
    return -(-count // GROUP) * GROUP


def _round(rows: Tensor, rounded: Tensor, normalize: bool) -> float:
    """Write rows into bfloat16 ones, scaled to length 1 if asked to; the length of the longest of `rows`."""
    longest = []
    for some, out in zip(rows.split(CACHED), rounded.split(CACHED), strict=True):
        lengths = torch.linalg.vector_norm(some, dim=1, keepdim=True)
        longest.append(lengths.amax())
        out.copy_(some / lengths.clamp_min(EPS) if normalize else some)
    return float(torch.stack(longest).amax()) + _lost(rows.shape[1])


def largest_error(lengths: Tensor, longest: Tensor | float, width: int) -> Tensor:
    """By how much a bfloat16 product of rows with these lengths may be off (N,).

    Both rows are rounded, and their product, and a float32 sum loses a little with each summand.
    """
    return lengths * longest * (1.001 * (3 * HALF_STEP + 2 * width * SUMMAND)) + 2 * width * TINY


def lengths_of(rows: Tensor) -> Tensor:
    """The lengths of rows (N,), or a little more: the squares of small numbers vanish."""
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=1) + _lost(rows.shape[1])
    return lengths


def _lost(width: int) -> float:
    return float((width * TINY) ** 0.5)


def _candidates(scores: Tensor, errors: Tensor, least: Tensor, sharpens: bool) -> Candidates | None:
    """What of (n * GROUP, Q) scores may be among the best k, which are at least `least` (Q, k); this is brought up."""
    k, groups = least.shape[1], len(scores) // GROUP
    # Rows that are far apart make a group, since near ones are often alike.
    maxima = scores.view(GROUP, groups, -1).amax(0).T.float()  # (Q, n)
    if sharpens:
        least.copy_(torch.cat([least, maxima - errors], 1).topk(k, dim=1, sorted=False).values)
    needed = least.amin(1, keepdim=True) - errors  # (Q, 1)
    query, group = (maxima >= needed).nonzero(as_tuple=True)
    if len(query) > CROWD * k * len(least):
        return None
    members = (group * len(least) + query)[:, None] + groups * len(least) * torch.arange(GROUP)  # (n, GROUP)
    values = scores.take(members).float()
    place, member = (values >= needed[query]).nonzero(as_tuple=True)
    query = query[place]
    return Candidates(query, group[place] + groups * member, values[place, member] + errors[query, 0])


def _likely(found: list[Candidates], least: Tensor) -> Candidates:
    """Those that may still be among the best, of which each query has its worst (Q,)."""
    every = _joined(found)
    kept = (every.highest >= least[every.queries]).nonzero()[:, 0]
    return Candidates(*(part[kept] for part in every))


def _joined(found: list[Candidates]) -> Candidates:
    return Candidates(*map(torch.cat, zip(*found, strict=True)))


def _best(queries: Tensor, rows: Tensor, found: list[Candidates], k: int, normalize: bool) -> tuple[Tensor, Tensor]:
    """The best k of the candidates of each query, by exact products."""
    candidates = _joined(found)
    pairs = zip(candidates.queries.split(CACHED), candidates.columns.split(CACHED), strict=True)
    exact = torch.cat([_products(queries, left, rows, right, normalize) for left, right in pairs])  # (n,)
    keys = (candidates.columns, -exact, candidates.queries)
    order = torch.from_numpy(np.lexsort([key.numpy() for key in keys]))
    counts = torch.bincount(candidates.queries, minlength=len(queries))
    chosen = order[(counts.cumsum(0) - counts)[:, None] + torch.arange(k)]  # (Q, k)
    return exact[chosen], candidates.columns[chosen]


def _products(queries: Tensor, left: Tensor, rows: Tensor, right: Tensor, normalize: bool) -> Tensor:
    """The products of some queries and rows, by their positions: (n,), (n,) -> (n,)."""
    one, other = queries.index_select(0, left), rows.index_select(0, right)
    return torch.bmm(one[:, None], (F.normalize(other) if normalize else other)[:, :, None]).flatten()
