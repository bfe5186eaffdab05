"""Subjects from plain folders: pictures, and `boxes.csv` beside them."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from twinnet.errors import TwinnetError
from twinnet.tracking.training.subjects import Sighting, Subject

BOXES = "boxes.csv"
ENDINGS = {".bmp", ".jpeg", ".jpg", ".png", ".webp"}
# Smaller targets show the network nothing but blur.
SMALLEST = 10.0


def clips(root: Path) -> list[Subject]:
    """Targets that move: every `boxes.csv` below `root` lists the frames of one clip, file,x,y,w,h[,target].

    Raises:
        TwinnetError: If there is none, or one is not as described.
    """
    found: list[Subject] = []
    for table in _tables(root):
        targets: dict[str, list[Sighting]] = {}
        for row, sighting in _sightings(table):
            targets.setdefault(row.get("target") or "", []).append(sighting)
        found += [Subject(sightings) for sightings in targets.values()]
    return found


def stills(root: Path) -> list[Subject]:
    """Targets that are seen once: every row of every `boxes.csv` below `root`."""
    return [Subject([sighting]) for table in _tables(root) for _, sighting in _sightings(table)]


def patches(root: Path, seed: int = 0, each: int = 2) -> list[Subject]:
    """Random patches of all pictures below `root`: a network can learn from them without any box."""
    rng = np.random.default_rng(seed)
    found = []
    for path in sorted(p for p in root.rglob("*") if p.suffix.lower() in ENDINGS and not p.stem.endswith("_mask")):
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


def _tables(root: Path) -> list[Path]:
    tables = sorted(root.rglob(BOXES))
    if not tables:
        raise TwinnetError(f"{root}: no {BOXES} in it or below it: see the documentation of `twinnet train track`")
    return tables


def _sightings(table: Path) -> list[tuple[dict[str, str], Sighting]]:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            x, y, w, h = (float(row[name]) for name in "xywh")
            name = row["file"]
        except (KeyError, TypeError, ValueError) as error:
            raise TwinnetError(f"{table}, line {number}: expected file,x,y,w,h with numbers ({error})") from error
        picture = table.parent / name
        if not picture.resolve().is_relative_to(table.parent.resolve()):
            raise TwinnetError(f"{table}, line {number}: {name!r} lies outside the folder")
        mask = picture.with_name(picture.stem + "_mask.png")
        if min(w, h) >= SMALLEST:
            found.append((row, Sighting(picture, (x, y, w, h), mask if mask.is_file() else None)))
    return found
