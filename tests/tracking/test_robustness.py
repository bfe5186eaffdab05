from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.tracking.conftest import moving
from twinnet.data.sequences import read_sequences
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


def test_without_a_threshold_nothing_is_lost(chosen, small_network):
    (figures,) = measure(Tracker(small_network), chosen).values()
    assert figures["lost_after"] is None


def test_only_pixels_of_the_frame_are_cut_out():
    frame = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    assert cut_out(frame, np.array([-2.0, 1.4, 5.0, 9.0])).tolist() == frame[1:, :3].tolist()
