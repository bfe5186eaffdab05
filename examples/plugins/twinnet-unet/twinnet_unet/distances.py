"""How the two sides are compared: decoded together, or pixel by pixel."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from twinnet import TwinnetError
from twinnet.distances import Distance
from twinnet_unet.blocks import Decoder
from twinnet_unet.packing import CELL, unpack

FUSIONS = ("conc", "diff")


class FCSiam(Distance):
    """FC-Siam-conc and FC-Siam-diff: a decoder that takes in the maps of both sides, as log odds of "the same".

    Daudt et al. 2018 (https://arxiv.org/abs/1810.08462). Each stage of the decoder gets the maps of both pictures
    ("conc") or their absolute difference ("diff"). As in the authors' code, the deepest map is that of the right
    picture alone, so left and right are not exchangeable.

    Args:
        fusion: "conc" or "diff", as in the name "fc-siam/diff".
        dim: Channels of the packed maps that `UNetEncoder` gives.
        dropout: Share of the channels that are left out in training.

    Raises:
        TwinnetError: If the fusion is unknown, or the maps are not packed ones.
    """

    higher_is_closer = True
    log_odds = True

    def __init__(self, fusion: str, dim: int, dropout: float = 0.2) -> None:
        super().__init__()
        if fusion not in FUSIONS:
            raise TwinnetError(f"unknown fusion {fusion!r}: {' or '.join(FUSIONS)}")
        if dim % CELL:
            raise TwinnetError(f"fc-siam decodes the maps of the backbone 'unet-encoder', not maps of {dim} channels")
        self.fusion = fusion
        self.decoder = Decoder(dim // CELL, sides=2 if fusion == "conc" else 1, out=1, dropout=dropout)

    def aligned(self, a: Tensor, b: Tensor) -> Tensor:
        """Packed maps (B, D, H / 16, W / 16) of both sides -> log odds at every pixel (B, H, W)."""
        *left, _ = unpack(a)
        *right, deepest = unpack(b)
        pairs = zip(left, right, strict=True)
        skips = [torch.cat(pair, 1) if self.fusion == "conc" else (pair[0] - pair[1]).abs() for pair in pairs]
        logits: Tensor = self.decoder(deepest, skips)
        return logits[:, 0]

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """Vectors cannot be decoded.

        Raises:
            TwinnetError: Always.
        """
        del a, b
        raise TwinnetError("fc-siam compares maps place by place, and no vectors: leave out what makes vectors of maps")

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """Likewise."""
        return self.pairwise(a, b)


class PlaceOdds(Distance):
    """bias - scale * the Euclidean distance: the log odds that two embeddings of one place show the same."""

    higher_is_closer = True
    log_odds = True

    def __init__(self, scale: float = 1.0, bias: float = 3.0) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.bias = nn.Parameter(torch.tensor(bias))

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        apart = (a - b).square().sum(1).add(1e-12).sqrt()  # the root has no slope at 0
        return self.bias - self.log_scale.exp() * apart

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return self.bias - self.log_scale.exp() * torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
