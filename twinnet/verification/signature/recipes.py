"""How the papers, and twinnet's own network, fit the ink of a signature to the size that a network sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError, unknown_name
from twinnet.image.decoding import Pixels
from twinnet.verification.signature.ink import Ink


class Recipe(Protocol):
    """Fits ink to a fixed size.

    Attributes:
        size: Height and width of what comes out.
        scale: What 255 becomes in the batch.
    """

    size: tuple[int, int]
    scale: float

    def fit(self, ink: Pixels) -> tuple[Pixels, int]:
        """The fitted ink, uint8 of `size`, and how many pixels of ink were cut off."""


class Hafemann:
    """Centred on a canvas by its centre of mass, resized, and cropped (Hafemann, Sabourin, Oliveira 2017, section 3.3).

    A blur of radius 2 and Otsu's threshold find the signature, whose tight box is laid on the canvas; what is lighter
    than the threshold becomes paper; the canvas is resized to 170 x 242, and its middle 150 x 220 is kept, as the
    authors' code does (https://github.com/luizgh/sigver). So the size of the signature, in pixels of the scan, is kept.
    What does not fit on the canvas is cut off.

    Args:
        canvas: Height and width of the canvas in pixels of the scan; the paper's for GPDS unless given.
        resized: Height and width that the canvas is resized to.
        size: Height and width of the middle that is kept.
    """

    BLUR: ClassVar = 2.0
    scale: float = 1.0

    def __init__(
        self,
        canvas: Sequence[int] = (952, 1360),
        resized: Sequence[int] = (170, 242),
        size: Sequence[int] = (150, 220),
    ) -> None:
        self.canvas, self.resized, self.size = _pair(canvas), _pair(resized), _pair(size)
        if self.size[0] > self.resized[0] or self.size[1] > self.resized[1]:
            raise TwinnetError(f"size {self.size} is larger than resized {self.resized}: it is cut out of its middle")

    def fit(self, ink: Pixels) -> tuple[Pixels, int]:
        """Ink (H, W) on the canvas, resized and cropped."""
        threshold, _ = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        rows, columns = np.nonzero(cv2.GaussianBlur(ink, (0, 0), self.BLUR) > threshold)
        if not len(rows):  # strokes so fine that the blur leaves nothing
            rows, columns = np.nonzero(ink > threshold)
        top, left = rows.min(), columns.min()
        cropped = ink[top : rows.max() + 1, left : columns.max() + 1]
        centre = (int(rows.mean() - top), int(columns.mean() - left))
        canvas = np.zeros(self.canvas, np.uint8)
        source, target = zip(
            *(_placed(n, room, c) for n, room, c in zip(cropped.shape, self.canvas, centre, strict=True)), strict=True
        )
        canvas[target] = cropped[source]
        lost = int(np.count_nonzero(cropped > threshold) - np.count_nonzero(canvas > threshold))
        canvas[canvas < threshold] = 0
        return _middle(_cover(canvas, self.resized), self.size), lost


class Dey:
    """The whole picture squashed to 155 x 220 and divided by a standard deviation (Dey et al. 2017, section 3.1).

    Args:
        std: The standard deviation of all pixels, of 0 to 255, of the fitted pictures of the data set.
        size: Height and width.
    """

    def __init__(self, std: float = 255.0, size: Sequence[int] = (155, 220)) -> None:
        if not 0 < std < math.inf:
            raise TwinnetError(f"std is {std}: it must be positive")
        self.size = _pair(size)
        self.scale = 255.0 / std

    def fit(self, ink: Pixels) -> tuple[Pixels, int]:
        """Ink (H, W) to the size, whatever its aspect, by bilinear interpolation."""
        return cv2.resize(ink, self.size[::-1], interpolation=cv2.INTER_LINEAR), 0


class Fitted:
    """The box around the ink, resized to touch a margin without being stretched, in the middle of the picture.

    Needs no resolution: a photograph and a scan of one signature come out alike.

    Args:
        size: Height and width.
        margin: Paper that stays free at each side, in pixels.
    """

    scale: float = 1.0

    def __init__(self, size: Sequence[int] = (64, 128), margin: int = 4) -> None:
        self.size = _pair(size)
        self.margin = margin
        if margin < 0 or min(self.size) <= 2 * margin:
            raise TwinnetError(f"size {self.size} leaves nothing between margins of {margin} pixels")

    def fit(self, ink: Pixels) -> tuple[Pixels, int]:
        """Ink (H, W), cropped and resized by area, or bilinearly where it grows."""
        box = Ink(ink).box()
        factor = min((room - 2 * self.margin) / n for room, n in zip(self.size, box.shape, strict=True))
        height, width = (max(1, round(n * factor)) for n in box.shape)
        resized = cv2.resize(box, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        fitted = np.zeros(self.size, np.uint8)
        top, left = (self.size[0] - height) // 2, (self.size[1] - width) // 2
        fitted[top : top + height, left : left + width] = resized
        return fitted, 0


RECIPES: dict[str, type[Hafemann | Dey | Fitted]] = {"hafemann": Hafemann, "dey": Dey, "fitted": Fitted}


def make_recipe(name: str, **options: Any) -> Recipe:
    """A recipe from its name and options.

    Raises:
        TwinnetError: If either is unknown or makes no sense.
    """
    if name not in RECIPES:
        raise unknown_name("signature recipe", name, RECIPES)
    try:
        return RECIPES[name](**options)
    except TypeError as error:
        raise TwinnetError(f"signature recipe {name!r}: {error}") from error


def _pair(size: Sequence[int]) -> tuple[int, int]:
    if len(size) != 2 or min(size) < 1:
        raise TwinnetError(f"{size} is no height and width in pixels")
    return int(size[0]), int(size[1])


def _placed(length: int, room: int, centre: int) -> tuple[slice, slice]:
    """Where a stretch lies in a room with its centre in the middle, as far as it fits: source and target."""
    if length > room:
        start = (length - room) // 2
        return slice(start, start + room), slice(0, room)
    start = max(0, min(room // 2 - centre, room - length))
    return slice(0, length), slice(start, start + length)


def _cover(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize without stretching until the size is covered, and cut its middle out."""
    factor = max(wanted / n for wanted, n in zip(size, picture.shape, strict=True))
    height, width = (max(s, round(n * factor)) for s, n in zip(size, picture.shape, strict=True))
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    return _middle(resized, size)


def _middle(picture: npt.NDArray[np.uint8], size: tuple[int, int]) -> Pixels:
    top, left = (picture.shape[0] - size[0]) // 2, (picture.shape[1] - size[1]) // 2
    return picture[top : top + size[0], left : left + size[1]]
