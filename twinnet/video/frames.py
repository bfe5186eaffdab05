"""Frames that are pictures already: files, arrays, iterables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from twinnet.errors import ItemError, TwinnetError
from twinnet.image.decoding import Pixels, decode

Raw = tuple[int, float | None, Pixels | None]


class Source(Protocol):
    """Frames with number and time; None stands for a frame that cannot be decoded.

    Attributes:
        name: What messages call it.
        fps: Frames per second, if there is a clock.
        length: How many frames there are, if that is known.
    """

    name: str
    fps: float | None
    length: int | None

    def __iter__(self) -> Iterator[Raw]:
        """The frames in order."""
        ...


class PictureFrames:
    """Picture files.

    Args:
        name: The folder or pattern.
        paths: The pictures in order.
    """

    fps: float | None = None

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        self.name = name
        self.paths = paths
        self.length: int | None = len(paths)

    def __iter__(self) -> Iterator[Raw]:
        for number, path in enumerate(self.paths):
            try:
                yield number, None, decode(path, number)
            except ItemError:
                yield number, None, None


class ArrayFrames:
    """An array (T, H, W, 3) or (T, H, W).

    Raises:
        TwinnetError: If it has another shape or type.
    """

    name = "the array"
    fps: float | None = None

    def __init__(self, array: npt.NDArray[Any]) -> None:
        colour = array.ndim == 4 and array.shape[3] == 3
        grey = array.ndim == 3 and array.shape[2] > 4
        if not (colour or grey) or array.dtype not in (np.uint8, np.uint16):
            raise TwinnetError(
                f"an array of {array.dtype} with shape {array.shape} is no video: pass uint8 (T, H, W, 3) in RGB, or a "
                "list of frames"
            )
        self.array = array
        self.length: int | None = len(array)

    def __iter__(self) -> Iterator[Raw]:
        for number, frame in enumerate(self.array):
            yield number, None, as_frame(frame, number)


class IterableFrames:
    """Any iterable of frames, read only as far as it is needed."""

    name = "the frames"
    fps: float | None = None

    def __init__(self, frames: Iterable[Any]) -> None:
        self.frames = frames
        self.length: int | None = len(frames) if isinstance(frames, Sequence) else None

    def __iter__(self) -> Iterator[Raw]:
        for number, frame in enumerate(self.frames):
            yield number, None, as_frame(frame, number)


def as_frame(frame: Any, number: int = 0) -> Pixels:
    """A frame as RGB, uint8 (H, W, 3).

    Raises:
        TwinnetError: If it is none.
    """
    try:
        return decode(frame, number)
    except ItemError as error:
        raise TwinnetError(f"frame {number}: {error.problem}") from error
