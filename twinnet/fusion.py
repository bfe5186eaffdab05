"""Convolutions joined with the normalisation and the activation behind them, for inference on CPUs."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, TypeGuard, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

M = TypeVar("M", bound=nn.Module)

# Sizes of maps for which weights are kept: those of exemplar and search crops come again, those of whole frames change.
SIZES = 8


def fused(module: M) -> M:
    """A copy that computes the same with fewer passes over memory, without gradients.

    These are the operators that `torch.compile` would choose, without its C++ compiler and its minute of waiting. The
    module itself comes back where they do not apply: weights on another device or of another type, or a PyTorch
    without oneDNN. Later changes to its weights do not reach the copy.

    Args:
        module: Any module; parts of it that are a `Sequential` or a traced graph are searched for what can be joined.
    """
    if (
        not is_plain(module)
        or not torch.backends.mkldnn.is_available()
        or not hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    ):
        return module
    return _fuse(copy.deepcopy(module).eval().requires_grad_(False))


def is_plain(module: nn.Module) -> bool:
    """Whether all weights are float32 on the CPU."""
    return all(weight.device.type == "cpu" and weight.dtype == torch.float32 for weight in module.parameters())


def is_convolution(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    """Whether it convolves with its weight as it is; timm has kinds that change it first."""
    return type(module) is nn.Conv2d or type(module).__name__ == "Conv2dSame"


def call_counts(graph: fx.GraphModule) -> Counter[nn.Module]:
    """How often each module of a traced graph is called, under whatever names."""
    modules = dict(graph.named_modules(remove_duplicate=False))
    return Counter(modules[str(node.target)] for node in graph.graph.nodes if node.op == "call_module")


class FusedConv(nn.Module):
    """A convolution and perhaps an activation as one operator.

    Args:
        convolution: The convolution; timm's with TensorFlow's padding is one too.
        activation: None, ReLU or ReLU6.
    """

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.convolution = convolution
        self.same = type(convolution) is not nn.Conv2d
        self.attribute, self.scalars = _described(activation)
        self._packed: dict[tuple[int, ...], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> what the convolution and the activation make of it, channels last."""
        own = self.convolution
        padding: Any = own.padding
        if self.same:
            x, padding = self._padded(x)
        shape = [list(padding), list(own.stride), list(own.dilation), own.groups]
        packed = self._packed.get(x.shape)
        if packed is None:  # how the weights lie best depends on the size of the maps
            if len(self._packed) == SIZES:
                self._packed.clear()
            packed = torch.ops.mkldnn._reorder_convolution_weight(own.weight, *shape, list(x.shape))
            self._packed[x.shape] = packed
        joined: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, packed, own.bias, *shape, self.attribute, self.scalars, ""
        )
        return joined

    def __getstate__(self) -> dict[str, Any]:
        """A copy packs its weights itself: they may be changed, and packed ones cannot be copied."""
        return {**self.__dict__, "_packed": {}}

    def _padded(self, x: Tensor) -> tuple[Tensor, list[int]]:
        """TensorFlow's padding, left to the operator where both sides get the same."""
        own = self.convolution
        lacking = [
            max((-(-side // stride) - 1) * stride + (kernel - 1) * dilation + 1 - side, 0)
            for side, stride, kernel, dilation in zip(
                x.shape[2:], own.stride, own.kernel_size, own.dilation, strict=True
            )
        ]
        if all(total % 2 == 0 for total in lacking):
            return x, [total // 2 for total in lacking]
        rows, columns = lacking
        return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)), [0, 0]


class PointwiseConv(nn.Module):
    """A convolution of single pixels as a matrix product, and perhaps an activation in place.

    oneDNN's operators cost some 50 microseconds a call whatever they do, a matrix product a fraction of that.

    Args:
        convolution: A 1x1 convolution.
        activation: None, ReLU or ReLU6.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, convolution: nn.Conv2d, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.register_buffer("weight", convolution.weight.detach().flatten(1).T.contiguous(), persistent=False)
        self.register_buffer("bias", convolution.bias, persistent=False)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> what the convolution and the activation make of it, channels last."""
        batch, channels, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)  # a view if channels are last
        out = pixels @ self.weight if self.bias is None else torch.addmm(self.bias, pixels, self.weight)
        if self.activation is not None:
            out = F.relu6(out, inplace=True) if type(self.activation) is nn.ReLU6 else F.relu_(out)
        return out.view(batch, height, width, -1).permute(0, 3, 1, 2)


def _joined(convolution: nn.Module, activation: nn.Module | None = None) -> nn.Module:
    own: Any = convolution
    single = own.kernel_size == (1, 1) and own.stride == (1, 1) and own.groups == 1 and tuple(own.padding) == (0, 0)
    return PointwiseConv(own, activation) if single else FusedConv(own, activation)


def _described(activation: nn.Module | None) -> tuple[str, list[float]]:
    if activation is None:
        return "none", []
    return ("hardtanh", [0.0, 6.0]) if isinstance(activation, nn.ReLU6) else ("relu", [])


def _joins(module: nn.Module | None) -> bool:
    return type(module) in (nn.ReLU, nn.ReLU6)


def _can_be_fused(module: nn.Module | None) -> TypeGuard[nn.Conv2d]:
    return is_convolution(module) and module.padding_mode == "zeros" and not isinstance(module.padding, str)


def _fuse(module: M) -> M:
    if isinstance(module, fx.GraphModule):
        _fuse_graph(module)
        return module
    if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
        _fuse_sequence(module)
    for name, child in module.named_children():
        if _can_be_fused(child):
            setattr(module, name, _joined(child))
        elif not isinstance(child, FusedConv | PointwiseConv):
            setattr(module, name, _fuse(child))
    return module


def _fuse_sequence(sequence: nn.Sequential) -> None:
    """Layers that went into the convolution before them leave an identity behind, so that names stay."""
    names = list(sequence._modules)
    for place, name in enumerate(names):
        convolution = sequence._modules[name]
        if not _can_be_fused(convolution):
            continue
        followers = names[place + 1 : place + 3]
        norm = sequence._modules[followers[0]] if followers else None
        if type(norm) is nn.BatchNorm2d and norm.running_mean is not None:  # timm's own also have an activation
            convolution = fuse_conv_bn_eval(convolution, norm)
            sequence._modules[followers.pop(0)] = nn.Identity()
        activation = sequence._modules[followers[0]] if followers else None
        if _joins(activation):
            sequence._modules[followers[0]] = nn.Identity()
        sequence._modules[name] = _joined(convolution, activation if _joins(activation) else None)


def _fuse_graph(graph: fx.GraphModule) -> None:
    modules = dict(graph.named_modules())
    calls = call_counts(graph)
    for node in list(graph.graph.nodes):
        convolution = modules.get(str(node.target)) if node.op == "call_module" else None
        if not _can_be_fused(convolution) or calls[convolution] > 1:
            continue
        activation = None
        while activation is None and len(node.users) == 1:
            (user,) = node.users
            follower = modules.get(str(user.target)) if user.op == "call_module" else None
            if not _joins(follower) and not isinstance(follower, nn.Identity):
                break
            activation = follower if _joins(follower) else None
            user.replace_all_uses_with(node)
            graph.graph.erase_node(user)
        graph.set_submodule(str(node.target), _joined(convolution, activation))
    graph.recompile()
