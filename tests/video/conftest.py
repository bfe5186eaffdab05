from __future__ import annotations

import cv2
import numpy as np
import pytest

from twinnet.video import VideoWriter

HEIGHT, WIDTH, COUNT = 48, 64, 12


def numbered(count=COUNT):
    """Frames whose red level tells their number, with a green bar at the left and a blue one at the top."""
    frames = np.zeros((count, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for number, frame in enumerate(frames):
        frame[..., 0] = 20 * number
        frame[:, :8, 1] = 200
        frame[:8, :, 2] = 200
    return frames


def level(pixels):
    """The number that a frame of `numbered` shows."""
    return round(float(pixels[20:, 20:, 0].mean()) / 20)


@pytest.fixture
def frames():
    return numbered()


@pytest.fixture
def write_video(tmp_path):
    def write(name, frames, fps=25.0):
        with VideoWriter(tmp_path / name, fps) as writer:
            for frame in frames:
                writer.write(frame)
        return tmp_path / name

    return write


@pytest.fixture
def write_pictures(tmp_path):
    def write(frames, folder="pictures", ending="png"):
        (tmp_path / folder).mkdir()
        for number, frame in enumerate(frames):
            cv2.imwrite(str(tmp_path / folder / f"{number}.{ending}"), frame[..., ::-1] if frame.ndim == 3 else frame)
        return tmp_path / folder

    return write
