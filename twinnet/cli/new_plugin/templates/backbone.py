"""A backbone: what a picture is embedded by."""

from torch import nn
from twinnet.backbones import Backbone
from twinnet.features import Batch, Features


class ColourGrid(Backbone):
    """A linear layer over the mean colours of the cells of a grid."""

    def __init__(self, cells: int = 4, width: int = 32) -> None:
        super().__init__()
        self.cells = cells
        self.width = width
        self.layer = nn.Linear(3 * cells**2, width)

    def forward(self, batch: Batch) -> Features:
        """Pictures (B, 3, H, W) -> vectors (B, width)."""
        colours = nn.functional.adaptive_avg_pool2d(batch["pixels"], self.cells)
        return Features(self.layer(colours.flatten(1)))

    def default_preprocess(self) -> dict[str, object]:
        """Pictures of any kind, made 32 x 32."""
        return {"name": "image", "size": [32, 32]}
