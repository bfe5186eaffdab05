from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.tracking.conftest import moving
from twinnet.data.sequences import read_sequences
from twinnet.errors import TwinnetError
from twinnet.tracking.robustness import cut_out, measure
from twinnet.tracking.tracker import Tracker


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("Patch")
    frames, boxes = moving(12, step=(1.0, 0.5))
    for number, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{number:02d}.png"), frame[..., ::-1])
    np.savetxt(folder / "groundtruth.txt", boxes, delimiter=",")
    return read_sequences(folder)


def test_a_target_is_found_from_its_picture_and_after_black_frames(chosen, small_network):
    (figures,) = measure(Tracker(small_network, threshold=0.8), chosen).values()
    assert figures["patch"] > 0.5
    assert figures["later_patch"] > 0.5
    assert figures["before"] > 0.6
    assert figures["lost_after"] == 1
    assert figures["found_after"] <= 3


def test_frames_without_annotation_say_nothing(chosen, small_network):
    boxes = chosen[0].boxes.copy()
    boxes[[3, 4, 5]] = np.nan  # a quarter of the way, and before the gap
    (figures,) = measure(Tracker(small_network), [replace(chosen[0], boxes=boxes)]).values()
    assert figures["later_patch"] > 0.5
    assert figures["before"] > 0.6
    boxes[1:] = np.nan
    (figures,) = measure(Tracker(small_network), [replace(chosen[0], boxes=boxes)]).values()
    assert figures["later_patch"] is None


def test_an_error_names_the_sequence(chosen, small_network):
    boxes = chosen[0].boxes.copy()
    boxes[:, 0] = 1000
    with pytest.raises(TwinnetError, match=f"sequence {chosen[0].name}: the box"):
        measure(Tracker(small_network), [replace(chosen[0], boxes=boxes)])


def test_without_a_threshold_nothing_is_lost(chosen, small_network):
    (figures,) = measure(Tracker(small_network), chosen).values()
    assert figures["lost_after"] is None


def test_only_pixels_of_the_frame_are_cut_out():
    frame = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    assert cut_out(frame, np.array([-2.0, 1.4, 5.0, 9.0])).tolist() == frame[1:, :3].tolist()
