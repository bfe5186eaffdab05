"""What embeddings that are kept were made with, so that no other network is asked about them."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from twinnet.network import TwinNetwork
from twinnet.operating_point import system_of


def provenance(network: TwinNetwork) -> dict[str, Any]:
    """What embeddings of a network depend on, for JSON: its parts but for the weights, and a digest of those."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return {"system": system_of(network), "weights": digest.hexdigest()}
