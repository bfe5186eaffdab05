"""The head contract: a chain of layers from features to an embedding."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from torch import nn

from twinnet.component import Component
from twinnet.errors import TwinnetError
from twinnet.features import Features
from twinnet.registry import heads


class HeadLayer(Component, nn.Module):
    """One step from features to an embedding. A constructor argument `in_features` may be left to `build_head`.

    Layers count as traceable (see `Component`): one whose operations depend on the values says otherwise.
    """

    traceable = True

    @abstractmethod
    def forward(self, features: Features) -> Features:
        """Transform the features."""

    def out_width(self, width: int) -> int:
        """The width that comes out when `width` goes in."""
        return width


class Head(nn.Module):
    """A chain of head layers.

    Args:
        layers: The layers, first to last.
        width: The width of the features that go in.
    """

    def __init__(self, layers: Iterable[HeadLayer], width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.width = width
        for layer in self:
            self.width = layer.out_width(self.width)

    def __iter__(self) -> Iterator[HeadLayer]:
        yield from cast("Iterable[HeadLayer]", self.layers)

    def forward(self, features: Features) -> Features:
        """Run the layers in order."""
        for layer in self:
            features = layer(features)
        return features


HeadSpec = str | Mapping[str, Any] | HeadLayer
HeadSpecs = HeadSpec | Sequence[HeadSpec]


def build_head(specs: HeadSpecs | Head | None, width: int, kind: str) -> Head:
    """Make a head from names, mappings or layers, telling each layer the width that reaches it.

    Args:
        specs: One spec or several. None is mean pooling, or nothing where the backbone gives vectors.
        width: The width of the backbone's features.
        kind: Their kind.
    """
    if isinstance(specs, Head):
        return specs
    if specs is None:
        specs = [] if kind == "vector" else ["pooling/mean"]
    if isinstance(specs, str | Mapping | HeadLayer):
        specs = [specs]
    if not isinstance(specs, Sequence):
        raise TwinnetError(f"head {specs!r}: expected a layer, the name of one, or a list of them")
    layers: list[HeadLayer] = []
    reached = width
    for spec in specs:
        layer = spec if isinstance(spec, HeadLayer) else heads.create_with(spec, in_features=reached)
        reached = layer.out_width(reached)
        layers.append(layer)
    return Head(layers, width)
