"""Photographs and cut-out objects in folders, and which of them are held out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from twinnet import TwinnetError
from twinnet.image.decoding import Pixels, decode

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
MASK = "_mask"
# Of the files, one in so many is held out.
HELD_OUT = 5
LONGEST = 400


@dataclass(frozen=True)
class Photographs:
    """Files with scenes, and those of them whose object has a mask.

    Attributes:
        scenes: Photographs.
        objects: Photographs with an object that the file NAME_mask.png beside them cuts out.
    """

    scenes: Sequence[Path]
    objects: Sequence[Path]


def read_folders(folders: Sequence[Path], *, held_out: bool) -> Photographs:
    """The photographs in folders and their subfolders that are held out, or the others.

    A file's name decides, so that it stays on its side when other files come and go.

    Raises:
        TwinnetError: If there is no such folder, or there are fewer than two photographs.
    """
    for folder in folders:
        if not folder.is_dir():
            raise TwinnetError(f"{folder}: there is no such folder")
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    scenes = [path for path in paths if not path.stem.endswith(MASK) and _is_held_out(path) == held_out]
    if len(scenes) < 2:
        kind = "are held out" if held_out else "are there to train on"
        raise TwinnetError(f"{', '.join(map(str, folders))}: {len(scenes)} photographs {kind}, 2 are needed")
    return Photographs(scenes, [path for path in scenes if mask_of(path).is_file()])


def mask_of(photograph: Path) -> Path:
    """Where the mask of its object would be."""
    return photograph.with_name(f"{photograph.stem}{MASK}.png")


@lru_cache(maxsize=128)
def read(photograph: Path) -> Pixels:
    """A photograph, no side longer than `LONGEST`."""
    return _fit(decode(photograph, least=LONGEST), cv2.INTER_AREA)


@lru_cache(maxsize=128)
def read_mask(photograph: Path) -> npt.NDArray[np.uint8]:
    """The mask of its object, 0 or 255, as large as `read` gives the photograph."""
    mask = decode(mask_of(photograph), grey=True)[:, :, 0]
    height, width = read(photograph).shape[:2]
    return np.where(cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) > 127, 255, 0).astype(np.uint8)


def _is_held_out(path: Path) -> bool:
    return zlib.crc32(path.name.encode()) % HELD_OUT == 0


def _fit(pixels: Pixels, interpolation: int) -> Pixels:
    scale = LONGEST / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
    fitted: Pixels = cv2.resize(pixels, (width, height), interpolation=interpolation)
    return fitted
