"""Random changes to pictures are functions of seed, step and row: a resumed run sees what the first one saw."""

from __future__ import annotations

import pytest
import torch

from twinnet import TwinNetwork
from twinnet.training import Trainer, TrainingConfig
from twinnet.training.checkpoint import Checkpoint

BACKBONE = {"name": "timm", "model": "resnet18", "layers": [1, 1, 1, 1], "channels": [8, 8, 8, 8], "stem_width": 8}
AUGMENT = ["RandomHorizontalFlip", {"name": "RandomAffine", "degrees": 40, "scale": [0.5, 1.5]}]


def trainer(examples, out, optimizer="adamw", **changes):
    torch.manual_seed(0)
    preprocess = {"name": "image", "size": [32, 32], "augment": AUGMENT, **changes}
    network = TwinNetwork(BACKBONE, preprocess=preprocess)
    config = TrainingConfig(
        out=out, epochs=2, batch_size=8, learning_rate=1e-3, checkpoint_every=2, optimizer=optimizer
    )
    return Trainer(network, "batch-triplet", examples, config)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_resumed_run_has_the_same_losses(labelled_pictures, tmp_path, optimizer):
    whole = trainer(labelled_pictures, tmp_path / "net", optimizer).run()
    folder = tmp_path / "net.training" / "checkpoints"
    newest = Checkpoint.newest(folder)
    assert newest.progress["step"] == len(whole.losses) == 6
    for path in folder.glob("*06"):
        path.rename(tmp_path / "later")
    resumed = trainer(labelled_pictures, tmp_path / "net", optimizer).run(resume=True)
    assert resumed.losses == whole.losses
    plain = trainer(labelled_pictures, tmp_path / "plain", optimizer, augment=[]).run()
    assert plain.losses[0] != whole.losses[0]
