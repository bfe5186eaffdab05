"""SiamFC, as in the paper and in siamfc-pytorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from twinnet.backbones.checkpoints import read_checkpoint
from twinnet.errors import TwinnetError
from twinnet.network import TwinNetwork

# Bertinetto et al. 2016, section 4 ("Tracking algorithm"): SiamFC-3s and SiamFC. The rest is as `Inference` has it.
SCALES: dict[int, dict[str, float]] = {
    3: {"scales": 3, "scale_step": 1.0375, "scale_damping": 0.59},
    5: {"scales": 5, "scale_step": 1.025, "scale_damping": 0.35},
}


def siamfc(weights: str | Path | Mapping[str, Tensor] | None = None, *, scales: int = 3) -> TwinNetwork:
    """SiamFC with AlexNet.

    Args:
        weights: A file with a state dict of siamfc-pytorch, or the state dict; random weights without it.
        scales: 3 or 5.

    Raises:
        TwinnetError: If there is no such variant, or the weights do not fit.
    """
    if scales not in SCALES:
        raise TwinnetError(f"SiamFC compares 3 or 5 scales, not {scales}")
    network = TwinNetwork(
        "siamfc-alexnet", head=[], distance="adjusted-dot", preprocess={"name": "tracking", "inference": SCALES[scales]}
    )
    if weights is not None:
        _fill(network, weights)
    return network


def _fill(network: TwinNetwork, weights: str | Path | Mapping[str, Tensor]) -> None:
    if isinstance(weights, Mapping):
        name, state = "the weights", weights
    else:
        name, state = str(weights), read_checkpoint(weights)
    try:
        network.tower.backbone.load_weights(dict(state))
    except (RuntimeError, AttributeError, TypeError) as error:
        raise TwinnetError(f"{name}: no weights of siamfc-pytorch's AlexNetV1 ({error})") from error
