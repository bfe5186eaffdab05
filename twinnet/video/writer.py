"""Videos that a browser plays."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.errors import TwinnetError
from twinnet.video.matroska import is_cut
from twinnet.video.quiet import quiet

# VP9 files are half as large, and take seven times as long to write.
CODECS = {".webm": "VP80", ".mp4": "mp4v", ".avi": "MJPG"}
DEFAULT_FPS = 25.0
# How many frames may wait for the encoder.
AHEAD = 4


class VideoWriter:
    """Writes RGB frames into a video file. Use it as a context manager.

    They are encoded in a thread while the next ones are made.

    The file appears, complete and playable, when the writer is closed, also when that happens because of an error or an
    interrupt: it then has the frames so far.

    Args:
        path: A file that ends in .webm (VP8, plays in every browser), .mp4 (MPEG-4) or .avi (Motion JPEG).
        fps: Frames per second; 25 where it is not known.

    Raises:
        TwinnetError: If the name has another ending.
    """

    def __init__(self, path: str | Path, fps: float | None = None) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in CODECS:
            raise TwinnetError(f"{path}: the name of a video has to end in {', '.join(CODECS)}")
        self.fps = fps or DEFAULT_FPS
        self.frames = 0
        self._temporary = self.path.with_name(f".{self.path.stem}.{os.getpid()}{self.path.suffix.lower()}")
        self._closed = False
        self._writer: Any = None
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="encode video")
        self._waiting: deque[Future[None]] = deque()
        self._size = (0, 0)

    def write(self, frame: npt.NDArray[np.uint8]) -> None:
        """Add a frame, RGB uint8 (H, W, 3). The first one decides the size; others are scaled to it.

        Raises:
            TwinnetError: If the file cannot be written, or the writer was closed.
        """
        if self._closed:
            raise TwinnetError(f"{self.path} is closed: a video cannot be written after its end")
        if self._writer is None:
            self._size = (frame.shape[1], frame.shape[0])
            self._writer = self._open()
        if (frame.shape[1], frame.shape[0]) != self._size:
            frame = cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
        # Codecs want even sides: the last row and column are repeated where they are odd.
        even = cv2.copyMakeBorder(frame, 0, frame.shape[0] % 2, 0, frame.shape[1] % 2, cv2.BORDER_REPLICATE)
        self._waiting.append(self._encoder.submit(self._writer.write, cv2.cvtColor(even, cv2.COLOR_RGB2BGR)))
        self.frames += 1
        if len(self._waiting) > AHEAD:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Finish the file.

        Raises:
            TwinnetError: If it could not be written whole. An older file of that name then stays.
        """
        self._closed = True
        try:
            wait(self._waiting)
        finally:  # after an interrupt too, the video plays only if the encoder comes to its end
            wait(self._waiting)
            self._encoder.shutdown()
            self._finish()

    def _finish(self) -> None:
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            if not self._is_whole():
                self._temporary.unlink(missing_ok=True)
                raise TwinnetError(f"{self.path} cannot be written whole: is the disk full?")
            self._temporary.replace(self.path)

    def _is_whole(self) -> bool:
        """OpenCV does not say whether it could write, but the file's own account of its frames does."""
        with quiet():
            reader = cv2.VideoCapture(str(self._temporary), cv2.CAP_FFMPEG)
        frames = int(reader.get(cv2.CAP_PROP_FRAME_COUNT))
        reader.release()
        return frames >= max(1, self.frames - 1) and not is_cut(self._temporary)

    def _open(self) -> Any:
        width, height = (side + side % 2 for side in self._size)
        codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
        with quiet():
            writer = cv2.VideoWriter(str(self._temporary), cv2.CAP_FFMPEG, codec, self.fps, (width, height))
        if not writer.isOpened():
            raise TwinnetError(f"{self.path} cannot be written: is there such a folder, and space on the disk?")
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
