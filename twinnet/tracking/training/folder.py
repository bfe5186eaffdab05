"""Subjects from folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from twinnet.data.sequences import Sequence, read_sequences
from twinnet.errors import TwinnetError
from twinnet.picture_files import is_picture
from twinnet.tracking.training.subjects import Sighting, Subject

# Smaller targets show the network nothing but blur.
SMALLEST = 10.0


def clips(root: Path) -> list[Subject]:
    """Targets that move: all sequences below a folder, in the layouts of `read_sequences`.

    Raises:
        TwinnetError: If there is none, or an annotation does not fit its pictures.
    """
    found = [Subject(list(_sightings(sequence))) for sequence in read_sequences(root)]
    return [subject for subject in found if subject.sightings]


def stills(root: Path) -> list[Subject]:
    """Targets that are seen once: every box of every annotation below a folder is one of its own."""
    return [Subject([sighting]) for subject in clips(root) for sighting in subject.sightings]


def patches(root: Path, seed: int = 0, each: int = 2) -> list[Subject]:
    """Random patches of all pictures below `root`: a network can learn from them without any box."""
    rng = np.random.default_rng(seed)
    found = []
    for path in sorted(p for p in root.rglob("*") if is_picture(p) and not p.stem.endswith("_mask")):
        frame = cv2.imread(str(path))
        if frame is None:
            raise TwinnetError(f"{path}: cannot be read as a picture: remove it from the training data")
        for _ in range(each):
            height, width = frame.shape[:2]
            side = min(height, width) * rng.uniform(0.15, 0.5)
            aspect = np.exp(rng.uniform(-0.7, 0.7) / 2)
            w, h = min(side * aspect, width), min(side / aspect, height)
            box = (rng.uniform(0, width - w), rng.uniform(0, height - h), w, h)
            x, y, w, h = (int(v) for v in box)
            if frame[y : y + h, x : x + w].std() > 20:  # a piece of sky is like any other
                found.append(Subject([Sighting(path, box)]))
    return found


def _sightings(sequence: Sequence) -> Iterator[Sighting]:
    for frame, box in zip(sequence.frames, sequence.boxes.tolist(), strict=True):
        mask = frame.with_name(frame.stem + "_mask.png")
        if min(box[2:]) >= SMALLEST:  # not where it is not visible, whose box is not a number
            yield Sighting(frame, tuple(box), mask if mask.is_file() else None)
