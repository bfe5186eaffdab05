"""The batch-normalisation neck."""

from __future__ import annotations

from torch import nn

from twinnet.features import Features
from twinnet.heads.base import HeadLayer


class BNNeck(HeadLayer):
    """Batch normalisation of the embedding, without a shift, before a loss with class weights.

    Centred and balanced dimensions suit the cosine and softmax losses such as ArcFace (Luo et al. 2019, section 3.4,
    https://arxiv.org/abs/1903.07071). What comes out of it is the embedding, as it is there in inference.

    Args:
        in_features: Width of the embedding.
    """

    def __init__(self, in_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(in_features)
        self.norm.bias.requires_grad_(False)

    def forward(self, features: Features) -> Features:
        """(B, D) -> (B, D)."""
        return features.with_values(self.norm(features.values))
