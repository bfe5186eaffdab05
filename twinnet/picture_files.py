"""Which files are pictures, and their order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its ending."""
    return path.suffix.lower() in PICTURES


def natural(path: Path) -> tuple[list[Any], str]:
    """A sort key under which img2 comes before img10, and folders stay together."""
    name = path.as_posix()
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)], name
