"""The tracking loss against loops."""

import math

import pytest
import torch

from twinnet.boxes import iou
from twinnet.distances import Cosine
from twinnet.errors import TwinnetError
from twinnet.tracking.distance import ExemplarCosine
from twinnet.tracking.loss import TrackingLoss
from twinnet.tracking.protocol import target_places

SIZE = 65  # 9 cells of 8 pixels


def cross_entropy(logit, target):
    p = 1 / (1 + math.exp(-logit))
    return -target * math.log(p) - (1 - target) * math.log(1 - p)


def mean(values):
    return sum(values) / max(1, len(values))


def looped(loss, exemplar, search, target):
    distance = loss.distance
    logits = distance.dense(exemplar, search)
    edges, quality = distance.predict(exemplar, search, target[:, 4:])
    places = target_places(logits.shape[1], 8, SIZE, 9, distance.kernel)
    score, right, overlaps = ([], []), ([], []), []
    for row, (x, y, w, h, _, _) in enumerate(target.tolist()):
        for i, py in enumerate(places):
            for j, px in enumerate(places):
                logit, odds = float(logits[row, i, j]), float(quality[row, i, j])
                if w > 0 and math.hypot(px - x - w / 2, py - y - h / 2) <= loss.radius:
                    left, top, further, below = edges[row, :, i, j].tolist()
                    found = (px - left, py - top, left + further, top + below)
                    overlap = float(iou(found, (x, y, w, h)))
                    overlaps.append(1 - overlap)
                    score[0].append(cross_entropy(logit, 1))
                    right[0].append(cross_entropy(odds, overlap))
                else:
                    score[1].append(cross_entropy(logit, 0))
                    right[1].append(cross_entropy(odds, 0))
    return sum((mean(part[0]) + mean(part[1])) / 2 for part in (score, right)) + mean(overlaps)


@pytest.mark.parametrize("seed", range(3))
def test_loss_is_that_of_loops(seed):
    torch.manual_seed(seed)
    distance = ExemplarCosine(4, kernel=3)
    torch.nn.init.normal_(distance.box_head.leave.weight, std=0.2)
    loss = TrackingLoss(distance, exemplar_size=SIZE, radius=12)
    first, search, recent = torch.randn(3, 4, 9, 9), torch.randn(3, 4, 13, 13), torch.randn(3, 4, 9, 9)
    target = torch.tensor(
        [[30.0, 35.0, 30.0, 20.0, 32.0, 32.0], [52.0, 20.0, 16.0, 50.0, 20.0, 40.0], [0.0, 0.0, 0.0, 0.0, 30.0, 30.0]]
    )
    with torch.no_grad():
        expected = looped(loss, first + 0.5 * (recent - first), search, target)
        assert float(loss([first, search, recent], target)) == pytest.approx(expected, 1e-4)


def test_a_batch_without_targets_has_a_gradient():
    distance = ExemplarCosine(4, kernel=3)
    loss = TrackingLoss(distance, exemplar_size=SIZE)
    target = torch.tensor([[0.0, 0.0, 0.0, 0.0, 30.0, 30.0]])
    loss([torch.randn(1, 4, 9, 9), torch.randn(1, 4, 13, 13), torch.randn(1, 4, 9, 9)], target).backward()
    assert distance.bias.grad.isfinite() and distance.bias.grad != 0


def test_another_distance_is_refused():
    with pytest.raises(TwinnetError, match="exemplar-cosine"):
        TrackingLoss(Cosine())
