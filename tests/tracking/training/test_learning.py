"""That the parts, put together, learn: a network overfits a few targets, and finds them where they are."""

import cv2
import numpy as np
import torch

from twinnet.network import TwinNetwork
from twinnet.tracking.training.pairs import TrackingPairs
from twinnet.tracking.training.settings import PairSettings
from twinnet.tracking.training.subjects import Sighting, Subject
from twinnet.training import Trainer, TrainingConfig


def test_a_small_network_learns_to_find_targets(tmp_path):
    rng = np.random.default_rng(0)
    subjects = []
    for number in range(6):
        frame = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (160, 120))
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
        subjects.append(Subject([Sighting(tmp_path / f"{number}.png", (50.0 + 5 * number, 40.0, 30.0, 24.0))]))
    torch.manual_seed(0)
    network = TwinNetwork(
        {"name": "timm-pyramid", "model": "test_efficientnet", "nodes": ["blocks.2"], "width": 16},
        ["neck"],
        {"name": "exemplar-cosine", "channels": 16},
        "tracking",
    )
    pairs = TrackingPairs([(1.0, subjects)], PairSettings(search_size=145, shift=24.0, covered=0.0, absent=0.0))
    config = TrainingConfig(batch_size=4, learning_rate=5e-3)
    losses = Trainer(network, "tracking", pairs.examples(80), config).run().losses
    assert np.mean(losses[-5:]) < 0.85 * np.mean(losses[:3])
