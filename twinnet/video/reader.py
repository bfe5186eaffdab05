"""One way to read videos: files, folders of pictures, cameras, streams, arrays and iterables of frames."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.picture_files import PICTURES, is_picture, natural
from twinnet.video.capture import Capture
from twinnet.video.frames import ArrayFrames, IterableFrames, PictureFrames, Source

WANTED = (
    "a video file, a folder or glob of pictures, a camera index, an http or rtsp address, an array (T, H, W, 3), or an "
    "iterable of frames"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a video.

    Attributes:
        number: Its place in the video, from 0; damaged frames are counted.
        time: Seconds since the first frame; None where the source has no clock.
        pixels: RGB, uint8 (H, W, 3).
    """

    number: int
    time: float | None
    pixels: npt.NDArray[np.uint8]


@dataclass
class Video:
    """A video that is read frame by frame, once for each iteration where the source allows it.

    Attributes:
        source: Where the frames come from.
        skipped: The numbers of the frames that could not be decoded so far.
    """

    source: Source
    skipped: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What messages call the video."""
        return self.source.name

    @property
    def fps(self) -> float | None:
        """Frames per second, where the source has a clock."""
        return self.source.fps

    @property
    def length(self) -> int | None:
        """How many frames there are, where that is known beforehand; a container's own figure may be off."""
        return self.source.length

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order. A damaged one is skipped with a warning.

        Raises:
            TwinnetError: If there is no frame at all, or the size changes from one frame to the next.
        """
        self.skipped.clear()
        size: tuple[int, ...] | None = None
        damaged: list[int] = []
        for number, time, pixels in self.source:
            if pixels is None:
                damaged.append(number)
                continue
            if size is not None and pixels.shape != size:
                raise TwinnetError(
                    f"{self.name}: frame {number} is {_shown(pixels.shape)}, the frames before are {_shown(size)}: "
                    "cut the video where its size changes"
                )
            size = pixels.shape
            damaged = self._report(damaged)
            yield Frame(number, time, pixels)
        if size is None:
            raise TwinnetError(f"{self.name}: there is no frame that can be read")
        self._report(damaged)

    def _report(self, damaged: list[int]) -> list[int]:
        if damaged:
            self.skipped += damaged
            one = len(damaged) == 1
            which, was = (f"frame {damaged[0]}", "was") if one else (f"frames {damaged[0]} to {damaged[-1]}", "were")
            warnings.warn(f"{self.name}: {which} cannot be decoded, or {was} left out: skipped", stacklevel=3)
        return []


def open_video(source: Any) -> Video:
    """Open a video.

    Frames are given as RGB, uint8 (H, W, 3), upright as the container or the EXIF data say. Grey frames get three equal
    channels, and 16-bit pictures and arrays are scaled to 8 bits.

    Args:
        source: The path of a video file of any container that OpenCV reads, a folder of pictures or a glob (in natural
            order: 2 before 10), a camera index, an http, https or rtsp address, an array (T, H, W, 3) or (T, H, W), or
            any iterable of frames.

    Raises:
        TwinnetError: If there is no such video, or it cannot be opened.
    """
    if isinstance(source, Video):
        return source
    return Video(_source(source))


def _source(source: Any) -> Source:
    if isinstance(source, str | PathLike):
        return _named(str(source))
    if isinstance(source, int) and not isinstance(source, bool):
        if source < 0:
            raise TwinnetError(f"there is no camera {source}: cameras are counted from 0")
        return Capture(source)
    if isinstance(source, np.ndarray):
        return ArrayFrames(source)
    if isinstance(source, Iterable):
        return IterableFrames(source)
    raise TwinnetError(f"{type(source).__name__} is no video: pass {WANTED}")


def _named(name: str) -> Source:
    if re.match(r"(https?|rtsps?)://", name):
        return Capture(name)
    if not name:
        raise TwinnetError(f"an empty name is no video: pass {WANTED}")
    path = Path(name)
    if path.is_dir():
        return _pictures(name, path.iterdir())
    if path.is_file():
        return _pictures(name, [path]) if is_picture(path) else Capture(name)
    if re.search(r"[*?[]", name):
        return _pictures(name, Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    raise TwinnetError(f"{name}: there is no such file or folder")


def _pictures(name: str, paths: Iterable[Path]) -> Source:
    pictures = sorted(filter(is_picture, paths), key=natural)
    if not pictures:
        raise TwinnetError(f"{name}: there are no pictures ({', '.join(sorted(PICTURES))})")
    return PictureFrames(name, pictures)


def _shown(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
