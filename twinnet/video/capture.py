"""Video files, cameras and streams, through OpenCV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import cv2

from twinnet.errors import TwinnetError
from twinnet.image.decoding import MAX_PIXELS
from twinnet.video.frames import Raw
from twinnet.video.matroska import is_cut
from twinnet.video.quiet import quiet

# Seconds by which an interval may be off: some containers round time stamps to milliseconds.
STEADY = 0.0015


class Capture:
    """What `cv2.VideoCapture` reads; rotation is applied as the container says.

    Args:
        address: The path of a file, the address of a stream, or a camera index.

    Raises:
        TwinnetError: If it cannot be opened, or its frames are too large.
    """

    def __init__(self, address: str | int) -> None:
        self.address = address
        self.name = f"camera {address}" if isinstance(address, int) else str(address)
        self.is_file = isinstance(address, str) and Path(address).is_file()
        capture = self._open()
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = fps if math.isfinite(fps) and 0 < fps < 1000 else None
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.length: int | None = count if self.is_file and count > 0 else None
        # A camera or stream stays open: its frames cannot be had again.
        self._live = None if self.is_file else capture
        if self.is_file:
            capture.release()

    def _open(self) -> cv2.VideoCapture:
        if self.is_file and Path(self.name).stat().st_size == 0:
            raise TwinnetError(f"{self.name} is empty")
        # FFmpeg by name: other backends take a name with a number in it for a series of pictures.
        backend = cv2.CAP_ANY if isinstance(self.address, int) else cv2.CAP_FFMPEG
        with quiet():
            capture = cv2.VideoCapture(self.address, backend)
        if not capture.isOpened():
            hint = "it is no video, or truncated, or of an unknown codec" if self.is_file else "it does not answer"
            raise TwinnetError(f"{self.name} cannot be opened as a video: {hint}")
        width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MAX_PIXELS:
            raise TwinnetError(f"{self.name} has frames of {width:.0f} x {height:.0f}, more than {MAX_PIXELS:,} pixels")
        return capture

    def __iter__(self) -> Iterator[Raw]:
        capture = self._live or self._open()
        clock = _Clock(self.fps if self.is_file else None)
        number = 0
        try:
            while capture.grab():
                time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                for _ in range(clock.missed(time)):
                    yield number, None, None
                    number += 1
                read, pixels = capture.retrieve()
                yield number, time, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if read else None
                number += 1
            if clock.steady:
                yield from self._missing(number)
        finally:
            capture.release()
            self._live = None

    def _missing(self, number: int) -> Iterator[Raw]:
        """The frames that a file promised and did not have; containers are often off by one or two.

        OpenCV makes the number of frames of a WebM file of its duration, which a sound track may lengthen: it is
        believed only where the file was cut off.
        """
        if self.length is not None and number + 2 < self.length and is_cut(Path(self.name)) is not False:
            for missing in range(number, self.length):
                yield missing, None, None


class _Clock:
    """Notices frames that the decoder dropped: a gap in a file whose frames came at equal intervals until then."""

    def __init__(self, fps: float | None) -> None:
        self.fps = fps
        self.last: float | None = None
        self.frames = 0

    @property
    def steady(self) -> bool:
        """Whether the frames came at equal intervals so far, but for gaps."""
        return self.fps is not None

    def missed(self, time: float) -> int:
        """How many frames are missing before the one at `time`."""
        if self.fps is None:
            return 0
        intervals = 1.0 if self.last is None else (time - self.last) * self.fps
        self.last = time
        self.frames += 1
        whole = round(intervals)
        if abs(intervals - whole) > STEADY * self.fps or whole < 1 or (whole > 1 and self.frames == 2):
            self.fps = None
            return 0
        return whole - 1
