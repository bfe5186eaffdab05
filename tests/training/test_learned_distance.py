from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import TwinNetwork
from twinnet.data.examples import Examples, labelled
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig

STORED = {"name": "vectors", "width": 8}


def classes_in_noise(seed=0):
    """Rows (120, 8) of ten classes that differ in two dimensions, beside six of large noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, 120)
    return np.hstack([rng.normal(size=(10, 2))[labels], 2 * rng.normal(size=(120, 6))]).astype(np.float32), labels


def triplets(rows, labels, rng):
    same = [rng.choice(np.flatnonzero(labels == label)) for label in labels]
    other = [rng.choice(np.flatnonzero(labels != label)) for label in labels]
    return Examples((rows, rows[same], rows[other]), None, Supervision.TRIPLETS)


@pytest.mark.parametrize(
    "loss", ["triplet", "batch-triplet", "pml/TripletMarginLoss", "pml/NCALoss", "pml/ContrastiveLoss"]
)
def test_a_loss_by_name_learns_the_networks_metric_on_stored_rows(loss):
    rows, labels = classes_in_noise()
    rng = np.random.default_rng(1)
    examples = triplets(rows, labels, rng) if loss == "triplet" else labelled(list(rows), labels.tolist())
    network = TwinNetwork(STORED, distance="mahalanobis")
    Trainer(network, loss, examples, TrainingConfig(epochs=15, batch_size=40, learning_rate=0.02)).run()
    weight = network.distance.factor.detach().square().sum(0).sqrt()
    assert weight[:2].min() > 1.3 * weight[2:].max()
    matrix = network.distance.factor.detach().T @ network.distance.factor.detach()
    assert torch.linalg.eigvalsh(matrix).min() > -1e-5
    with torch.no_grad():
        mapped = network.comparable(rows)
    a, b = rows[:40], rows[40:80]
    np.testing.assert_allclose(network.score(a, b), -np.linalg.norm(mapped[:40] - mapped[40:80], axis=1), rtol=1e-4)


def test_a_batch_without_a_loss_changes_nothing_and_is_no_error():
    rows = np.repeat(np.eye(8, dtype=np.float32), 2, axis=0) * 100
    network = TwinNetwork(STORED, distance="mahalanobis")
    loss = {"name": "pml/TripletMarginLoss", "margin": 0.1}
    examples = labelled(list(rows), [i // 2 for i in range(16)])
    result = Trainer(network, loss, examples, TrainingConfig(weight_decay=0)).run()
    assert result.losses == [0.0]
    torch.testing.assert_close(network.distance.factor.detach(), torch.eye(8))
