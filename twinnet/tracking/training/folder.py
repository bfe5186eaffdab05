"""Subjects from folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from twinnet.data.sequences import Sequence, read_sequences
from twinnet.image.decoding import decode
from twinnet.picture_files import is_picture
from twinnet.tracking.training.subjects import Sighting, Subject

# Smaller targets show the network nothing but blur.
SMALLEST = 10.0
# How many are tried for each picture.
PATCHES = 2


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


def patches(root: Path, seed: int = 0) -> list[Subject]:
    """Random patches of all pictures below `root`: a network can learn from them without any box.

    Raises:
        ItemError: If a picture cannot be read.
    """
    rng = np.random.default_rng(seed)
    found = []
    for path in sorted(p for p in root.rglob("*") if is_picture(p) and not p.stem.endswith("_mask")):
        frame = decode(path)
        for _ in range(PATCHES):
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
    for frame, box, visible in zip(sequence.frames, sequence.boxes.tolist(), sequence.visible, strict=True):
        mask = frame.with_name(frame.stem + "_mask.png")
        if visible and min(box[2:]) >= SMALLEST:
            yield Sighting(frame, tuple(box), mask if mask.is_file() else None)
