"""Maps from several depths of a timm model, joined into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.backbones.checkpoints import read_checkpoint, renamed
from twinnet.backbones.folding import fold_batch_norm
from twinnet.errors import TwinnetError, unknown_name
from twinnet.features import Batch, Features


class TimmPyramid(Backbone):
    """The sum of 1x1 projections of the maps at some nodes of a timm model, at the stride of the first.

    What lies behind the last node is dropped. Batch normalisation is folded into the convolutions, in training too: its
    statistics stay those of the pretrained weights, and a small batch cannot disturb them.

    Deeper maps are enlarged so that the centres of their cells stay in place, which is exact where the sides of the
    pictures are one more than a multiple of the largest stride.

    Args:
        model: The name of the model, as in "timm-pyramid/tf_efficientnet_lite0".
        nodes: Names of modules that give maps, from shallow to deep, as in ["blocks.2", "blocks.3"].
        width: Channels of the projections.
        frozen: How many of the nodes are left as they are in training, with everything before them.
        pretrained: Whether to fetch timm's weights from the model hub; a saved network brings its own.
        weights: A file with weights of the whole model, as `TimmBackbone` takes it.

    Raises:
        TwinnetError: If timm has no such model, the model no such nodes, or the weights do not fit.
    """

    kind = "map"
    traceable = True

    def __init__(
        self,
        model: str,
        nodes: Sequence[str],
        width: int = 96,
        frozen: int = 0,
        pretrained: bool = False,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.nodes = list(nodes)
        self.model = _cut(_whole(model, pretrained, weights), self.nodes)
        shapes = self._probe()
        self.stride = shapes[0][1]
        self.width = width
        self.projections = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels, _ in shapes)
        self._freeze(frozen)
        self.to(memory_format=torch.channels_last)

    @property
    def config(self) -> dict[str, Any]:
        """The constructor arguments; a saved network brings its own weights."""
        return super().config | {"pretrained": False, "weights": None}

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> a map (B, width, H / stride, W / stride)."""
        maps = [project(m) for project, m in zip(self.projections, self.maps(batch["pixels"]), strict=True)]
        joined = maps[0]
        for deeper in maps[1:]:
            joined = joined + F.interpolate(deeper, joined.shape[2:], mode="bilinear", align_corners=True)
        return Features(joined)

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """Pictures (B, 3, H, W) -> the map of each node."""
        found = self.model(pixels)
        return [found[node] for node in self.nodes]

    def _probe(self) -> list[tuple[int, int]]:
        """Channels and stride of each node's map."""
        with torch.inference_mode():
            maps = self.maps(torch.zeros(1, 3, 128, 128))
        if any(m.ndim != 4 for m in maps):
            raise TwinnetError(f"the nodes {', '.join(self.nodes)} do not all give maps: choose convolutional stages")
        return [(m.shape[1], 128 // m.shape[2]) for m in maps]

    def _freeze(self, count: int) -> None:
        """Fix the weights of the first `count` nodes: those that reach no further than the last of these."""
        if count == 0:
            return
        reached = {name for name, _ in _cut(self.model, self.nodes[:count]).named_parameters()}
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(name not in reached)


def _whole(name: str, pretrained: bool, weights: str | None) -> nn.Module:
    import timm

    if not timm.is_model(name):
        raise unknown_name("timm model", name, timm.list_models())
    model: nn.Module = timm.create_model(name, pretrained=pretrained)
    if weights is not None:
        model.load_state_dict(renamed(read_checkpoint(weights), model.state_dict(), weights))
    return model


def _cut(model: nn.Module, nodes: Sequence[str]) -> nn.Module:
    """The part of a model that leads to some of its modules, with batch normalisation folded in."""
    from timm.models import create_feature_extractor

    try:
        cut: nn.Module = create_feature_extractor(model.eval(), list(nodes))
    except (ValueError, RuntimeError) as error:
        raise TwinnetError(f"the nodes {', '.join(nodes)} cannot be taken from the model: {error}") from error
    return fold_batch_norm(cut)
