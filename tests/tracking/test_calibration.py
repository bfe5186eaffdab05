from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.tracking.conftest import moving
from twinnet import TwinNetwork
from twinnet.cli.main import main
from twinnet.data.sequences import read_sequences
from twinnet.errors import TwinnetError
from twinnet.tracking.calibration import calibrate, lost_below
from twinnet.tracking.tracker import Tracker


@given(st.lists(st.integers(0, 50), min_size=100, max_size=300), st.floats(0.31, 0.9))
@example([0] * 90 + [1] * 10, 0.8999999999999999)
def test_the_highest_threshold_that_keeps_the_rate(scores, rate):
    threshold, rounded = lost_below(scores, rate), rate * (1 + 1e-12)  # 90 of 100 are a rate of 0.9 as computed too
    assert np.mean(np.array(scores) < threshold) <= rounded
    higher = [score for score in scores if score > threshold]
    assert not higher or np.mean(np.array(scores) < min(higher)) > rounded


def test_so_few_frames_show_no_rate():
    with pytest.raises(TwinnetError, match=r"rule of 30.*0\.15 or more"):
        lost_below(np.arange(200.0), 0.1)


def test_sequences_of_one_frame_are_too_few(small_network, tmp_path):
    for name in ("One", "Two"):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "0.png"), np.full((90, 120, 3), 90, np.uint8))
        (tmp_path / name / "boxes.csv").write_text("file,x,y,w,h\n0.png,20,20,30,30\n")
    with pytest.raises(TwinnetError, match="0 frames with their target"):
        calibrate(small_network, read_sequences(tmp_path), 0.5, "these")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("sequences")
    for seed, name in enumerate(("One", "Two")):
        (root / name).mkdir()
        frames, boxes = moving(34, step=(1.0, 0.5), seed=seed)
        for number, frame in enumerate(frames):
            cv2.imwrite(str(root / name / f"{number:03d}.png"), frame[..., ::-1])
        np.savetxt(root / name / "groundtruth.txt", boxes, delimiter=",")
    return root


def test_the_threshold_is_saved_with_the_network(folder, small_network, tmp_path, capsys):
    small_network.save(tmp_path / "net")
    command = ["calibrate-tracker", str(tmp_path / "net"), str(folder), "--false-alarms"]
    assert main([*command, "0.5"]) == 0
    assert "after a cut" in capsys.readouterr().out
    network = TwinNetwork.load(tmp_path / "net")
    point = network.operating_point
    assert point.target_fnmr == 0.5
    assert 30 <= point.fnmr.errors <= 0.5 * point.fnmr.trials
    assert point.fmr.value < 0.2
    assert Tracker(network).threshold == point.threshold
    assert main([*command, "0.001"]) == 2
    assert "rule of 30" in capsys.readouterr().err
    assert main(["calibrate-tracker", "tracker", str(folder), "--false-alarms", "0.5"]) == 2
    assert "--out" in capsys.readouterr().err


def test_what_cannot_be_calibrated(folder, small_network):
    chosen = read_sequences(folder)
    with pytest.raises(TwinnetError, match="two sequences"):
        calibrate(small_network, chosen[:1], 0.5, "one")
    with pytest.raises(TwinnetError, match="between 0 and 1"):
        calibrate(small_network, chosen, 1.5, "two")
    assert small_network.operating_point is None
