"""Which weights are trained at which rate, and from when on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.training.config import TrainingConfig
from twinnet.training.objective import Objective

# Layers whose weights are matrices that act on vectors, unless they act on each channel alone.
MATRICES = nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d
# Muon takes minutes a step for matrices whose smaller side is longer: its work grows with the cube of that.
WIDEST = 2048
# The peak rate of a parameter, and the step (from 0) from which on it is trained.
Course = tuple[float, int]


def parameter_groups(objective: Objective, config: TrainingConfig, steps: int) -> list[dict[str, Any]]:
    """The groups of an optimiser, each with its "peak" rate (the schedule scales it) and the step at which it "thaws".

    Matrices decay, vectors (biases, norms) do not. The backbone's and the loss's weights may have rates of their own,
    and the layer groups of a backbone different ones. Groups of what Muon is for are marked "orthogonal".

    Args:
        objective: Network and loss.
        config: The settings.
        steps: All steps of the run.

    Raises:
        TwinnetError: If there are no weights to train, layers are to differ and no backbone tells them apart, or some
            would never be trained.
    """
    groups: dict[tuple[float, int, float, bool], list[nn.Parameter]] = {}
    courses = _courses(objective, config)
    matrices = _matrices(objective.network)
    for parameter in objective.parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((*courses[id(parameter)], decay, id(parameter) in matrices), []).append(parameter)
    if not groups:
        raise TwinnetError("there is nothing to train: neither the network nor the loss has weights that may change")
    latest = max(thaws for _, thaws, *_ in groups)
    if latest >= steps:
        raise TwinnetError(
            f"unfreeze_every is {config.unfreeze_every}: the lowest layer would thaw after {latest} steps, and the run "
            f"has {steps}: lower it, or train for more epochs"
        )
    return [
        {"params": members, "peak": peak, "thaws": thaws, "weight_decay": decay, "orthogonal": orthogonal}
        for (peak, thaws, decay, orthogonal), members in groups.items()
    ]


def drop_frozen_gradients(groups: Iterable[Mapping[str, Any]], step: int) -> None:
    """Hide the weights that have not thawed at a step (from 0) from the optimiser: no update, no decay, no moments.

    Their gradients are computed all the same, because other processes wait for them.
    """
    for group in groups:
        if step < group["thaws"]:
            for parameter in group["params"]:
                parameter.grad = None


def _matrices(network: nn.Module) -> set[int]:
    layers = (layer for layer in network.modules() if isinstance(layer, MATRICES))
    weights = (layer.weight for layer in layers if getattr(layer, "groups", 1) == 1)
    return {id(weight) for weight in weights if min(weight.flatten(1).shape) <= WIDEST}


def _courses(objective: Objective, config: TrainingConfig) -> dict[int, Course]:
    network = objective.network
    backbones = [tower.backbone for tower in network.towers]
    if config.layer_decay is not None and all(len(_trained_layers(backbone)) < 2 for backbone in backbones):
        name = type(backbones[0]).__name__
        raise TwinnetError(f"layer_decay: the backbone {name} is one layer group: use backbone_learning_rate instead")
    courses = {id(p): (config.loss_learning_rate or config.learning_rate, 0) for p in objective.loss.parameters()}
    courses |= {id(p): (config.learning_rate, 0) for p in network.parameters()}
    inside = {id(p) for backbone in backbones for p in backbone.parameters()}
    first = 1 if any(p.requires_grad and id(p) not in inside for p in objective.parameters()) else 0
    for backbone in backbones:
        courses |= _backbone_courses(backbone, config, first)
    return courses


def _backbone_courses(backbone: Backbone, config: TrainingConfig, first: int) -> dict[int, Course]:
    """From the topmost layer, which is the first to thaw or the one after the head (`first` is 1), down."""
    peak = config.backbone_learning_rate or config.learning_rate
    courses = {id(p): (peak, 0) for p in backbone.parameters()}
    for depth, layer in enumerate(reversed(_trained_layers(backbone))):
        course = peak * (config.layer_decay or 1.0) ** depth, (config.unfreeze_every or 0) * (first + depth)
        courses |= {id(p): course for p in layer}
    return courses


def _trained_layers(backbone: Backbone) -> list[list[nn.Parameter]]:
    trained = [[p for p in group if p.requires_grad] for group in backbone.layer_groups()]
    return [group for group in trained if group]
