"""Layer-wise rates, gradual unfreezing and the slanted triangle, against the papers' rules written out as loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.training.test_trainer import Killed, assert_equal_weights, config, kill_after, weights
from twinnet import TwinnetError, TwinNetwork
from twinnet.data.examples import Examples
from twinnet.registry import backbones
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig
from twinnet.training.groups import parameter_groups
from twinnet.training.schedule import rate_factor

ULMFIT = {"schedule": "slanted-triangular", "layer_decay": 1 / 2.6, "unfreeze_every": 3}


@given(st.integers(1, 30), st.integers(1, 9))
def test_the_slanted_triangle_is_equation_3(tenths, share):
    steps, cut_frac, ratio = tenths * 10, share / 10, 32
    cut = math.floor(steps * share / 10)
    for t in range(steps):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
        expected = (1 + p * (ratio - 1)) / ratio
        assert rate_factor(t, steps, cut_frac, "slanted-triangular") == pytest.approx(expected, abs=1e-12)


def depth_by_name(name):
    """How far below the top layer a weight of the text network is; None above the backbone."""
    if not name.startswith("network.tower.backbone.") or ".pooler." in name:
        return None
    return 2 if ".embeddings." in name else 1 - int(name.split(".layer.")[1].split(".")[0])


@pytest.mark.parametrize("head", ["pooling/mean", ["pooling/mean", {"name": "dense", "out_features": 9}]])
def test_each_layer_has_its_rate_and_its_time(make_text_network, scored, head):
    settings = {"layer_decay": 0.5, "unfreeze_every": 4, "backbone_learning_rate": 2e-4, "weight_decay": 0.1}
    trainer = Trainer(make_text_network(head=head), "cosine-regression", scored, config(epochs=10, **settings))
    groups = parameter_groups(trainer._objective, trainer.config, len(trainer.plan))
    found = {id(p): (group["peak"], group["thaws"], group["weight_decay"]) for group in groups for p in group["params"]}
    head_has_weights = head != "pooling/mean"
    named = {name: p for name, p in trainer._objective.named_parameters() if p.requires_grad}
    assert len(found) == len(named) == sum(len(group["params"]) for group in groups)
    for name, parameter in named.items():
        depth, decay = depth_by_name(name), 0.1 if parameter.ndim > 1 else 0.0
        peak, thaws = (1e-3, 0) if depth is None else (2e-4 * 0.5**depth, 4 * (depth + head_has_weights))
        assert found[id(parameter)] == (pytest.approx(peak), thaws, decay), name


def test_frozen_layers_stand_still_and_then_move(make_text_network, scored):
    network = make_text_network(head=["pooling/mean", {"name": "dense", "out_features": 9}], dropout=0.1)
    moved = {}

    def watching(number, batches):
        before = {name: p.detach().clone() for name, p in trainer._objective.named_parameters()}
        loss = type(trainer)._step(trainer, number, batches)
        for name, parameter in trainer._objective.named_parameters():
            if not torch.equal(before[name], parameter):
                moved.setdefault(depth_by_name(name), set()).add(number)
        return loss

    trainer = Trainer(network, "cosine-regression", scored, config(epochs=4, unfreeze_every=3, accumulate=2))
    trainer._step = watching
    trainer.run()
    steps = range(1, len(trainer.plan) + 1)
    assert len(steps) == 12
    assert moved == {None: set(steps), 0: set(steps[3:]), 1: set(steps[6:]), 2: set(steps[9:])}


def test_a_thawed_layer_is_new_to_the_optimiser(make_text_network, scored):
    """Freezing equals a run in which the weights below are no parameters at all, then one in which they are."""
    settings = {"learning_rate": 1e-3, "schedule": "constant", "warmup": 0, "weight_decay": 0.1, "batch_size": 8}
    gradual = make_text_network()
    trainer = Trainer(gradual, "cosine-regression", scored, config(epochs=1, unfreeze_every=1, **settings))
    trainer.run()

    network = make_text_network()
    by_depth = [[p for n, p in network.named_parameters() if depth_by_name(f"network.{n}") == d] for d in range(3)]
    optimizer = torch.optim.AdamW([{"params": []}], lr=1e-3)
    for step in range(5):
        if step < 3:
            for decay, wanted in ((0.1, lambda p: p.ndim > 1), (0.0, lambda p: p.ndim < 2)):
                chosen = [p for p in by_depth[step] if p.requires_grad and wanted(p)]
                optimizer.add_param_group({"params": chosen, "weight_decay": decay})
        (rows,) = trainer.plan.rows(step)
        a, b = (network.tower.embed(network.tower.reader().prepare([c[i] for i in rows])) for c in scored.columns)
        target = torch.tensor([scored.target[i] for i in rows])
        ((torch.cosine_similarity(a, b) - target) ** 2).mean().backward()
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        network.zero_grad()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(gradual.state_dict()[name], tensor, atol=1e-5, rtol=0, msg=name)


@pytest.mark.parametrize("killed_after", [2, 7, 11])
def test_a_killed_run_continues_with_the_same_losses(make_text_network, scored, tmp_path, killed_after):
    def trainer(folder):
        return Trainer(make_text_network(dropout=0.2), "cosine-regression", scored,
                       config(folder, checkpoint_every=2, **ULMFIT))  # fmt: skip

    whole = trainer(tmp_path / "whole")
    expected = whole.run()
    with pytest.raises(Killed):
        kill_after(trainer(tmp_path / "killed"), killed_after).run()
    resumed = trainer(tmp_path / "killed")
    assert resumed.run(resume=True).losses == expected.losses
    assert_equal_weights(weights(resumed.network), weights(whole.network))


def test_the_weights_of_the_loss_come_before_the_backbone(make_text_network, scored):
    examples = Examples(scored.columns, [0, 1] * 20, Supervision.CLASS_PAIRS, ("no", "yes"))
    trainer = Trainer(make_text_network(), "softmax", examples, config(unfreeze_every=1))
    groups = parameter_groups(trainer._objective, trainer.config, len(trainer.plan))
    thaws = {id(p): group["thaws"] for group in groups for p in group["params"]}
    assert {thaws[id(p)] for p in trainer.loss.parameters()} == {0}
    assert min(thaws[id(p)] for p in trainer.network.parameters() if p.requires_grad) == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unfreeze_every": 8}, "would thaw after 16 steps, and the run has 15"),
        ({"layer_decay": 1.5}, "layer_decay is 1.5"),
        ({"layer_decay": 0.0}, "layer_decay is 0.0"),
        ({"unfreeze_every": 0}, "unfreeze_every is 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(make_text_network, scored, settings, message):
    with pytest.raises(TwinnetError, match=message):
        Trainer(make_text_network(), "cosine-regression", scored, config(**settings)).run()


def test_layer_wise_rates_need_layers(labelled_pictures):
    network = TwinNetwork("torchvision/resnet18", preprocess={"name": "image", "size": [32, 32]})
    with pytest.raises(TwinnetError, match="TorchvisionBackbone is one layer group: use backbone_learning_rate"):
        Trainer(network, "batch-triplet", labelled_pictures, TrainingConfig(layer_decay=0.5)).run()


@pytest.mark.parametrize(
    ("architecture", "sizes"),
    [
        ({"model_type": "bert", "num_hidden_layers": 3}, 4),
        ({"model_type": "distilbert", "n_layers": 3, "dim": 32, "n_heads": 2, "hidden_dim": 64}, 4),
        ({"model_type": "t5", "num_layers": 3, "d_model": 32, "d_kv": 16, "num_heads": 2, "d_ff": 64}, 4),
        ({"model_type": "albert", "num_hidden_layers": 3, "embedding_size": 16}, 1),
    ],
)
def test_layers_of_transformers(architecture, sizes):
    small = {"vocab_size": 50, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    backbone = backbones.create({"name": "transformers", "architecture": {**small, **architecture}})
    names = {id(p): name for name, p in backbone.named_parameters()}
    groups = [[names[id(p)] for p in group] for group in backbone.layer_groups()]
    assert len(groups) == sizes
    assert sorted(name for group in groups for name in group) == sorted(
        name for name, p in backbone.named_parameters() if p.requires_grad
    )
    for number, group in enumerate(groups[1:]):
        assert all(f".{number}." in name or "final" in name for name in group), group


@pytest.mark.parametrize(("modality", "depth"), [("text", 2), ("image", 3)])
def test_layers_of_a_dual_encoder(modality, depth):
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48}
    text, vision = ({**sizes, "num_hidden_layers": layers} for layers in (2, 3))
    architecture = {"model_type": "clip", "text_config": {**text, "vocab_size": 50}, "vision_config": vision}
    backbone = backbones.create({"name": "dual-encoder", "architecture": architecture, "modality": modality})
    names = {id(p): name for name, p in backbone.named_parameters()}
    groups = [[names[id(p)] for p in group] for group in backbone.layer_groups()]
    assert len(groups) == 1 + depth
    assert sorted(name for group in groups for name in group) == sorted(names.values())
    assert all(".layers." not in name for name in groups[0])
    assert any("projection" in name for name in groups[-1])
    for number, group in enumerate(groups[1:]):
        assert {name.split(".layers.")[1][0] for name in group if ".layers." in name} == {str(number)}


@pytest.mark.parametrize(("name", "count"), [("resnet10t", 5), ("vit_tiny_patch16_224", 13)])
def test_layers_of_timm(name, count):
    backbone = backbones.create(f"timm/{name}")
    groups = backbone.layer_groups()
    assert len(groups) == count
    assert sorted(id(p) for group in groups for p in group) == sorted(id(p) for p in backbone.parameters())
    assert any(p is backbone.model.get_parameter("conv1.0.weight" if name == "resnet10t" else "cls_token")
               for p in groups[0])  # fmt: skip
    np.testing.assert_array_less(0, [len(group) for group in groups])
