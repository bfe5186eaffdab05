"""What holds for each of twinnet's own losses."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from twinnet.errors import TwinnetError
from twinnet.registry import losses
from twinnet.supervision import Supervision

LOSSES = {
    "batch-triplet": [{"mining": mining} for mining in ("all", "batch-hard", "semi-hard")],
    "contrastive": [{}, {"distance": "cosine"}],
    "cosent": [{}],
    "cosine-regression": [{}],
    "infonce": [{}, {"symmetric": True}, {"distance": "euclidean"}],
    "logistic": [{"distance": "cosine"}, {"distance": "euclidean"}],
    "softmax": [{"dim": 3, "classes": 2}],
    "triplet": [{}, {"distance": "cosine"}],
}
CASES = [{"name": name, **options} for name, made in LOSSES.items() for options in made]
COLUMNS = {
    Supervision.LABELS: 1,
    Supervision.PAIRS: 2,
    Supervision.SCORED_PAIRS: 2,
    Supervision.LABELLED_PAIRS: 2,
    Supervision.CLASS_PAIRS: 2,
    Supervision.TRIPLETS: 3,
}


def batches(loss, items):
    """A batch of each kind of data that the loss can learn from, with the same items in each column."""
    for kind in loss.needs:
        target = None if kind in {Supervision.PAIRS, Supervision.TRIPLETS} else torch.arange(len(items)) % 2
        yield [items.clone().requires_grad_() for _ in range(COLUMNS[kind])], target


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("values", ["identical", "zero", "huge", "half precision"])
def test_loss_and_gradients_are_finite_on_awkward_input(case, rows, values):
    items = torch.randn(rows, 3, generator=torch.Generator().manual_seed(0))
    items = {
        "identical": items[:1].repeat(rows, 1),
        "zero": items * 0,
        "huge": items * 1e6,
        "half precision": items.bfloat16(),
    }[values]
    loss = losses.create(case)
    for columns, target in batches(loss, items):
        value = loss(columns, target)
        gradients = torch.autograd.grad(value, columns, allow_unused=False)
        assert value.shape == ()
        assert value.dtype == torch.float32
        assert all(torch.isfinite(tensor).all() for tensor in (value, *gradients))


@pytest.mark.parametrize("case", [case for case in CASES if case["name"] != "softmax"], ids=str)
def test_descending_brings_the_same_closer_than_the_different(case):
    """Free embeddings follow the gradient; then rows 2i and 2i + 1 are close, and others are not."""
    loss = losses.create(case)
    torch.manual_seed(0)
    items = torch.nn.Parameter(torch.randn(12, 4))
    labels = torch.arange(12) // 2
    others = (torch.arange(12) + 3) % 12
    twins = torch.arange(12) ^ 1
    if Supervision.LABELS in loss.needs:
        rows, target = [torch.arange(12)], labels
    elif Supervision.TRIPLETS in loss.needs:
        rows, target = [torch.arange(12), twins, others], None
    else:
        rows, target = [torch.arange(12).repeat(2), torch.cat([twins, others])], (torch.arange(24) < 12).float()
    optimizer = torch.optim.Adam([items, *loss.parameters()], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        loss([items[row] for row in rows], target).backward()
        optimizer.step()
    score = loss.distance.to_score(loss.distance.matrix(items, items))
    assert (score[torch.arange(12), twins] > score[torch.arange(12), others]).all()


def test_the_registry_has_them_all():
    assert set(LOSSES) | {"pml"} <= set(losses.names())
    for case in CASES:
        loss = losses.create(case)
        name = losses.name_of(loss)
        assert name == case["name"]
        assert losses.create({"name": name, **loss.config}).config == loss.config


def test_a_distance_without_gradient_is_refused():
    with pytest.raises(TwinnetError, match="'hamming' has no gradient"):
        losses.create({"name": "triplet", "distance": "hamming"})


def test_columns_of_different_shape_are_refused():
    with pytest.raises(TwinnetError, match=r"\(3, 2\), \(4, 2\)"):
        losses.create("infonce")([torch.zeros(3, 2), torch.zeros(4, 2)], None)


def test_importing_the_losses_imports_no_loss_of_pytorch_metric_learning():
    code = "import sys, twinnet.losses; print('pytorch_metric_learning.losses' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
