"""What OpenCV and FFmpeg say on standard error themselves is said better by our own errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

# FFmpeg would print a line for each damaged frame; OpenCV reads this before it opens the first video.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


@contextmanager
def quiet() -> Iterator[None]:
    """Send the standard error of native code nowhere, while a video is opened; several threads may do so at once."""
    _STDERR.mute()
    try:
        yield
    finally:
        _STDERR.restore()


class _Stderr:
    """The standard error, which comes back when the last of those who muted it is done."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.muted = 0
        self.kept = -1

    def mute(self) -> None:
        with self.lock:
            self.muted += 1
            if self.muted > 1:
                return
            sys.stderr.flush()
            self.kept = os.dup(2)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)

    def restore(self) -> None:
        with self.lock:
            self.muted -= 1
            if self.muted == 0:
                os.dup2(self.kept, 2)
                os.close(self.kept)


_STDERR = _Stderr()
