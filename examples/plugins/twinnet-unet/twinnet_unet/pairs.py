"""Pairs of pictures of one scene made from single photographs, each a function of the seed and its row alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.data.examples import Examples
from twinnet.image.decoding import Pixels
from twinnet.supervision import Supervision
from twinnet_unet.disturbances import misregister, photograph_again, relight
from twinnet_unet.photographs import Photographs, read, read_mask

Random = np.random.Generator
Mask = npt.NDArray[np.uint8]

# Changes in an area of 96 x 96 pixels, and their size in pixels.
DENSITY = 2.0
SMALLEST, LARGEST = 12, 48
# Share of the objects that are a piece of any photograph, though there are some with a mask.
PIECES = 0.3


@dataclass(frozen=True)
class Pair:
    """Two pictures of one scene.

    Attributes:
        before: uint8 (S, S, 3).
        after: Likewise, in other light and not quite in the same place.
        same: 1 where the scene is the same, as seen in `before`, 0 where an object came or went (S, S).
    """

    before: Pixels
    after: Pixels
    same: Mask


class ChangePairs:
    """Draws pairs.

    Args:
        photographs: What scenes and objects are taken from.
        size: The side of the pictures, in pixels.
        seed: Of all draws.
    """

    def __init__(self, photographs: Photographs, size: int = 96, seed: int = 0) -> None:
        self.photographs = photographs
        self.size = size
        self.seed = seed
        self.pair = lru_cache(maxsize=64)(self._pair)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.photographs, self.size, self.seed)

    def examples(self, rows: int) -> Examples:
        """The first `rows` pairs as training examples."""
        before, after, same = (_Rows(self, rows, field) for field in ("before", "after", "same"))
        return Examples((before, after), same, Supervision.ALIGNED_PAIRS)

    def _pair(self, row: int) -> Pair:
        rng = np.random.default_rng([self.seed, row])
        scene = self._piece(self.size, rng)
        changed, same = scene, np.ones((self.size, self.size), np.uint8)
        for _ in range(rng.poisson(DENSITY * (self.size / 96) ** 2)):
            pixels, outline = self._object(rng)
            changed, same = _paste(changed, same, pixels, outline, rng)
        # What was pasted came, or, the other way round, went.
        before, after = (scene, changed) if rng.random() < 0.5 else (changed, scene)
        after = misregister(relight(after, rng), rng)
        return Pair(photograph_again(before, rng), photograph_again(after, rng), same)

    def _piece(self, size: int, rng: Random) -> Pixels:
        """A square of a photograph, up to twice as large, and perhaps mirrored."""
        picture = read(_any(self.photographs.scenes, rng))
        side = int(min(*picture.shape[:2], size * rng.uniform(1, 2)))
        top, left = (rng.integers(length - side + 1) for length in picture.shape[:2])
        piece = cv2.resize(picture[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(piece[:, ::-1] if rng.random() < 0.5 else piece, np.uint8)

    def _object(self, rng: Random) -> tuple[Pixels, Mask]:
        """Something to paste and its outline: an object with a mask, or a piece of a photograph with round corners."""
        size = int(rng.integers(SMALLEST, LARGEST + 1))
        if not self.photographs.objects or rng.random() < PIECES:
            return self._piece(size, rng), _blob(size, rng)
        path = _any(self.photographs.objects, rng)
        picture, mask = read(path), read_mask(path)
        x, y, w, h = cv2.boundingRect(mask)
        if min(w, h) == 0:
            return self._piece(size, rng), _blob(size, rng)
        scale = size / max(w, h)
        shape = (max(2, round(w * scale)), max(2, round(h * scale)))
        window = np.s_[y : y + h, x : x + w]
        pixels, outline = (cv2.resize(m[window], shape, interpolation=cv2.INTER_AREA) for m in (picture, mask))
        return pixels, outline


def _blob(size: int, rng: Random) -> Mask:
    """A random outline around the middle, 0 or 255."""
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    radii = size / 2 * rng.uniform(0.5, 1.0, len(angles))
    corners = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] + size / 2
    outline: Mask = cv2.fillPoly(np.zeros((size, size), np.uint8), [corners.round().astype(np.int32)], (255,))
    return outline


def _paste(scene: Pixels, same: Mask, pixels: Pixels, outline: Mask, rng: Random) -> tuple[Pixels, Mask]:
    """The scene with an object at a random place, perhaps partly outside, and what is still the same."""
    height, width = outline.shape
    limits = scene.shape[0] - height // 2, scene.shape[1] - width // 2
    top, left = (
        int(rng.integers(-(length // 2), limit)) for length, limit in zip((height, width), limits, strict=True)
    )
    rows, columns = slice(max(top, 0), top + height), slice(max(left, 0), left + width)
    there = np.zeros(scene.shape[:2], np.uint8)
    object_ = np.zeros_like(scene)
    seen = there[rows, columns].shape
    inside = np.s_[max(-top, 0) : max(-top, 0) + seen[0], max(-left, 0) : max(-left, 0) + seen[1]]
    there[rows, columns] = outline[inside]
    object_[rows, columns] = pixels[inside]
    alpha = cv2.GaussianBlur(there, (3, 3), 0)[:, :, None] / 255.0
    changed = np.where(alpha > 0, scene + (object_ - scene.astype(float)) * alpha, scene)
    return changed.astype(np.uint8), same * (there < 128)


def _any(paths: Sequence[Path], rng: Random) -> Path:
    return paths[int(rng.integers(len(paths)))]


class _Rows(Sequence[Any]):
    """One field of the pairs."""

    def __init__(self, pairs: ChangePairs, rows: int, field: str) -> None:
        self.pairs = pairs
        self.rows = rows
        self.field = field

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, row: Any) -> Any:
        if not 0 <= row < self.rows:
            raise IndexError(row)
        return getattr(self.pairs.pair(int(row)), self.field)
