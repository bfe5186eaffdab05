from __future__ import annotations

import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from tests.video.conftest import COUNT, HEIGHT, WIDTH, level
from twinnet.errors import TwinnetError
from twinnet.video import open_video
from twinnet.video.capture import _Clock


def numbers(video):
    return [frame.number for frame in video]


@pytest.mark.parametrize("name", ["a.webm", "a.mp4", "a.avi", "A.MP4", "A.AVI", "A.WebM", "film 01.mp4"])
def test_files_of_any_container(name, frames, write_video):
    video = open_video(write_video(name, frames))
    read = list(video)
    assert [level(frame.pixels) for frame in read] == list(range(COUNT))
    assert [frame.number for frame in read] == list(range(COUNT))
    assert [frame.time for frame in read] == pytest.approx(np.arange(COUNT) / 25, abs=2e-3)
    assert video.fps == 25
    assert video.length == COUNT
    assert read[0].pixels[30, 2, 1] > 100  # green, not blue: RGB
    assert numbers(video) == numbers(video)


def test_a_container_under_another_name(frames, write_video):
    path = write_video("a.webm", frames)
    assert len(list(open_video(path.rename(path.with_name("a.bin"))))) == COUNT


def test_rotation_is_applied(frames, write_video):
    path = write_video("a.mp4", frames)
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    quarter = [0, 1, 0, -1, 0, 0]  # as phones write it for a picture that has to be turned clockwise
    for place, value in zip((0, 4, 8, 12, 16, 20), quarter, strict=True):
        data[matrix + place : matrix + place + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    path.write_bytes(data)
    turned = next(iter(open_video(path))).pixels
    assert turned.shape == (WIDTH, HEIGHT, 3)
    assert turned[30, -3, 2] > 100  # what was at the top is now at the right
    assert turned[2, 20, 1] > 100


@pytest.mark.parametrize("pattern", ["{}", "{}/*.png", "{}/[0-9]*.PNG"])
def test_pictures_in_natural_order(pattern, frames, write_pictures):
    ending = "PNG" if "PNG" in pattern else "png"
    video = open_video(pattern.format(write_pictures(frames, ending=ending)))
    assert [level(frame.pixels) for frame in video] == list(range(COUNT))
    assert video.length == COUNT


def test_folders_of_a_glob_follow_each_other(frames, write_pictures, tmp_path):
    write_pictures(frames[3:6], "clip10")
    write_pictures(frames[:3], "clip9")
    assert [level(frame.pixels) for frame in open_video(f"{tmp_path}/*/*.png")] == list(range(6))


def test_arrays_and_iterables(frames):
    assert np.stack([frame.pixels for frame in open_video(frames)]).tolist() == frames.tolist()
    assert numbers(open_video(list(frames))) == list(range(COUNT))

    def endless():
        while True:
            yield frames[3]

    for frame in open_video(endless()):
        if frame.number == 5:
            break
    assert level(frame.pixels) == 3


def test_grey_and_sixteen_bits_become_rgb_of_eight(frames, write_pictures):
    grey = frames[..., 0]
    for video in (grey, list(grey), grey.astype(np.uint16) * 257, write_pictures(grey.astype(np.uint16) * 257)):
        for frame, expected in zip(open_video(video), grey, strict=True):
            assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
            assert (frame.pixels == expected[..., None]).all()


def test_an_address(frames, write_video):
    path = write_video("a.webm", frames)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=path.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        video = open_video(f"http://127.0.0.1:{server.server_port}/a.webm")
        assert [level(frame.pixels) for frame in video] == list(range(COUNT))
    finally:
        server.shutdown()
        server.server_close()


def test_a_damaged_picture_is_skipped_and_reported(frames, write_pictures):
    folder = write_pictures(frames, ending="jpg")
    whole = (folder / "4.jpg").read_bytes()
    (folder / "4.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "5.jpg").write_bytes(b"no picture")
    video = open_video(folder)
    with pytest.warns(UserWarning, match="frames 4 to 5 cannot be decoded"):
        assert numbers(video) == [0, 1, 2, 3, *range(6, COUNT)]
    assert video.skipped == [4, 5]


def test_a_file_that_lost_its_end_or_its_middle(write_video):
    rng = np.random.default_rng(0)
    path = write_video("a.webm", rng.integers(0, 256, size=(40, HEIGHT, WIDTH, 3), dtype=np.uint8))
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    video = open_video(path)
    with pytest.warns(UserWarning, match="to 39 cannot be decoded"):
        read = numbers(video)
    assert read == list(range(len(read)))
    assert read + video.skipped == list(range(40))

    data[len(data) // 2 : len(data) // 2 + 1500] = bytes(1500)
    path.write_bytes(data)
    video = open_video(path)
    with pytest.warns(UserWarning, match="cannot be decoded"):
        read = numbers(video)
    assert read[-1] == 39
    assert sorted(read + video.skipped) == list(range(40))


def test_a_sound_track_that_is_longer_is_no_missing_frame(write_video, frames):
    path = write_video("a.webm", frames)
    data = bytearray(path.read_bytes())
    place = data.index(b"\x44\x89\x88") + 3  # the duration, in milliseconds
    (duration,) = struct.unpack_from(">d", data, place)
    struct.pack_into(">d", data, place, 3 * duration)
    path.write_bytes(data)
    video = open_video(path)
    assert video.length == 3 * len(frames)
    assert numbers(video) == list(range(len(frames)))
    assert video.skipped == []


@pytest.mark.parametrize(
    ("times", "missed"),
    [
        ([0, 0.04, 0.08, 0.2, 0.24], [0, 0, 0, 2, 0]),
        ([0, 0.0404, 0.0796, 0.2004, 0.24], [0, 0, 0, 2, 0]),  # rounded
        ([3, 3.04, 3.16], [0, 0, 2]),
        ([0, 0.28, 0.52, 0.8], [0, 0, 0, 0]),  # never a frame after one interval
        ([0, 0.035, 0.07, 0.24, 0.275], [0, 0, 0, 0, 0]),  # the rate is a mean
    ],
)
def test_a_gap_between_steady_frames_is_missing_frames(times, missed):
    clock = _Clock(25.0)
    assert [clock.missed(time) for time in times] == missed


def test_a_size_that_changes(frames):
    with pytest.raises(TwinnetError, match=r"frame 1 is 64 x 40, the frames before are 64 x 48"):
        list(open_video([frames[0], frames[1][:40]]))


def broken(tmp_path, kind):
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"" if kind == "empty" else b"this is text, and no video" * 100)
    return path


@pytest.mark.parametrize("kind", ["empty", "text"])
def test_a_file_that_is_no_video(tmp_path, kind):
    with pytest.raises(TwinnetError, match=r"broken\.mp4"):
        open_video(broken(tmp_path, kind))


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ("no/such.mp4", "no such file"),
        ("no*such.png", "no pictures"),
        (np.zeros((0, 48, 64, 3), np.uint8), "no frame"),
        ([], "no frame"),
        (np.zeros((5, 48, 64, 3), np.float32), "float32"),
        (np.zeros((48, 64, 3), np.uint8), r"\(48, 64, 3\)"),
        ([np.zeros((48, 64), np.int64)], "frame 0"),
        (["x.png"], "frame 0"),
        (3.5, "float is no video"),
        (True, "bool is no video"),
        (-1, "no camera -1"),
    ],
)
def test_what_is_no_video_is_one_clear_error(video, message):
    with pytest.raises(TwinnetError, match=message):
        list(open_video(video))


def test_a_camera_that_is_not_there():
    with pytest.raises(TwinnetError, match="camera 97"):
        open_video(97)
