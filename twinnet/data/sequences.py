"""Annotated tracking sequences in the layouts of the field."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twinnet.boxes import Boxes
from twinnet.errors import TwinnetError
from twinnet.picture_files import is_picture, natural

LAYOUTS = (
    "OTB (img/ and groundtruth_rect.txt), LaSOT (img/ and groundtruth.txt), GOT-10k (groundtruth.txt beside the "
    "pictures), a plain folder of pictures with boxes.csv (file,x,y,w,h, and perhaps target), or ILSVRC's VID (Data/ "
    "and Annotations/)"
)
# The annotation of this sequence of OTB begins at its 300th picture.
OTB_FIRST = {"David": 299}


@dataclass(frozen=True)
class Sequence:
    """A target in a video.

    Attributes:
        name: Its name.
        frames: The pictures in order.
        boxes: Its boxes (T, 4), 0-based; not a number where it is not visible.
    """

    name: str
    frames: tuple[Path, ...]
    boxes: Boxes

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def visible(self) -> npt.NDArray[np.bool_]:
        """In which frames its target has a box (T,)."""
        return np.asarray(np.isfinite(self.boxes).all(axis=1))

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors of the block say whose they are."""
        try:
            yield
        except TwinnetError as error:
            raise TwinnetError(f"sequence {self.name}: {error}") from error


def read_sequences(folder: str | Path) -> list[Sequence]:
    """Read all sequences below a folder, or the one that it is.

    OTB, LaSOT (https://github.com/HengLan/LaSOT_Evaluation_Toolkit/issues/14) and GOT-10k
    (https://github.com/got-10k/toolkit/issues/6) count pixels from 1, the others from 0.

    Args:
        folder: A folder of sequences in one of the known layouts, see `LAYOUTS`. Those of one name in several of its
            folders are named with them.

    Raises:
        TwinnetError: If there is none, or an annotation does not fit its pictures.
    """
    root = Path(folder)
    if not root.is_dir():
        raise TwinnetError(f"{root}: there is no such folder")
    if (root / "Annotations" / "VID").is_dir():
        found = list(_vid(root))
    else:
        found = _told_apart(
            (place.relative_to(root).parent, sequence)
            for place in (root, *sorted(root.rglob("*/")))
            for sequence in _sequences_in(place)
        )
    if not found:
        raise TwinnetError(f"{root}: there is no sequence with boxes; known layouts: {LAYOUTS}")
    return found


def _told_apart(found: Iterable[tuple[Path, Sequence]]) -> list[Sequence]:
    """The sequences of folders; those of one name get the folder into it."""
    placed = list(found)
    uses = Counter(sequence.name for _, sequence in placed)
    return [
        sequence if uses[sequence.name] == 1 else replace(sequence, name=(folder / sequence.name).as_posix())
        for folder, sequence in placed
    ]


def _sequences_in(place: Path) -> Iterator[Sequence]:
    for annotation in sorted(place.glob("groundtruth_rect*.txt")):
        suffix = annotation.stem.removeprefix("groundtruth_rect")  # .1 and .2 where there are several targets
        yield _numbered(place, annotation, place / "img", place.name + suffix)
    annotation = place / "groundtruth.txt"
    if annotation.is_file():
        yield _numbered(place, annotation, place / "img" if (place / "img").is_dir() else place, place.name)
    if (place / "boxes.csv").is_file():
        yield from _plain(place)


def _numbered(place: Path, annotation: Path, pictures: Path, name: str) -> Sequence:
    """Boxes in a text file, which count pixels from 1."""
    boxes = _read_boxes(annotation) - [1, 1, 0, 0]
    for label in ("absence.label", "full_occlusion.txt", "out_of_view.txt"):
        if (place / label).is_file():
            absent = np.array(re.findall(r"\d+", _text(place / label)), dtype=int)
            if len(absent) != len(boxes):
                raise TwinnetError(f"{place / label}: {len(absent)} labels for {len(boxes)} boxes")
            boxes[absent > 0] = np.nan
    skipped = OTB_FIRST.get(place.name, 0)
    frames = _pictures(pictures)
    if skipped + len(boxes) <= len(frames):
        frames = frames[skipped:]
    if len(frames) < len(boxes):
        raise TwinnetError(f"{annotation}: {len(boxes)} boxes for {len(frames)} pictures in {pictures}")
    return _checked(name, frames[: len(boxes)], boxes, annotation)


def _read_boxes(path: Path) -> Boxes:
    rows = [re.split(r"[,\s]+", line.strip()) for line in _text(path).splitlines() if line.strip()]
    try:
        boxes = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise TwinnetError(f"{path}: not four numbers in every line ({error})") from error
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise TwinnetError(f"{path}: not four numbers x, y, w, h in every line")
    return boxes


def _plain(place: Path) -> Iterator[Sequence]:
    """One sequence, or one for each target where there is a column `target`."""
    path = place / "boxes.csv"
    targets: dict[str | None, list[tuple[Path, list[float]]]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                box = [float(row[name]) for name in "xywh"]
                if "\0" in row["file"]:
                    raise ValueError("a name with a NUL byte")
                targets.setdefault(row.get("target"), []).append((place / row["file"], box))
    except OSError as error:
        raise TwinnetError(f"{path} cannot be read ({error})") from error
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise TwinnetError(f"{path}: needs the columns file,x,y,w,h with numbers ({error})") from error
    if not targets:
        raise TwinnetError(f"{path}: lists no pictures")
    for frame in {frame for seen in targets.values() for frame, _ in seen}:
        if not frame.resolve().is_relative_to(place.resolve()):
            raise TwinnetError(f"{path}: {frame} lies outside the folder")
        if not frame.is_file():
            raise TwinnetError(f"{path}: there is no {frame}")
    for target, seen in targets.items():
        name = place.name if target is None else f"{place.name}.{target}"
        boxes = np.array([box for _, box in seen], dtype=np.float64)
        yield _checked(name, [frame for frame, _ in seen], boxes, path)


def _vid(root: Path) -> Iterator[Sequence]:
    """Each track of each video of ILSVRC 2015 VID."""
    for place in sorted((root / "Annotations" / "VID").rglob("*/")):
        files = sorted(place.glob("*.xml"))
        tracks: dict[str, list[tuple[Path, list[float]]]] = {}
        for file in files:
            picture = (root / "Data" / file.relative_to(root / "Annotations")).with_suffix(".JPEG")
            for thing in re.findall(r"<object>(.*?)</object>", _text(file), re.DOTALL):
                values = dict(re.findall(r"<(trackid|xmin|ymin|xmax|ymax)>\s*(\S+?)\s*<", thing))
                try:
                    x, y, right, bottom = (float(values[side]) for side in ("xmin", "ymin", "xmax", "ymax"))
                    tracks.setdefault(values["trackid"], []).append((picture, [x, y, right - x, bottom - y]))
                except (KeyError, ValueError) as error:
                    problem = "every object needs trackid, xmin, ymin, xmax and ymax"
                    raise TwinnetError(f"{file}: {problem} ({error})") from error
        for track, seen in tracks.items():
            boxes = np.array([box for _, box in seen], dtype=np.float64)
            yield _checked(f"{place.name}.{track}", [picture for picture, _ in seen], boxes, place)


def _checked(name: str, frames: Iterable[Path], boxes: Boxes, source: Path) -> Sequence:
    infinite = np.flatnonzero(np.isinf(boxes).any(1))
    if len(infinite):
        raise TwinnetError(f"{source}: box {infinite[0] + 1} is not finite")
    boxes = np.where((boxes[:, 2:] > 0).all(1, keepdims=True), boxes, np.nan)
    if not len(boxes) or np.isnan(boxes[0]).any():
        raise TwinnetError(f"{source}: the first picture of a sequence needs a box")
    return Sequence(name, tuple(frames), boxes)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise TwinnetError(f"{path} cannot be read ({error})") from error
    except UnicodeDecodeError as error:
        raise TwinnetError(f"{path}: not a text file in UTF-8 ({error})") from error


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise TwinnetError(f"{folder}: there is no such folder")
    return sorted(filter(is_picture, folder.iterdir()), key=natural)
