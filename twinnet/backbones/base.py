"""The backbone contract."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from twinnet.component import Component
from twinnet.features import Batch, Features


class Backbone(Component, nn.Module):
    """The shared weights of a twin network.

    Attributes:
        kind: What `forward` gives: "vector", "sequence" or "map".
        width: The channels D or C of the features.
        stride: Input pixels for each step of a map; None for the other kinds.
        takes_tokens: Whether items are tokens, which torch computes in float32 as fast as a compiled network.
        unpads: Whether it takes padding out in training on CPUs.
    """

    kind: str = "vector"
    width: int
    stride: int | None = None
    takes_tokens: bool = False
    unpads: bool = False

    @abstractmethod
    def forward(self, batch: Batch) -> Features:
        """Compute the features of a batch."""

    def default_preprocess(self) -> Mapping[str, Any] | None:
        """The spec of the preprocess that its weights were trained with, if it is known."""
        return None

    def layer_groups(self) -> Sequence[Sequence[nn.Parameter]]:
        """All its weights, as layers from the input up: what layer-wise rates and gradual unfreezing treat as one."""
        return [list(self.parameters())]

    def weights(self) -> dict[str, Tensor]:
        """The weights, under the names by which they are saved."""
        return self.state_dict()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Take weights as `weights` gives them."""
        self.load_state_dict(weights)
