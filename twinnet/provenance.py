"""What embeddings that are kept were made with, so that no other network is asked about them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch
from torch import Tensor

from twinnet.network import TwinNetwork
from twinnet.operating_point import system_of


def provenance(network: TwinNetwork) -> dict[str, Any]:
    """What embeddings of a network depend on, for JSON: what scores do, and a digest of its parts and their weights."""
    digest = hashlib.sha256()
    for tower in network.towers:
        for part in (tower.backbone, *tower.head):
            identity = [type(part).__qualname__, part.config]
            digest.update(json.dumps(identity, sort_keys=True, default=str).encode())
        _add(digest, tower.backbone.weights() | tower.head.state_dict(prefix="head."))
    _add(digest, network.distance.state_dict())
    return {"system": system_of(network), "weights": digest.hexdigest()}


def _add(digest: Any, weights: dict[str, Tensor]) -> None:
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
