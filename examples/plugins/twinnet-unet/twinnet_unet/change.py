"""Where two pictures of one scene differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from twinnet import TwinnetError, TwinNetwork
from twinnet.image.decoding import decode


def same_odds(network: TwinNetwork, before: Any, after: Any) -> npt.NDArray[np.float32]:
    """The log odds that a pixel shows the same in both pictures; below 0 it counts as changed.

    Args:
        network: A twin network whose distance gives log odds at every pixel.
        before: A picture of any kind that twinnet takes.
        after: The same scene, of the same size.

    Returns:
        (H, W).

    Raises:
        TwinnetError: If a picture cannot be read, or the sizes differ.
    """
    pictures = [decode(item, position) for position, item in enumerate((before, after))]
    sizes = [picture.shape[:2] for picture in pictures]
    if sizes[0] != sizes[1]:
        shown = " and ".join(f"{width} x {height}" for height, width in sizes)
        raise TwinnetError(f"the pictures have {shown} pixels: they must have one size, and show one scene")
    batches = []
    for tower, picture in zip((network.side("left"), network.side("right")), pictures, strict=True):
        batch = tower.reader().collate(tower.reader().prepare([picture]))
        batches.append({name: tensor.to(network.device) for name, tensor in batch.items()})
    with torch.inference_mode():
        odds = network.score_places(*batches)[0].float().cpu().numpy()
    height, width = sizes[0]
    return odds[:height, :width]
