"""Which weights are trained at which rate."""

from __future__ import annotations

from typing import Any

from torch import nn

from twinnet.training.config import TrainingConfig
from twinnet.training.objective import Objective


def parameter_groups(objective: Objective, config: TrainingConfig) -> list[dict[str, Any]]:
    """The groups of an optimiser, each with the "peak" rate that the schedule scales.

    Matrices decay, vectors (biases, norms) do not; the backbone's and the loss's weights may have rates of their own.
    """
    network = objective.network
    rates = {id(parameter): config.loss_learning_rate for parameter in objective.loss.parameters()}
    rates |= {id(parameter): None for parameter in network.parameters()}
    for tower in (network.tower, network.other):
        if tower is not None:
            rates |= {id(parameter): config.backbone_learning_rate for parameter in tower.backbone.parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in objective.parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rates[id(parameter)] or config.learning_rate, decay), []).append(parameter)
    return [{"params": members, "peak": peak, "weight_decay": decay} for (peak, decay), members in groups.items()]
