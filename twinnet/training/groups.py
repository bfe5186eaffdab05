"""Which weights are trained at which rate."""

from __future__ import annotations

from typing import Any

from torch import nn

from twinnet.training.config import TrainingConfig
from twinnet.training.objective import Objective


def parameter_groups(objective: Objective, config: TrainingConfig) -> list[dict[str, Any]]:
    """The groups of an optimiser, each with the "peak" rate that the schedule scales.

    Matrices decay, vectors (biases, norms) do not; the loss's weights may have a rate of their own.
    """
    of_network = {id(parameter) for parameter in objective.network.parameters()}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in objective.parameters():
        if parameter.requires_grad:
            own_rate = None if id(parameter) in of_network else config.loss_learning_rate
            decay = config.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((own_rate or config.learning_rate, decay), []).append(parameter)
    return [{"params": members, "peak": peak, "weight_decay": decay} for (peak, decay), members in groups.items()]
