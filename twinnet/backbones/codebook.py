"""A codebook of stroke shapes: which shapes a drawing has, and where."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from twinnet.backbones.base import Backbone
from twinnet.errors import TwinnetError
from twinnet.features import Batch, Features

INK = 0.5
TINY = 1e-6


class StrokeCodebook(Backbone):
    """Compares the surroundings of every inked place with a codebook, and counts the codes in the cells of a pyramid.

    A bag of visual words (Sivic and Zisserman 2003) with a spatial pyramid (Lazebnik et al. 2006) and the power law of
    Perronnin et al. 2010, as one differentiable module: codes are assigned softly, as in NetVLAD (Arandjelovic et al.
    2016), so that all can be trained further. The pyramid lies over the box around the
    ink, and a place counts for the cells next to it bilinearly. `learn_codes` fills the codebook without labels.

    Args:
        patch: Height and width of the surroundings, an odd number of pixels.
        components: Principal components that describe them.
        codes: Size of the codebook.
        pyramid: Rows and columns of each level.
        step: One place of so many rows and columns is looked at.
        sharpness: How firmly a place is assigned to the nearest code.
        power: To which the shares of the codes are raised; 0.5 makes the cosine the Bhattacharyya coefficient.

    Raises:
        TwinnetError: If the patch has no middle.
    """

    def __init__(
        self,
        patch: int = 21,
        components: int = 48,
        codes: int = 256,
        pyramid: Sequence[Sequence[int]] = ((1, 1), (2, 4)),
        step: int = 1,
        sharpness: float = 15.0,
        power: float = 0.3,
    ) -> None:
        super().__init__()
        if patch % 2 == 0:
            raise TwinnetError(f"a patch of {patch} pixels has no middle: choose an odd number")
        self.patch, self.step, self.sharpness, self.power = patch, step, sharpness, power
        self.pyramid = [(int(rows), int(columns)) for rows, columns in pyramid]
        self.width = codes * sum(rows * columns for rows, columns in self.pyramid)
        self.describe = nn.Linear(patch * patch, components)
        self.codebook = nn.Parameter(torch.randn(codes, components))  # (K, C)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, batch: Batch) -> Features:
        """Ink (B, 1, H, W), 0 for paper, to a vector (B, codes * cells)."""
        ink = batch["pixels"][:, 0]  # (B, H, W)
        owner, places = inked_places(ink, self.step)  # (N,), (N, 2)
        assigned = self.assign(self.describe(self.patches(ink, owner, places)))  # (N, K)
        weights = cell_weights(owner, places, len(ink), self.pyramid)  # (N, cells)
        # (B, cells, K)
        counts = torch.stack([_sums(assigned * cell[:, None], owner, len(ink)) for cell in weights.T], dim=1)
        total = torch.bincount(owner, minlength=len(ink)).clamp_min(1)[:, None, None]
        return Features((counts / total + TINY).pow(self.power).flatten(1))

    def patches(self, ink: Tensor, owner: Tensor, places: Tensor) -> Tensor:
        """The surroundings of places: (N, patch * patch)."""
        reach = self.patch // 2
        windows = F.pad(ink, (reach, reach, reach, reach)).unfold(1, self.patch, 1).unfold(2, self.patch, 1)
        return windows[owner, places[:, 0], places[:, 1]].flatten(1)

    def assign(self, described: Tensor) -> Tensor:
        """How much a place belongs to each code: (N, C) -> (N, K)."""
        # |d - c|^2 without |d|^2, which the softmax does not see.
        near = 2 * described @ self.codebook.T - self.codebook.square().sum(1)
        return (self.scale * near).softmax(1)

    @torch.no_grad()
    def learn_codes(self, pictures: Tensor, seed: int = 0, each: int = 60) -> None:
        """Fill the codebook: principal components of softened patches, and k-means.

        Args:
            pictures: Ink (B, H, W) from 0 to 1.
            seed: Of the draws.
            each: Patches of each picture at most.
        """
        import cv2
        import numpy as np
        from sklearn.cluster import MiniBatchKMeans

        generator = torch.Generator().manual_seed(seed)
        owner, places = inked_places(pictures, self.step)
        # Of each as many, or thick strokes, which have many places, would fill the codebook.
        parts = torch.arange(len(owner)).split(torch.bincount(owner, minlength=len(pictures)).tolist())
        chosen = torch.cat([part[torch.randperm(len(part), generator=generator)[:each]] for part in parts])
        drawn = torch.cat([self.patches(pictures, owner[c], places[c]) for c in chosen.split(4096)]).numpy()

        def soften(rows: np.ndarray) -> np.ndarray:
            side = self.patch
            blurred = [cv2.GaussianBlur(r.reshape(side, side), (0, 0), 1, borderType=cv2.BORDER_CONSTANT) for r in rows]
            return np.stack(blurred).reshape(len(rows), -1)

        softened = soften(drawn)
        mean = softened.mean(0)
        _, vectors = np.linalg.eigh(np.cov((softened - mean).T))
        components = np.ascontiguousarray(vectors[:, ::-1][:, : self.describe.out_features].T, dtype=np.float32)
        self.describe.weight.copy_(torch.from_numpy(soften(components)))
        self.describe.bias.copy_(torch.from_numpy(-components @ mean))
        described = self.describe(torch.from_numpy(drawn))
        means = MiniBatchKMeans(len(self.codebook), random_state=seed, n_init=1, batch_size=4096)
        clusters = means.fit(described.numpy())
        self.codebook.copy_(torch.from_numpy(clusters.cluster_centers_))
        apart = torch.cdist(described, self.codebook).amin(1).square()
        self.scale.copy_(self.sharpness / apart.median())


def inked_places(ink: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The places of a grid that have ink near: ink (B, H, W) -> picture (N,), and row and column (N, 2)."""
    coarse = F.max_pool2d(ink[:, None], step, step)[:, 0]
    owner, rows, columns = torch.nonzero(coarse > INK, as_tuple=True)
    return owner, torch.stack([rows, columns], dim=1) * step + step // 2


def cell_weights(owner: Tensor, places: Tensor, pictures: int, pyramid: Sequence[tuple[int, int]]) -> Tensor:
    """How much each place counts in each cell of a pyramid over the box around a picture's places: (N, cells)."""
    index = owner[:, None].expand(-1, 2)
    first = places.new_full((pictures, 2), int(1e6)).scatter_reduce(0, index, places, "amin")
    last = places.new_zeros((pictures, 2)).scatter_reduce(0, index, places, "amax")
    at = (places - first[owner]) / (last - first + 1)[owner]  # (N, 2) from 0 to 1
    levels = []
    for level in pyramid:
        row, column = (_tent(at[:, axis], cells) for axis, cells in enumerate(level))
        levels.append((row[:, :, None] * column[:, None, :]).flatten(1))
    return torch.cat(levels, dim=1)


def _tent(at: Tensor, cells: int) -> Tensor:
    """Bilinear weights of positions (N,) in a row of cells: (N, cells); one cell takes all."""
    if cells == 1:
        return torch.ones_like(at)[:, None]
    centres = torch.arange(cells, device=at.device) + 0.5
    return (1 - (at[:, None] * cells - centres).abs()).clamp_min(0)


def _sums(rows: Tensor, owner: Tensor, pictures: int) -> Tensor:
    """Add up the rows of each picture: (N, K) -> (B, K)."""
    return rows.new_zeros(pictures, rows.shape[1]).index_add(0, owner, rows)
