"""Muon, against a singular value decomposition, torch's own version and the rules written out."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.training.test_trainer import config
from twinnet import TwinNetwork
from twinnet.training import Trainer
from twinnet.training.groups import parameter_groups
from twinnet.training.muon import Muon, orthogonalised


@given(
    rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 99), scale=st.sampled_from([1e-3, 1, 1e3])
)
def test_singular_values_come_near_one_and_directions_stay(rows, columns, seed, scale):
    u, values, v = torch.linalg.svd(
        scale * torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)), full_matrices=False
    )
    found = orthogonalised(u @ values.diag() @ v)
    within = u.T @ found @ v.T  # diagonal where the singular vectors are the same
    torch.testing.assert_close(within, within.diagonal().diag(), atol=1e-3, rtol=0)
    large = values > 0.02 * values.norm()  # five steps are too few for the smallest
    assert (within.diagonal()[large] > 0.6).all()
    assert (within.diagonal() < 1.25).all()


def test_a_matrix_without_gradient_stays():
    assert (orthogonalised(torch.zeros(3, 5)) == 0).all()


def test_matrices_move_as_in_torch_and_vectors_as_in_adamw():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(24, 16), nn.Linear(24, 16)
    theirs.load_state_dict(ours.state_dict())
    start = ours.weight.detach().clone()
    groups = [{"params": [ours.weight], "orthogonal": True}, {"params": [ours.bias], "orthogonal": False}]
    muon = Muon(groups, lr=0.01, weight_decay=0.1)
    oracles = (
        torch.optim.Muon([theirs.weight], lr=0.01, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW([theirs.bias], lr=0.01, weight_decay=0.1),
    )
    for _ in range(5):
        inputs, wanted = torch.randn(8, 24), torch.randn(8, 16)
        for layer in (ours, theirs):
            (layer(inputs) - wanted).square().mean().backward()
        muon.step()
        for oracle in oracles:
            oracle.step()
        ours.zero_grad()
        theirs.zero_grad()
    torch.testing.assert_close(ours.bias, theirs.bias, atol=1e-4, rtol=0)
    moved, expected = ours.weight - start, theirs.weight - start
    assert (moved - expected).norm() < 0.05 * expected.norm()  # torch rounds to bfloat16


def test_a_convolution_is_the_matrix_of_its_flat_kernels():
    torch.manual_seed(0)
    kernels = nn.Parameter(torch.randn(6, 3, 3, 2).to(memory_format=torch.channels_last))
    matrix = nn.Parameter(kernels.detach().flatten(1).clone())
    for weight in (kernels, matrix):
        optimizer = Muon([{"params": [weight], "orthogonal": True}], lr=0.1)
        for seed in range(3):
            gradient = torch.randn(6, 18, generator=torch.Generator().manual_seed(seed))
            weight.grad = gradient.view(weight.shape)
            optimizer.step()
    torch.testing.assert_close(kernels.detach().flatten(1), matrix.detach())


def test_only_matrices_of_layers_are_orthogonalised(labelled_pictures):
    network = TwinNetwork(
        "timm/mobilenetv3_small_050", ["pooling/mean", {"name": "dense", "out_features": 8}], "cosine"
    )
    loss = "pml/ArcFaceLoss"
    trainer = Trainer(network, loss, labelled_pictures, config(optimizer="muon"))
    groups = parameter_groups(trainer._objective, trainer.config, len(trainer.plan))
    marked = {id(p) for group in groups if group["orthogonal"] for p in group["params"]}
    layers = dict(trainer._objective.named_modules())
    for name, parameter in trainer._objective.named_parameters():
        layer = layers[name.rpartition(".")[0]]
        wanted = name.startswith("network.") and name.endswith("weight") and isinstance(layer, nn.Linear | nn.Conv2d)
        wanted = wanted and getattr(layer, "groups", 1) == 1
        assert (id(parameter) in marked) == wanted, name
