"""What a tracking network learns to follow: one target, seen once or in many frames."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels, decode

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
        self._kept: OrderedDict[Path, Pixels] = OrderedDict()
        self._lock = Lock()

    def colour(self, path: Path) -> Pixels:
        """RGB, uint8 (H, W, 3)."""
        return self._read(path, grey=False)

    def mask(self, path: Path) -> Mask:
        """0 or 255, uint8 (H, W)."""
        outline: Mask = self._read(path, grey=True)[:, :, 0]
        return outline

    def _read(self, path: Path, *, grey: bool) -> Pixels:
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        pixels = decode(path, grey=grey)
        with self._lock:
            self._kept[path] = pixels
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return pixels
