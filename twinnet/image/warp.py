"""A random change of shape in one resampling: turned, scaled, sheared, moved and bent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from twinnet.errors import TwinnetError

Places = npt.NDArray[np.float32]


class Warp:
    """Draws an affine map and a smooth displacement, and resamples once: an order of magnitude faster than a chain.

    Simard, Steinkraus and Platt 2003 bend digits by a smoothed random field; here the field is the cubic interpolation
    of a coarse grid of random displacements.

    Args:
        degrees: The largest turn.
        scale: The largest share by which the picture grows or shrinks.
        aspect: The largest log factor between its sides.
        shear: The largest slant on each axis, in degrees.
        translate: The largest move, as a share of each side.
        bend: The standard deviation of the displacements, as a share of each side.
        knots: Rows and columns of their grid.
        fill: The level of what comes in from outside.

    Raises:
        TwinnetError: If an argument is negative, or the scale would reach nothing.
    """

    def __init__(
        self,
        degrees: float = 0.0,
        scale: float = 0.0,
        aspect: float = 0.0,
        shear: float = 0.0,
        translate: float = 0.0,
        bend: float = 0.0,
        knots: Sequence[int] = (5, 5),
        fill: float = 0.0,
    ) -> None:
        if min(degrees, scale, aspect, shear, translate, bend, *knots) < 0 or scale >= 1 or shear >= 90:
            raise TwinnetError("Warp: amounts are 0 or more, the scale below 1 and the shear below 90 degrees")
        self.limits = torch.tensor([math.radians(degrees), scale, aspect, *[math.radians(shear)] * 2, *[translate] * 2])
        self.bend = bend
        self.knots = (int(knots[0]), int(knots[1]))
        self.fill = fill

    def __call__(self, picture: Tensor) -> Tensor:
        """uint8 (C, H, W) -> uint8 (C, H, W)."""
        draw = ((torch.rand(len(self.limits)) * 2 - 1) * self.limits).tolist()
        field = torch.randn(2, *self.knots).numpy()  # (2, rows, columns)
        pixels = picture.numpy().transpose(1, 2, 0)  # (H, W, C)
        x, y = self._places(pixels.shape[0], pixels.shape[1], draw, field)
        moved = cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderValue=(self.fill,) * 4)
        return torch.from_numpy(moved.reshape(pixels.shape).transpose(2, 0, 1))

    def _places(self, height: int, width: int, draw: list[float], field: Places) -> tuple[Places, Places]:
        """Where each pixel comes from: x and y, (H, W) each."""
        turn, grow, aspect, slant_x, slant_y, move_x, move_y = draw
        cos, sin = math.cos(turn), math.sin(turn)
        stretch = np.array([[math.exp(aspect / 2), math.tan(slant_x)], [math.tan(slant_y), math.exp(-aspect / 2)]])
        matrix = np.array([[cos, -sin], [sin, cos]]) @ stretch / (1 + grow)
        sides = np.array([width, height])
        bend = self.bend * sides[:, None, None] * field
        return source_places((height, width), matrix, sides * (move_x, move_y), bend)


def source_places(
    size: tuple[int, int], matrix: npt.NDArray[np.float64], shift: npt.ArrayLike, bend: npt.NDArray[Any]
) -> tuple[Places, Places]:
    """Where each pixel of a changed picture comes from, as `cv2.remap` takes it.

    Args:
        size: Height and width.
        matrix: A linear map (2, 2) of x and y about the middle.
        shift: What is added, x and y in pixels.
        bend: Displacements in pixels on a coarse grid (2, rows, columns), smooth in between.

    Returns:
        x and y, (H, W) each.
    """
    height, width = size
    u = np.arange(width, dtype=np.float32) - (width - 1) / 2  # (W,)
    v = np.arange(height, dtype=np.float32)[:, None] - (height - 1) / 2  # (H, 1)
    axes = zip(matrix.astype(np.float32), (width - 1, height - 1), np.asarray(shift), bend, strict=True)
    found = []
    for row, last, move, field in axes:
        # In double precision OpenCV resizes five times as fast here.
        places = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        places += row[0] * u + np.float32(last / 2 + move)
        places += row[1] * v
        found.append(places)
    return found[0], found[1]
