from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

import twinnet
from tests.tracking.conftest import BOX, HEIGHT, WIDTH, moving
from twinnet.boxes import iou
from twinnet.errors import TwinnetError
from twinnet.tracking.adapters import FrameTracker
from twinnet.tracking.tracker import Tracker


def test_a_moving_patch_is_followed(clip, small_network):
    frames, boxes = clip
    hits = list(twinnet.track(frames, BOX, model=small_network))
    assert [hit.frame for hit in hits] == list(range(len(frames)))
    assert iou(np.stack([hit.box for hit in hits]), boxes).min() > 0.6
    assert not any(hit.lost for hit in hits)
    assert hits[0].box.tolist() == list(BOX)


def test_a_growing_patch_grows(small_network):
    frames, boxes = moving(12, step=(0, 0), growth=1.03)
    found = twinnet.track(frames, BOX, model=small_network, scale_penalty=1.0).run()
    assert found.boxes[-1, 2] > BOX[2] * 1.1
    assert iou(found.boxes, boxes).min() > 0.6
    fixed = twinnet.track(frames, BOX, model=small_network, fast=True).run()
    assert fixed.boxes[-1, 2:] == pytest.approx(BOX[2:])


def test_it_is_lazy_and_keeps_nothing(clip, small_network):
    frames, _ = clip
    read = []

    def endless():
        for number in itertools.count():
            read.append(number)
            yield frames[0]

    for hit in twinnet.track(endless(), BOX, model=small_network):
        if hit.frame == 3:
            break
    assert read == [0, 1, 2, 3]


def test_targets_at_once_are_as_targets_alone(clip, small_network):
    frames, _ = clip
    other = (90, 60, 30, 30)
    track = twinnet.track(frames, {"patch": BOX, "corner": other, "late": (4, other)}, model=small_network)
    together = track.run()
    assert together.boxes.shape == (len(frames), 3, 4)
    for number, exemplar in enumerate((BOX, other)):
        alone = twinnet.track(frames, exemplar, model=small_network).run()
        assert together.boxes[:, number] == pytest.approx(alone.boxes, abs=1e-3)
        assert together.scores[:, number] == pytest.approx(alone.scores, abs=1e-4)
    assert np.isnan(together.boxes[:4, 2]).all()
    assert together.lost[:4, 2].all()
    assert together.boxes[4, 2].tolist() == list(other)
    assert {hit.target for hit in track} == {"patch", "corner", "late"}


@pytest.mark.parametrize("form", ["array", "file", "pil", "image and box"])
def test_a_patch_is_found(form, clip, small_network, tmp_path):
    frames, boxes = clip
    x, y, w, h = BOX
    patch = frames[0][y : y + h, x : x + w]
    Image.fromarray(patch).save(tmp_path / "patch.png")
    exemplar = {
        "array": patch,
        "file": tmp_path / "patch.png",
        "pil": Image.fromarray(patch),
        "image and box": (frames[0], BOX),
    }[form]
    found = twinnet.track(frames[3:], exemplar, model=small_network).run()
    assert iou(found.boxes[0], boxes[3]) > 0.5


def test_a_target_that_goes_is_lost_and_found_again(small_network):
    frames, boxes = moving(14, step=(1, 0))
    frames = frames.copy()
    frames[4:9] = 0
    threshold = 0.8
    hits = list(twinnet.track(frames, BOX, model=small_network, threshold=threshold))
    assert [hit.lost for hit in hits] == [False] * 4 + [True] * 5 + [False] * 5
    assert all(hit.score < threshold for hit in hits if hit.lost)
    assert hits[8].box.tolist() == hits[3].box.tolist()
    assert iou(hits[-1].box, boxes[-1]) > 0.6


def test_a_target_that_jumps_is_found_in_the_whole_frame(small_network):
    frames, boxes = moving(8, step=(0, 0))
    far, places = moving(8, step=(0, 0))
    far = np.roll(far, (50, 90), axis=(1, 2))
    video = np.concatenate([frames, far])
    there = twinnet.track(video, BOX, model=small_network, threshold=0.85).run()
    assert iou(there.boxes[-1], places[0] + [90, 50, 0, 0]) > 0.6
    not_looked_for = twinnet.track(video, BOX, model=small_network, threshold=0.85, redetect=False).run()
    assert not_looked_for.lost[-1]
    assert iou(not_looked_for.boxes[-1], boxes[0]) > 0.6


def test_boxes_stay_in_the_frame_and_within_their_limits(small_network):
    noise = np.random.default_rng(0).integers(0, 256, size=(40, HEIGHT, WIDTH, 3), dtype=np.uint8)
    found = twinnet.track(noise, (150, 110, 20, 30), model=small_network, scale_damping=1.0, scale_step=1.3).run()
    assert (found.boxes[:, :2] >= 0).all()
    assert (found.boxes[:, :2] + found.boxes[:, 2:] <= [WIDTH + 1e-6, HEIGHT + 1e-6]).all()
    assert (found.boxes[:, 2:] <= [5 * 20, 5 * 30]).all()


def test_black_frames_score_less(clip, small_network):
    frames, _ = clip
    video = np.concatenate([frames[:2], np.zeros_like(frames[:1])])
    scores = twinnet.track(video, BOX, model=small_network).run().scores
    assert scores[2] < scores[1] - 0.1


def test_boxes_and_pictures_of_any_container_are_several_targets(clip, small_network):
    x, y, w, h = BOX
    patch = clip[0][0][y : y + h, x : x + w]
    grey = patch[..., 0].astype(np.uint16) * 257
    shown = twinnet.track(clip[0], (patch, grey), model=small_network).exemplars
    assert [exemplar.picture.tolist() for exemplar in shown] == [
        patch.tolist(),
        np.stack([patch[..., 0]] * 3, 2).tolist(),
    ]
    boxes = np.array([BOX, (10, 20, 30, 40)], dtype=np.uint8)
    assert [exemplar.box.tolist() for exemplar in twinnet.track(clip[0], boxes, model=small_network).exemplars] == [
        list(BOX),
        [10, 20, 30, 40],
    ]


@pytest.mark.parametrize(
    ("exemplar", "message"),
    [
        ((300, 10, 20, 20), "outside the frame of 160 x 120"),
        ((-50, 10, 20, 20), "outside"),
        ((10, 10, 0, 20), "no area"),
        ((10, 10, 5, -3), "no area"),
        ((10, 10, np.nan, 20), "finite"),
        ((0, 0, 400, 20), "larger than the frame"),
        (np.zeros((200, 50, 3), np.uint8), "larger than the frame"),
        ((50, BOX), "ends with frame 11, before frame 50"),
        ("no/such.png", "no such file"),
        ([], "no exemplar"),
        ({}, "no exemplar"),
        ((1, 2, 3), "no exemplar"),
        (None, "no exemplar"),
        ((1e-200, 1, 1e-200, 1e-200), "no area"),
        ((10**400, 1, 2, 3), "four finite numbers"),
        ({1: BOX, "1": BOX}, "several targets are called '1'"),
        ([(1, 2, 3)], "no exemplar"),
    ],
)
def test_what_cannot_be_followed_is_one_clear_error(exemplar, message, clip, small_network):
    with pytest.raises(TwinnetError, match=message):
        twinnet.track(clip[0], exemplar, model=small_network).run()


def scene(seed):
    """A frame of coloured discs and rectangles."""
    rng = np.random.default_rng(seed)
    frame = np.full((180, 240, 3), 128, np.uint8)
    for _ in range(25):
        colour, (x, y, size) = rng.integers(0, 256, 3).tolist(), rng.integers(5, (240, 180, 40)).tolist()
        cv2.circle(frame, (x, y), size // 2, colour, -1)
        cv2.rectangle(frame, (y, x), (y + size, x + size // 2), colour[::-1], -1)
    return frame


def richest(frame, w=40, h=50):
    """The box x, y, w, h in which a frame shows most."""
    corners = [(x, y) for x in range(0, 200, 8) for y in range(0, 130, 8)]
    x, y = max(corners, key=lambda corner: frame[corner[1] : corner[1] + h, corner[0] : corner[0] + w].std())
    return np.array([x, y, w, h], dtype=float)


def cut(frame, box):
    x, y, w, h = box.astype(int)
    return frame[y : y + h, x : x + w]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_picture_is_found_where_it_is_and_lost_where_it_is_not(seed):
    frame, other = scene(seed), scene(seed + 10)
    box = richest(frame)
    found = twinnet.track(np.stack([other] * 2 + [frame] * 6), cut(frame, box)).run()
    assert found.lost[:2].all()
    assert not found.lost[-1]
    assert iou(found.boxes[-1], box) > 0.5
    noise = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    assert twinnet.track(np.stack([frame] * 2), noise).run().lost.all()


def test_targets_come_in_the_order_of_their_exemplars(clip, small_network):
    exemplars = {"late": (np.int64(2), BOX), "early": BOX}
    hits = list(twinnet.track(clip[0][:4], exemplars, model=small_network))
    assert [hit.target for hit in hits] == ["early", "early", "late", "early", "late", "early"]


def test_a_box_in_a_damaged_frame_is_refused(small_network, clip, tmp_path):
    for number, frame in enumerate(clip[0][:5]):
        Image.fromarray(frame).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"damaged")
    with (
        pytest.warns(UserWarning, match="frame 2"),
        pytest.raises(TwinnetError, match="frame 2 of the exemplar cannot be decoded.*as frame 3"),
    ):
        twinnet.track(tmp_path, (2, BOX), model=small_network).run()


def test_a_device_that_is_not_there(clip, small_network):
    with pytest.raises(TwinnetError, match="device 'nonsense'"):
        twinnet.track(clip[0], BOX, model=small_network, device="nonsense")


def test_what_is_no_tracking_network(image_network, small_network):
    with pytest.raises(TwinnetError, match="no tracking network"):
        Tracker(image_network)
    with pytest.raises(TwinnetError, match="constants of inference"):
        Tracker(small_network, speed=3)
    with pytest.raises(TwinnetError, match="threshold nan"):
        Tracker(small_network, threshold=float("nan"))


def test_frame_by_frame_as_opencv_has_it(clip, small_network):
    frames, _ = clip
    tracker = FrameTracker(small_network, bgr=True)
    with pytest.raises(TwinnetError, match="init"):
        tracker.update(frames[0])
    tracker.init(frames[0][..., ::-1], BOX)
    with pytest.raises(TwinnetError, match="this image is 80 x 60, the first was 160 x 120"):
        tracker.update(frames[1][::2, ::2])
    boxes = [tracker.update(frame[..., ::-1])[1] for frame in frames[1:]]
    assert np.stack(boxes) == pytest.approx(twinnet.track(frames, BOX, model=small_network).run().boxes[1:], abs=1e-4)


def test_the_toolkit_of_got10k(clip, small_network, tmp_path):
    pytest.importorskip("six")
    pytest.importorskip("got10k.trackers")
    from twinnet.tracking.adapters import got10k_tracker

    frames, _ = clip
    files = [tmp_path / f"{number}.png" for number in range(len(frames))]
    for file, frame in zip(files, frames, strict=True):
        Image.fromarray(frame).save(file)
    boxes, times = got10k_tracker(small_network).track(files, np.add(BOX, [1, 1, 0, 0]))
    expected = twinnet.track(frames, BOX, model=small_network).run().boxes
    assert boxes - [1, 1, 0, 0] == pytest.approx(expected, abs=1e-4)
    assert (times > 0).all()


def test_where_scores_are_probabilities_a_target_that_is_hardly_seen_is_followed_on(clip, small_network):
    frames, boxes = clip
    tracker = Tracker(small_network, threshold=2.0)  # more than any cosine
    assert tracker.hold == 1.0
    for hold, overlap in ((0.1, True), (1.0, False)):
        tracker.hold = hold
        (target,) = tracker.start(frames[0], [BOX])
        for frame in frames[1:]:
            tracker.follow(frame, [target])
        assert target.lost
        assert target.gone is not overlap
        assert bool(iou(target.box, boxes[-1]) > 0.6) is overlap
