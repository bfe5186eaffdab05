"""The layers of a model that was not written for twinnet."""

from __future__ import annotations

from torch import nn


def stacked_layers(model: nn.Module, depth: int | None) -> list[list[nn.Parameter]]:
    """The weights below its stack of equal layers, then those of each layer; what is above goes with the last of them.

    Args:
        model: The model, which defines its parts in the order in which it runs them.
        depth: How many layers the stack has. If there is no such stack, all weights are one group.
    """
    stacks = (part for part in model.modules() if isinstance(part, nn.ModuleList) and len(part) == depth)
    starts = {id(next(layer.parameters())) for layer in next(stacks, [])}
    groups: list[list[nn.Parameter]] = [[]]
    for parameter in model.parameters():
        if id(parameter) in starts:
            groups.append([])
        groups[-1].append(parameter)
    return groups
