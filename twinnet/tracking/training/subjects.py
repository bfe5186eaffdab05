"""What a tracking network learns to follow: one target, seen once or in many frames."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.tracking.crops import Pixels

Mask = npt.NDArray[np.uint8]
KEPT = 64


@dataclass(frozen=True, slots=True)
class Sighting:
    """A target in one picture.

    Attributes:
        picture: The file.
        box: Where it is: x, y, w, h in pixels.
        mask: A file with its outline, white on black, of the picture's size; None if there is none.
    """

    picture: Path
    box: tuple[float, float, float, float]
    mask: Path | None = None


@dataclass(frozen=True)
class Subject:
    """One target.

    Attributes:
        sightings: Where it was seen, in the order of time.
    """

    sightings: Sequence[Sighting]


class Pictures:
    """Reads pictures, and keeps those used last; several threads may read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, Any] = OrderedDict()
        self._lock = Lock()

    def colour(self, path: Path) -> Pixels:
        """RGB, uint8 (H, W, 3)."""
        colour: Pixels = self._read(path, cv2.IMREAD_COLOR_RGB)
        return colour

    def mask(self, path: Path) -> Mask:
        """0 or 255, uint8 (H, W)."""
        outline: Mask = self._read(path, cv2.IMREAD_GRAYSCALE)
        return outline

    def _read(self, path: Path, mode: int) -> Any:
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        pixels = cv2.imread(str(path), mode)
        if pixels is None:
            raise TwinnetError(f"{path}: cannot be read as a picture: remove it from the training data")
        with self._lock:
            self._kept[path] = pixels
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return pixels
