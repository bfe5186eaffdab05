"""One side of a twin network: preprocess, backbone and head."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.features import Batch
from twinnet.heads.base import Head, HeadSpecs, build_head
from twinnet.preprocess import Prepared, Preprocess
from twinnet.registry import backbones, preprocesses

if TYPE_CHECKING:
    from twinnet.acceleration.ranges import ActivationRanges

PreprocessSpec = str | Mapping[str, Any] | Preprocess | None
BackboneSpec = str | Mapping[str, Any] | Backbone


class Tower(nn.Module):
    """Takes raw items of one kind to embeddings.

    Args:
        backbone: A backbone, its name, or a mapping with its name and arguments.
        head: Head layers, likewise, one or a list; pooling by the mean (if anything is to be pooled) unless given.
        preprocess: A preprocess, likewise; the one that the backbone asks for unless given. Without either, the tower
            takes only batches.
    """

    backbone: Backbone
    head: Head

    def __init__(
        self, backbone: BackboneSpec, head: HeadSpecs | Head | None = None, preprocess: PreprocessSpec = None
    ) -> None:
        super().__init__()
        self.backbone = backbone if isinstance(backbone, Backbone) else backbones.create(backbone)
        self.head = build_head(head, self.backbone.width, self.backbone.kind)
        spec = preprocess or self.backbone.default_preprocess()
        self.preprocess: Preprocess | None = (
            spec if isinstance(spec, Preprocess) or spec is None else preprocesses.create(spec)
        )
        self.activation_ranges: ActivationRanges | None = None

    @property
    def width(self) -> int:
        """The width of the embeddings."""
        return self.head.width

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return device_of(self)

    @property
    def traceable(self) -> bool:
        """Whether all of its parts are, see `Component`, and nobody has hooked anything to them."""
        parts_are = self.backbone.traceable and all(layer.traceable for layer in self.head)
        return parts_are and not is_hooked(self)

    def reader(self) -> Preprocess:
        """The preprocess.

        Raises:
            TwinnetError: If the tower has none.
        """
        if self.preprocess is None:
            raise TwinnetError("this network has no preprocess, so it cannot take raw items: pass preprocess= to it")
        return self.preprocess

    def forward(self, batch: Batch) -> Tensor:
        """Embed a batch: (B, D), or a map (B, C, H, W) where the head keeps maps."""
        values: Tensor = self.head(self.backbone(batch)).values
        return values

    def embed(self, prepared: Sequence[Prepared], forward: Callable[[Batch], Tensor] | None = None) -> Tensor:
        """Embed prepared items as one batch.

        Args:
            prepared: The items.
            forward: Another way to compute what the tower's `forward` does.

        Raises:
            TwinnetError: If preprocess and head do not agree on the number of views of an item, or a head layer gives
                another width than it says.
        """
        batch = self.reader().collate(prepared)
        device, floats = self.device, next((t.dtype for t in tensors_of(self) if t.is_floating_point()), None)
        moved = {
            name: tensor.to(device, floats if tensor.is_floating_point() else None, non_blocking=True)
            for name, tensor in batch.items()
        }
        embedded: Tensor = (forward or self)(moved)
        if len(embedded) != len(prepared):
            raise TwinnetError(
                f"{len(embedded)} embeddings of {len(prepared)} items: the head `views` must have as many views as the "
                "preprocess makes of each item"
            )
        if embedded.ndim == 3:
            raise TwinnetError("nothing pools the tokens of an item: add a head layer such as pooling/mean")
        if embedded.shape[1] != self.width:
            raise TwinnetError(
                f"embeddings of width {embedded.shape[1]}, and the head says {self.width}: it was made for another "
                "backbone, or `out_width` of one of its layers is wrong"
            )
        return embedded


def is_hooked(module: nn.Module) -> bool:
    """Whether anything is hooked to a module or one of its parts."""
    return any(map(is_hooked_itself, module.modules()))


def is_hooked_itself(module: nn.Module) -> bool:
    """Whether anything is hooked to a module, whatever its parts have."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def tensors_of(module: nn.Module) -> Iterator[Tensor]:
    """The weights and buffers of a module."""
    return chain(module.parameters(), module.buffers())


def device_of(module: nn.Module) -> torch.device:
    """Where the weights and buffers of a module are; the CPU if it has none."""
    return next((tensor.device for tensor in tensors_of(module)), torch.device("cpu"))
