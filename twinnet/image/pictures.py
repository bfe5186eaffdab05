"""What preprocesses of pictures have in common."""

from __future__ import annotations

from collections.abc import Hashable
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from twinnet.preprocess import Preprocess


class PicturePreprocess(Preprocess):
    """A preprocess whose items are pictures, as `twinnet.image.decoding.decode` takes them."""

    takes_files = True

    def is_single(self, items: Any) -> bool:
        """A path, the bytes of a file, a PIL image or an array of pixels is one picture."""
        if isinstance(items, np.ndarray):
            return items.dtype in (np.uint8, np.uint16) and items.ndim in (2, 3)
        return isinstance(items, Image.Image) or super().is_single(items)

    def key(self, item: Any) -> Hashable:
        """Equal paths are equal pictures."""
        return str(item) if isinstance(item, str | PathLike) else None


def picture_name(item: Any) -> str:
    """What messages call a picture: its path, if it has one."""
    return str(item) if isinstance(item, str | PathLike) else "the picture"
