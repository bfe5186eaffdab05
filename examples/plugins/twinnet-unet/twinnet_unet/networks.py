"""The three twin U-Nets by name."""

from __future__ import annotations

import torch

from twinnet import TwinNetwork

# Kind -> backbone and distance.
KINDS = {
    "conc": ("unet-encoder", "fc-siam/conc"),
    "diff": ("unet-encoder", "fc-siam/diff"),
    "dense": ("unet", "place-odds"),
}


def new_network(kind: str, channels: int, dropout: float, seed: int = 0) -> TwinNetwork:
    """An untrained network.

    Args:
        kind: "conc" and "diff" decode both sides together; "dense" embeds every pixel of each side by itself.
        channels: Channels of the first stage; 16 in the paper.
        dropout: Share of the channels that are left out in training; 0.2 in the paper.
        seed: Of the weights.
    """
    torch.manual_seed(seed)
    backbone, distance = KINDS[kind]
    compare = {"name": distance} if kind == "dense" else {"name": distance, "dropout": dropout}
    return TwinNetwork({"name": backbone, "channels": channels, "dropout": dropout}, [], compare)
