"""What preprocesses of pictures have in common."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from twinnet.errors import TwinnetError
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


def check_normalisation(mean: Any, std: Any, channels: Sequence[int] = (3,)) -> None:
    """Refuse a mean and standard deviations that normalise nothing.

    Args:
        mean: A number for each channel.
        std: Likewise.
        channels: How many channels there may be.

    Raises:
        TwinnetError: If they are too few or too many, not finite, or a std is not above 0.
    """
    if len(mean) != len(std) or len(mean) not in channels:
        counts = " or ".join({1: "one number each for grey", 3: "three for RGB"}[count] for count in channels)
        raise TwinnetError(f"mean {mean} and std {std}: give {counts}")
    if not np.isfinite([*mean, *std]).all() or min(std) <= 0:
        raise TwinnetError(f"mean {mean} and std {std}: expected finite numbers, and a std above 0")


def picture_name(item: Any) -> str:
    """What messages call a picture: its path, if it has one."""
    return str(item) if isinstance(item, str | PathLike) else "the picture"
