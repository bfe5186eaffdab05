"""Choosing a box among those of a box head."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twinnet.tracking.protocol import Inference
from twinnet.tracking.response import Map, cosine_window

Corner = npt.NDArray[np.float64]

# The boxes of so many cells on each side of the best one are averaged, with their scores to this power as weights.
VOTERS = 2
SHARPNESS = 4


class Choice(NamedTuple):
    """The chosen box.

    Attributes:
        place: Its middle x, y in pixels of the search crop.
        size: Its width and height there.
        score: Its score, without penalty and window.
        trust: From 0 to 1: how far the target's size goes towards it.
    """

    place: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    score: float
    trust: float


class BoxMapReader:
    """Reads box maps of one shape, as Li et al. 2018 (https://arxiv.org/abs/1804.06403, section 4.3) choose a proposal.

    Args:
        places: Where each cell of an axis is in the search crop, see `target_places`.
        search_size: The side of the search crop.
        inference: The constants.
    """

    def __init__(self, places: npt.NDArray[np.float64], search_size: int, inference: Inference) -> None:
        self.inference = inference
        self.places = places
        axis = cosine_window((places - search_size / 2) / (places[1] - places[0]), len(places))
        self.window = inference.window_influence * np.outer(axis, axis)

    def choose(self, scores: Map, edges: Map, size: npt.NDArray[np.float64]) -> Choice:
        """Choose a box.

        Args:
            scores: (H', W').
            edges: (4, H', W').
            size: The present width and height of the target in pixels of the search crop.
        """
        left, top, right, bottom = edges
        width, height = np.maximum(left + right, 1), np.maximum(top + bottom, 1)
        change = _either(_extent(width, height) / _extent(*size)) * _either((width / height) / (size[0] / size[1]))
        penalty = np.exp(-(change - 1) * self.inference.size_penalty)
        blended = scores * penalty * (1 - self.inference.window_influence) + self.window
        row, column = divmod(int(blended.argmax()), blended.shape[1])
        low, high = self._agreed(scores, edges, row, column)
        score = float(scores[row, column])
        trust = float(penalty[row, column]) * score * self.inference.scale_damping
        return Choice((low + high) / 2, high - low, score, trust)

    def _agreed(self, scores: Map, edges: Map, row: int, column: int) -> tuple[Corner, Corner]:
        """The corners of the mean of the boxes around a cell, which err less than one; good scores count for more."""
        rows, columns = (slice(max(0, i - VOTERS), i + VOTERS + 1) for i in (row, column))
        near = scores[rows, columns].astype(np.float64)
        weights = (near / near.max()) ** SHARPNESS if near.max() > 0 else np.ones_like(near)
        weights /= weights.sum()
        x, y = self.places[columns][None, :], self.places[rows][:, None]
        left, top, right, bottom = edges[:, rows, columns]
        corners = [[x - left, y - top], [x + right, y + bottom]]
        low, high = (np.array([(weights * of_axis).sum() for of_axis in corner]) for corner in corners)
        return low, high


def _extent(width: Map | float, height: Map | float) -> Map:
    """The side of the exemplar region of a box (eq. 13 there)."""
    margin = (width + height) / 2
    extent: Map = np.sqrt((width + margin) * (height + margin))
    return extent


def _either(ratio: Map) -> Map:
    return np.maximum(ratio, 1 / ratio)
