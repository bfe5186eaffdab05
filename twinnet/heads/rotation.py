"""Codes fitted to the embeddings that they are made of."""

from __future__ import annotations

from typing import Any

import torch

from twinnet.errors import TwinnetError
from twinnet.heads.projection import Dense

ROUNDS = 50


def fitted_rotation(embeddings: Any, bits: int, seed: int = 0) -> Dense:
    """A layer whose signs are codes fitted to a sample: iterative quantization.

    The embeddings are centred, projected onto their first principal components, and rotated so that they lie close to
    the corners of a cube, in turns with the choice of the corners (Gong and Lazebnik 2011, section 2,
    https://doi.org/10.1109/CVPR.2011.5995432). It needs no labels, and can be trained further as any `dense` layer,
    with the layer `sign` behind it.

    Args:
        embeddings: A sample (N, D), of some thousand.
        bits: How many bits, at most D.
        seed: Decides where the rotation starts.

    Raises:
        TwinnetError: If there are more bits than dimensions, or less than one.
    """
    rows = torch.as_tensor(embeddings, dtype=torch.float32)
    count, width = rows.shape
    if not 1 <= bits <= width or count < 2:
        raise TwinnetError(
            f"a rotation of width {width} gives from 1 to {width} bits of two rows or more, not {bits} of {count}"
        )
    mean = rows.mean(0)
    components = torch.linalg.svd((rows - mean).T @ (rows - mean)).U[:, :bits]  # (D, bits)
    projected = (rows - mean) @ components  # (N, bits)
    rotation = torch.linalg.qr(torch.randn(bits, bits, generator=torch.Generator().manual_seed(seed))).Q
    for _ in range(ROUNDS):
        corners = torch.where(projected @ rotation > 0, 1.0, -1.0)
        left, _, right = torch.linalg.svd(projected.T @ corners)
        rotation = left @ right
    layer = Dense(width, bits)
    with torch.no_grad():
        layer.linear.weight.copy_((components @ rotation).T)
        layer.linear.bias.copy_(-mean @ components @ rotation)
    return layer
