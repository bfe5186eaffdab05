"""Layers that make codes of embeddings: their signs are the bits."""

from __future__ import annotations

import torch
from torch import Tensor

from twinnet.checks import check_count
from twinnet.features import Features
from twinnet.heads.base import HeadLayer

TINY = 1e-12


class Hyperplanes(HeadLayer):
    """Sign random projections: on which side of random hyperplanes an embedding lies.

    Two embeddings at an angle of θ agree in each bit with probability 1 - θ / π (Charikar 2002,
    https://doi.org/10.1145/509907.509965), so the Hamming distance of their codes estimates θ. As many planes as there
    are dimensions are orthogonal to each other, which keeps that probability and lowers the variance (Ji et al. 2012,
    "Super-bit locality-sensitive hashing"). What comes out are the distances from the planes; their signs are the code,
    as the distance "hamming" and `encode(quantize="binary")` take it. The planes are not trained.

    Args:
        in_features: Width D of the embedding.
        bits: How many planes.
        seed: Decides the planes.

    Raises:
        TwinnetError: If there is less than one bit.
    """

    planes: Tensor

    def __init__(self, in_features: int, bits: int, seed: int = 0) -> None:
        super().__init__()
        check_count(bits, "bits")
        generator = torch.Generator().manual_seed(seed)
        blocks = [torch.randn(in_features, in_features, generator=generator) for _ in range(0, bits, in_features)]
        self.register_buffer("planes", torch.cat([torch.linalg.qr(block).Q.T for block in blocks])[:bits])  # (bits, D)

    def out_width(self, width: int) -> int:
        """One value for each bit."""
        del width
        return len(self.planes)

    def forward(self, features: Features) -> Features:
        """(..., D) -> (..., bits)."""
        return features.with_values(features.values @ self.planes.T)


class Sign(HeadLayer):
    """The signs of the values, 1 and -1, with the gradient of a hyperbolic tangent in their place.

    Behind a layer `dense` it makes codes that any loss can train: half of what the cosine of two codes lacks to 1 is
    the share of bits in which they differ. The tangent is taken of values of mean square 1, so that bits which are
    certain hardly move (the straight-through estimator of Bengio et al. 2013, https://arxiv.org/abs/1308.3432, with the
    tangent of HashNet, Cao et al. 2017, https://arxiv.org/abs/1702.00758). Zero counts as negative.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(self, features: Features) -> Features:
        """The same shape."""
        values = features.values
        smooth = torch.tanh(values / values.detach().square().mean().clamp_min(TINY).sqrt())
        signs = torch.where(values > 0, 1.0, -1.0).to(values.dtype)
        return features.with_values(signs + (smooth - smooth.detach()))
