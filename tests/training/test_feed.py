"""Batches are the same whoever prepares them: a thread of the trainer, or worker processes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from twinnet import TwinNetwork
from twinnet.data.examples import Examples
from twinnet.data.samplers import ShuffledBatches
from twinnet.errors import TwinnetError
from twinnet.supervision import Supervision
from twinnet.training.feed import BatchFeed
from twinnet.training.plan import StepPlan

BACKBONE = {"name": "timm", "model": "resnet18", "layers": [1, 1, 1, 1], "channels": [8, 8, 8, 8], "stem_width": 8}
PREPROCESS = {"name": "image", "size": [16, 16], "augment": [{"name": "RandomAffine", "degrees": 40}]}


def feed(examples, workers):
    network = TwinNetwork(BACKBONE, preprocess=PREPROCESS)
    plan = StepPlan(ShuffledBatches(len(examples), 5, 0), epochs=2, per_step=2)
    return BatchFeed(network, examples, plan, seed=3, workers=workers)


@pytest.mark.parametrize("first", [0, 2])
def test_workers_prepare_what_the_thread_does(labelled_pictures, first):
    theirs, ours = (list(feed(labelled_pictures, workers).steps(first)) for workers in (2, 0))
    assert len(theirs) == len(ours) > 0
    for their_step, our_step in zip(theirs, ours, strict=True):
        for (their_columns, their_target), (our_columns, our_target) in zip(their_step, our_step, strict=True):
            assert torch.equal(their_target, our_target)
            for one, other in zip(their_columns[0], our_columns[0], strict=True):
                np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_item_is_named_by_its_row(labelled_pictures, workers):
    pictures = [*labelled_pictures.columns[0][:4], "no such file.png"]
    examples = Examples((pictures,), [0, 1, 0, 1, 0], Supervision.LABELS, ("dark", "bright"))
    with pytest.raises(TwinnetError, match=r"^column 1, row 4 of the examples: .*no such file"):
        list(feed(examples, workers).steps(0))
