"""Batch normalisation folded into the convolution before it."""

from __future__ import annotations

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from twinnet.fusion import call_counts, is_convolution


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """Fold each batch normalisation that follows a convolution into it; what comes out stays the same.

    Args:
        model: A traced model in evaluation mode, changed in place. Other modules are returned as they are.
    """
    if not isinstance(model, fx.GraphModule):
        return model
    modules = dict(model.named_modules())
    calls = call_counts(model)
    for node in model.graph.nodes:
        norm = modules.get(str(node.target)) if node.op == "call_module" else None
        if not isinstance(norm, nn.BatchNorm2d):
            continue
        mean, variance = norm.running_mean, norm.running_var
        source = node.args[0]
        convolution = modules.get(str(source.target)) if source.op == "call_module" else None
        if mean is None or variance is None or not is_convolution(convolution):
            continue
        if len(source.users) > 1 or calls[convolution] > 1 or calls[norm] > 1:
            continue
        with torch.no_grad():
            convolution.weight, convolution.bias = fuse_conv_bn_weights(
                convolution.weight, convolution.bias, mean, variance, norm.eps, norm.weight, norm.bias
            )
        # timm's normalisation carries the activation that follows it.
        model.set_submodule(str(node.target), getattr(norm, "act", nn.Identity()))
    model.recompile()
    return model
