"""All cells of a map side by side."""

from __future__ import annotations

from twinnet.errors import TwinnetError
from twinnet.features import Features
from twinnet.heads.base import HeadLayer


class Flatten(HeadLayer):
    """Keeps where everything is, where pooling would mix it: for pictures of one size in which places matter.

    Args:
        cells: How many cells H * W the map has.
    """

    def __init__(self, cells: int) -> None:
        super().__init__()
        self.cells = cells

    def out_width(self, width: int) -> int:
        """That of all cells together."""
        return width * self.cells

    def forward(self, features: Features) -> Features:
        """(B, C, H, W) -> (B, C * H * W).

        Raises:
            TwinnetError: If the features are no map, or one of another size.
        """
        if features.kind != "map" or features.values.shape[2] * features.values.shape[3] != self.cells:
            raise TwinnetError(
                f"the head 'flatten' takes maps of {self.cells} cells, not {tuple(features.values.shape)}: "
                "the backbone and the size of its pictures decide how many there are"
            )
        return Features(features.values.flatten(1))
