"""The dropouts that are not element by element: Merity et al. 2017, https://arxiv.org/abs/1708.02182, section 4."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def variational_dropout(values: Tensor, share: float, training: bool) -> Tensor:
    """Drop the same channels at all positions of a sequence (B, T, D), others for each sequence (section 4.2)."""
    if not training or share == 0:
        return values
    batch, _, width = values.shape
    return values * F.dropout(values.new_ones(batch, 1, width), share)


def embed(embedding: nn.Embedding, ids: Tensor, share: float, training: bool) -> Tensor:
    """Look ids (B, T) up, (B, T, D), dropping words wherever they occur in the batch (section 4.3)."""
    vectors: Tensor = embedding(ids)
    if not training or share == 0:
        return vectors
    kept = F.dropout(vectors.new_ones(embedding.num_embeddings), share)  # (V,)
    return vectors * kept[ids][:, :, None]
