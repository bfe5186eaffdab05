from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

from tests.video.conftest import level
from twinnet.errors import TwinnetError
from twinnet.video import VideoWriter, open_video


@pytest.mark.parametrize("name", ["a.webm", "a.mp4", "a.avi"])
def test_odd_sizes_lose_nothing(name, tmp_path, capfd):
    frames = np.full((3, 33, 41, 3), 120, dtype=np.uint8)
    with VideoWriter(tmp_path / name) as writer:
        for frame in frames:
            writer.write(frame)
    read = [frame.pixels for frame in open_video(tmp_path / name)]
    assert len(read) == 3
    assert read[0].shape == (34, 42, 3)
    assert np.abs(read[0].astype(int) - 120).max() < 8
    assert capfd.readouterr().err == ""


def test_an_interrupted_video_plays_so_far(tmp_path, frames):
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "a.webm") as writer:
        for frame in frames[:5]:
            writer.write(frame)
        assert not (tmp_path / "a.webm").exists()
        raise KeyboardInterrupt
    assert [level(frame.pixels) for frame in open_video(tmp_path / "a.webm")] == [0, 1, 2, 3, 4]
    assert [path.name for path in tmp_path.iterdir()] == ["a.webm"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes")
@pytest.mark.parametrize("ending", ["webm", "mp4", "avi"])
def test_a_full_disk_is_an_error_and_leaves_the_older_file(ending, tmp_path):
    import resource

    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    deaf = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))
        with pytest.raises(TwinnetError, match="is the disk full"), VideoWriter(path) as writer:
            for frame in np.random.default_rng(0).integers(0, 256, (50, 96, 128, 3), dtype=np.uint8):
                writer.write(frame)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, deaf)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_without_frames_there_is_no_file(tmp_path):
    with VideoWriter(tmp_path / "a.webm"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_scaled(tmp_path, frames):
    with VideoWriter(tmp_path / "a.webm") as writer:
        writer.write(frames[0])
        writer.write(np.repeat(frames[1], 2, axis=1))
    assert [frame.pixels.shape for frame in open_video(tmp_path / "a.webm")] == [(48, 64, 3)] * 2


@pytest.mark.parametrize("name", ["a.gif", "a"])
def test_an_unknown_ending(name, tmp_path):
    with pytest.raises(TwinnetError, match="has to end in"):
        VideoWriter(tmp_path / name)


def test_a_folder_that_is_not_there(tmp_path, frames):
    with pytest.raises(TwinnetError, match="cannot be written"), VideoWriter(tmp_path / "no" / "a.webm") as writer:
        writer.write(frames[0])


def test_nothing_is_written_after_the_end(tmp_path, frames):
    writer = VideoWriter(tmp_path / "a.webm")
    writer.write(frames[0])
    writer.close()
    with pytest.raises(TwinnetError, match=r"a\.webm is closed"):
        writer.write(frames[1])
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.webm"]


INTERRUPTED = """
import os, signal, time
import numpy as np
from twinnet.video import VideoWriter
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs the tests may be deaf to it
frames = np.random.default_rng(0).integers(0, 256, (4, 96, 128, 3), dtype=np.uint8)

def interrupt():
    time.sleep(2)  # by then the other thread waits for the last frames, which come after this
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.5)

try:
    with VideoWriter("a.webm") as writer:
        writer.write(frames[0])
        writer._encoder.submit(interrupt)
        for frame in frames[1:]:
            writer.write(frame)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_an_interrupt_at_the_end_loses_no_frame(tmp_path):
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "interrupted\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.webm"]
    assert sum(1 for _ in open_video(tmp_path / "a.webm")) == 4
