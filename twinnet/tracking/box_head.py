"""Boxes from the similarity of each part of an exemplar with each cell of a search map."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PARTS = 7
REACH = 1.25
SEEN = 32
BLOCKS = 4


class BoxHead(nn.Module):
    """A point-wise correlation and a small tower.

    The exemplar is sampled at `PARTS` x `PARTS` places spread over its box, so that a channel of the correlation always
    means the same part of the target, whatever its shape. The tower then only has to say by how much the box differs
    from the exemplar's. It begins with the exemplar's own box everywhere.

    Args:
        channels: Of the maps.
        stride: Pixels for each cell.
        width: Channels of the tower.
    """

    def __init__(self, channels: int, stride: int, width: int = 64) -> None:
        super().__init__()
        self.stride = stride
        self.look = nn.Conv2d(channels, SEEN, 1)
        self.enter = nn.Conv2d(PARTS**2 + SEEN + 2, width, 1)
        self.tower = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 5, padding=2, groups=width), nn.ReLU(), nn.Conv2d(width, width, 1))
            for _ in range(BLOCKS)
        )
        self.leave = nn.Conv2d(width, 5, 1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, exemplar: Tensor, search: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """Predict a box at every cell.

        Args:
            exemplar: The exemplar's map (B, C, h, w), its target in the middle.
            search: The search map (B, C, H, W).
            size: Width and height of the target in pixels of the exemplar crop (B, 2).

        Returns:
            The distances from each cell to the left, top, right and bottom edges in pixels (B, 4, H, W), and the
            log odds that they are right (B, H, W).
        """
        parts = F.normalize(self._parts(exemplar, size), dim=1)  # (B, C, P*P)
        seen = F.normalize(search, dim=1)
        similar = torch.bmm(seen.flatten(2).transpose(1, 2), parts)  # (B, H*W, P*P), which is channels last
        similar = similar.transpose(1, 2).unflatten(2, search.shape[2:])  # (B, P*P, H, W)
        relative = torch.log(size / (8 * self.stride))[:, :, None, None].expand(-1, -1, *search.shape[2:])
        x = F.relu(self.enter(torch.cat([similar, self.look(seen), relative], 1)))
        for block in self.tower:
            x = F.relu(x + block(x))
        out = self.leave(x)  # (B, 5, H, W)
        shift = out[:, :2] * self.stride
        half = size[:, :, None, None] / 2 * out[:, 2:4].clamp(-math.log(4), math.log(4)).exp()
        return torch.cat([half - shift, half + shift], 1), out[:, 4]

    def _parts(self, exemplar: Tensor, size: Tensor) -> Tensor:
        """The exemplar's map at a grid over the box: (B, C, h, w), (B, 2) -> (B, C, P*P)."""
        steps = torch.linspace(-1, 1, PARTS, device=exemplar.device) * (1 - 1 / PARTS) * REACH
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        # With aligned corners, -1 and 1 are the middles of the outer cells.
        extent = (torch.tensor(exemplar.shape[:1:-1], device=exemplar.device) - 1) * self.stride
        grid = torch.stack([x, y], -1)[None] * (size / extent)[:, None, None, :]  # (B, P, P, 2)
        return F.grid_sample(exemplar, grid, padding_mode="border", align_corners=True).flatten(2)
