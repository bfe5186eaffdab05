"""Landmarks of faces by an ensemble of regression trees (Kazemi and Sullivan 2014), with dlib's weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from twinnet.image.decoding import Pixels
from twinnet.verification.face.chips import similarity_transform
from twinnet.verification.face.dlib_format import DlibStream, Floats, Integers

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LandmarkPredictor:
    """A cascade of C forests of T trees with S splits and S + 1 leaves, on F pixels a forest, for P landmarks.

    Attributes:
        mean_shape: (P, 2), in coordinates where the face's box is the unit square.
        splits: Which two pixels a split compares (C, T, S, 2).
        thresholds: The difference above which a split goes left (C, T, S).
        leaves: What a leaf adds to the shape (C, T, S + 1, P, 2).
        anchors: The landmark that a pixel moves with (C, F).
        deltas: Where the pixel is from there (C, F, 2).
    """

    mean_shape: Floats
    splits: npt.NDArray[np.int16]
    thresholds: Floats
    leaves: Floats
    anchors: npt.NDArray[np.int16]
    deltas: Floats

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read dlib's `shape_predictor_*_face_landmarks.dat`.

        Raises:
            TwinnetError: If the file is damaged.
        """
        return cls.from_arrays(_read(DlibStream(path)))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The predictor that has these arrays."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})

    def __call__(self, image: Pixels, box: npt.ArrayLike) -> Points:
        """The landmarks of one face.

        Args:
            image: (H, W, 3).
            box: x, y, w, h of the face in pixels.

        Returns:
            (P, 2): x and y; dlib rounds them to whole pixels.
        """
        x, y, width, height = np.asarray(box, dtype=np.float64)
        # dlib's rectangles end at their last pixel.
        corner, size = np.array([x, y]), np.array([width - 1, height - 1])
        shape = self.mean_shape
        for cascade in range(len(self.splits)):
            intensities = self._intensities(image, corner, size, shape, cascade)
            # One after the other in single precision, as dlib adds them: else a pixel falls on its neighbour at times.
            shape = np.add.accumulate(np.concatenate([shape[None], self._grown(intensities, cascade)]))[-1]
        points: Points = corner + shape * size
        return points

    def _intensities(
        self, image: Pixels, corner: Points, size: Points, shape: Floats, cascade: int
    ) -> npt.NDArray[np.int64]:
        """The grey values (F,) under the pixels of a forest; black outside the picture."""
        turn = similarity_transform(self.mean_shape, shape)[:, :2].astype(np.float32)
        x, y = self.deltas[cascade].T[..., None]  # (F, 1)
        places = corner + (x * turn[:, 0] + y * turn[:, 1] + shape[self.anchors[cascade]]) * size  # (F, 2)
        columns, rows = np.floor(places + 0.5).astype(np.int64).T
        inside = (columns >= 0) & (rows >= 0) & (columns < image.shape[1]) & (rows < image.shape[0])
        values = np.zeros(len(places), dtype=np.int64)
        values[inside] = image[rows[inside], columns[inside]].sum(1, dtype=np.int64) // 3
        return values

    def _grown(self, intensities: npt.NDArray[np.int64], cascade: int) -> Floats:
        """The leaves (T, P, 2) that the trees of a forest end in."""
        first, second = np.moveaxis(self.splits[cascade], -1, 0)
        goes_left = intensities[first] - intensities[second] > self.thresholds[cascade]  # (T, S)
        count, splits = goes_left.shape
        trees, nodes = np.arange(count), np.zeros(count, dtype=np.int64)
        for _ in range((splits + 1).bit_length() - 1):
            nodes = 2 * nodes + np.where(goes_left[trees, nodes], 1, 2)
        grown: Floats = self.leaves[cascade, trees, nodes - splits]
        return grown


def _read(stream: DlibStream) -> dict[str, npt.NDArray[Any]]:
    stream.expect(1, "version of a landmark predictor")
    mean_shape = stream.matrix().reshape(-1, 2)
    cascades = stream.integer()
    forests = [_read_forest(stream, 2 * len(mean_shape)) for _ in range(cascades)]
    anchors = [_read_anchors(stream, len(mean_shape)) for _ in range(_same(stream, cascades))]
    deltas = [stream.floats(2 * stream.integer()).reshape(-1, 2) for _ in range(_same(stream, cascades))]
    stream.finish()
    splits, thresholds, leaves = (np.stack(parts) for parts in zip(*forests, strict=True))
    if len({*map(len, anchors), *map(len, deltas)}) != 1 or splits.max() >= len(deltas[0]):
        raise stream.damaged("the trees ask for more pixels than there are")
    return {
        "mean_shape": mean_shape,
        "splits": splits.astype(np.int16),
        "thresholds": thresholds,
        "leaves": leaves.reshape(*leaves.shape[:-1], -1, 2),
        "anchors": np.stack(anchors).astype(np.int16),
        "deltas": np.stack(deltas),
    }


def _read_forest(stream: DlibStream, width: int) -> tuple[Integers, Floats, Floats]:
    """Splits (T, S, 2), thresholds (T, S) and leaves (T, S + 1, width) of one forest.

    All trees are full and of one depth, so each has as many integers as the first.
    """
    count = stream.integer()
    splits = stream.integer()
    if count < 1 or splits < 1 or splits & (splits + 1):
        raise stream.damaged(f"{count} trees of {splits} splits")
    leaves = splits + 1
    # Sizes of the two lists, splits of 2 indices and a float, and leaves as matrices of `width` floats.
    record = 2 + splits * 4 + leaves * (2 + 2 * width)
    numbers = np.concatenate([[splits], stream.integers(count * record - 1)]).reshape(count, record)
    nodes = numbers[:, 1 : 1 + 4 * splits].reshape(count, splits, 4)
    ends = numbers[:, 2 + 4 * splits :].reshape(count, leaves, 2 + 2 * width)
    full = (numbers[:, 0] == splits) & (numbers[:, 1 + 4 * splits] == leaves)
    if not full.all() or (ends[..., 0] != -width).any() or (ends[..., 1] != -1).any() or nodes[..., :2].min() < 0:
        raise stream.damaged("a tree that is not full")
    values = ends[..., 2:].reshape(count, leaves, width, 2)
    return nodes[..., :2], stream.to_floats(nodes[..., 2:]), stream.to_floats(values)


def _read_anchors(stream: DlibStream, landmarks: int) -> Integers:
    anchors = stream.integers(stream.integer())
    if anchors.size and not 0 <= anchors.min() <= anchors.max() < landmarks:
        raise stream.damaged("a pixel that moves with no landmark")
    return anchors


def _same(stream: DlibStream, cascades: int) -> int:
    stream.expect(cascades, "number of forests")
    return cascades
