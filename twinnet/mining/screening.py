"""Pairs that cannot be among the best, found by a part of their product."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from twinnet.acceleration.processor import X86_BFLOAT16, has_instructions
from twinnet.index.metrics import TILE, block_scores
from twinnet.index.rounding import HUGE, largest_error, lengths_of

# Fewer rows are compared sooner than they are turned.
LEAST = 1 << 14
SAMPLE = 2048
# The shares of the coordinates that are tried as leading ones.
SHARES = (1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8)
# A suspect row is compared again at a higher price than that of a row of a large product.
PRICE = 2.0
# A bound that would save less than this share of the products is none.
GAIN = 0.2
# The share of the time that bfloat16 products take where the processor has them.
ROUNDED = 0.3
# For the digits that the bound itself loses.
MARGIN = 1e-5


class Screen(Protocol):
    """Says which pairs cannot be good enough."""

    def suspects(self, block: slice, columns: slice, least: float, buffer: Tensor) -> Tensor:
        """Which rows of a block may score at least so much with any of the columns."""


class LeadingScreen:
    """Upper bounds of the scores of all pairs from the leading coordinates of rows.

    The rows are turned to their principal axes, so that few coordinates hold most of their lengths. What the others can
    add to a product is at most the product of the lengths that are left (Cauchy-Schwarz), which makes one coordinate
    more.

    Args:
        rows: Rows (N, D).
        axes: Orthonormal axes (D, d), the leading ones.
    """

    def __init__(self, rows: Tensor, axes: Tensor) -> None:
        squares = rows.square().sum(1)
        self.leading = _extended(rows @ axes, squares)  # (N, d + 1)
        self.margin = MARGIN * float(squares.max())

    def suspects(self, block: slice, columns: slice, least: float, buffer: Tensor) -> Tensor:
        """As `Screen`."""
        bounds = block_scores(self.leading[block], self.leading[columns], "ip", buffer)
        return torch.nonzero(bounds.amax(1) >= least - self.margin)[:, 0]


class RoundedScreen:
    """Upper bounds of the scores of all pairs from products of rows rounded to bfloat16.

    Args:
        rows: Rows (N, D).
    """

    def __init__(self, rows: Tensor) -> None:
        self.rounded = rows.bfloat16()
        longest = lengths_of(rows).amax()
        self.margin = float(largest_error(longest, longest, rows.shape[1]))

    def suspects(self, block: slice, columns: slice, least: float, buffer: Tensor) -> Tensor:
        """As `Screen`."""
        del buffer
        products = self.rounded[columns] @ self.rounded[block].T
        return torch.nonzero(products.amax(0).float() >= least - self.margin)[:, 0]


def screen_for(rows: Tensor, least: float) -> Screen | None:
    """The screen that leaves least to do for pairs that score so much; None if the products are as quick."""
    sample = rows[torch.linspace(0, len(rows) - 1, SAMPLE).long()]
    axes = torch.linalg.eigh(sample.T @ sample).eigenvectors.flip(1)  # (D, D), the longest first
    turned, squares = sample @ axes, sample.square().sum(1)
    costs = {}
    for share in SHARES:
        count = max(1, int(rows.shape[1] * share))
        leading = _extended(turned[:, :count], squares)
        bounds = (leading @ leading.T).fill_diagonal_(-torch.inf)
        suspect = (bounds >= least).unflatten(1, (-1, TILE)).any(2).float().mean()
        costs[count] = (count + 1) / rows.shape[1] + PRICE * float(suspect)
    count = min(costs, key=lambda each: costs[each])
    if costs[count] > ROUNDED and has_instructions(X86_BFLOAT16):
        rounded = RoundedScreen(rows)
        return rounded if rounded.margin < HUGE else None
    return LeadingScreen(rows, axes[:, :count]) if costs[count] <= 1 - GAIN else None


def _extended(leading: Tensor, squares: Tensor) -> Tensor:
    rest = (squares - leading.square().sum(1)).clamp_min(0).sqrt()
    return torch.cat([leading, rest[:, None]], 1)
