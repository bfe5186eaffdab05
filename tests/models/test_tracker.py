"""The tracker that comes with the package."""

import numpy as np

import twinnet
from twinnet.models import catalogue


def test_the_tracker_is_in_the_package_and_follows_what_it_is_shown():
    assert next(model for model in catalogue() if model.name == "tracker").available()
    from twinnet.tracking.adapters import FrameTracker

    rng = np.random.default_rng(0)
    ground = np.kron(rng.integers(60, 120, (12, 16, 3)), np.ones((10, 10, 1))).astype(np.uint8)
    thing = np.kron(rng.integers(0, 255, (5, 6, 3)), np.ones((6, 6, 1))).astype(np.uint8)
    tracker = FrameTracker(twinnet.load("tracker"))
    for i in range(5):
        x, y = 30 + 5 * i, 40 + 3 * i
        frame = ground.copy()
        frame[y : y + 30, x : x + 36] = thing
        if i == 0:
            tracker.init(frame, (x, y, 36, 30))
        else:
            _, box = tracker.update(frame)
            np.testing.assert_allclose(box[:2] + box[2:] / 2, (x + 18, y + 15), atol=8)
