from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tracking.conftest import moving
from twinnet.data.sequences import read_sequences
from twinnet.errors import TwinnetError
from twinnet.tracking.benchmark import evaluate


class Drifting:
    """A contestant whose boxes depend on the pictures and on nothing else: OpenCV's draw random numbers."""

    def init(self, image, box):
        self.box = np.asarray(box)

    def update(self, image):
        self.box = self.box + image.mean() / 100
        return True, self.box


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2])  # for the workers, which import this module
    frames, boxes = moving(3)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame[..., ::-1])
    np.savetxt(tmp_path / "groundtruth.txt", boxes, delimiter=",")
    return tmp_path


def test_workers_find_what_one_process_finds(folder):
    chosen, told = read_sequences(folder), []
    alone = list(evaluate(Drifting, chosen, starts=3))
    shared = list(evaluate(Drifting, chosen, starts=3, notify=told.append, workers=2))
    assert [run.start for run in shared] == [0, 1, 2]
    assert [run.start for run in told] == [0, 1, 2]
    assert len({tuple(run.boxes[0]) for run in shared}) == 3
    for one, other in zip(alone, shared, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_a_target_that_fills_the_frame_begins_with_the_frame(folder):
    (sequence,) = read_sequences(folder)
    boxes = sequence.boxes.copy()
    boxes[0] = [0, 0, 163, 121]
    (run,) = evaluate(Drifting, [replace(sequence, boxes=boxes)])
    assert run.boxes[0].tolist() == [0, 0, 160, 120]


def test_a_target_that_is_annotated_once_cannot_be_evaluated(folder):
    (sequence,) = read_sequences(folder)
    boxes = sequence.boxes.copy()
    boxes[1:] = np.nan
    with pytest.raises(TwinnetError, match=f"{sequence.name}: the target is annotated in one frame"):
        list(evaluate(Drifting, [replace(sequence, boxes=boxes)]))


def test_what_goes_wrong_in_a_worker_is_the_same_error(folder):
    chosen = read_sequences(folder)
    (folder / "1.png").write_bytes(b"no picture")
    with pytest.raises(TwinnetError, match=rf"sequence {chosen[0].name}: .*1\.png"):
        list(evaluate(Drifting, chosen, workers=2))
