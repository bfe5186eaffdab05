"""What the tracker asks of a network.

A tracking network is a `TwinNetwork` whose embedding is a map (B, C, H, W), and nothing else. The tracker knows it by:

* `network.tower.preprocess`, a `TrackingPreprocess`: the sizes of exemplar and search crops, the context around a box,
  the normalisation of pixels, and the constants of inference (`Inference`), all saved with the network.
* `network.tower.backbone.stride`: input pixels for each cell of the map. Head layers keep the cells of the map.
* `network(batch, "left")`: exemplar crops -> maps, once for each target; `network(batch, "right")`: search crops ->
  maps, for all targets and scales of a frame at once. What belongs to a target is kept by the tracker, never here.
* `network.distance.dense(exemplar, search)` -> (B, H', W'), the distance at every place. The exemplar may be stored.

A distance may also have:

* `kernel`, a number: it compares only the `kernel` x `kernel` cells in the middle of the exemplar's map of n x n cells,
  from cell (n - kernel) // 2 on. Padded backbones need it: cells at the rim know of the rim.
* `log_odds = True`: its scores are log odds (it was trained with a logistic loss), so the tracker reports the logistic
  function of them; other scores are reported as they are.
* `box_head`, a module or None: with one, `locate(exemplar, search, size)` -> `BoxMap` says where the box is at every
  place, `size` being width and height of the target in pixels of the exemplar crop (B, 2). One crop is enough then.

Where a target is: in both maps, cell i begins at the same offset plus i times the stride. So the window that begins
at cell j lies where the exemplar crop would begin at pixel (j - first) * stride of the search crop, `first` being the
first cell of the kernel, and the middle of the target is at `exemplar_size / 2 + (j - first) * stride`. This holds for
padded and unpadded backbones if the two sizes differ by a multiple of the stride (`target_places`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from twinnet.errors import TwinnetError
from twinnet.network import TwinNetwork


def knows_boxes(network: TwinNetwork) -> bool:
    """Whether a network says where the box is at every place."""
    return getattr(network.distance, "box_head", None) is not None


class BoxMap(NamedTuple):
    """A box at every place of a search map.

    Attributes:
        score: How close the exemplar is there, from 0 to 1, quality included: (B, H', W').
        edges: From the place of a cell (`target_places`) to the left, top, right and bottom edge of the box, in pixels
            of the search crop: (B, 4, H', W').
    """

    score: Tensor
    edges: Tensor


@dataclass(frozen=True)
class Inference:
    """The constants of inference; the defaults are those of SiamFC-3s.

    Bertinetto et al. 2016, section 4, and the values that the authors' code runs with.

    Attributes:
        scales: How many sizes of the search region are compared; odd. One where the network gives boxes.
        scale_step: The factor between neighbouring sizes.
        scale_penalty: What the response of any other size than the present one is multiplied with.
        scale_damping: How far the size goes towards the best one in a frame.
        window_influence: The share of the cosine window in the response.
        upsampling: How many times finer than the map the peak is looked for (bicubic).
        smallest: The smallest size that a target may reach, in terms of its first one.
        largest: The largest one, likewise.
        size_penalty: How strongly boxes that change size or aspect are penalised; only where the network gives boxes
            (Li et al. 2018, https://arxiv.org/abs/1804.06403, eq. 12, its k).
        memory: The share of what a target looked like lately in its exemplar; the rest is what it looked like at first.
    """

    scales: int = 3
    scale_step: float = 1.0375
    scale_penalty: float = 0.9745
    scale_damping: float = 0.59
    window_influence: float = 0.176
    upsampling: int = 16
    smallest: float = 0.2
    largest: float = 5.0
    size_penalty: float = 0.05
    memory: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises:
            TwinnetError: If a number of scales or steps is not whole and above 0, or scales are even.
        """
        for name in ("scales", "upsampling"):
            value = getattr(self, name)
            if value != int(value) or value < 1:
                raise TwinnetError(f"{name} is {value!r}: expected a whole number from 1 on")
        if self.scales % 2 == 0:
            raise TwinnetError(
                f"scales is {self.scales}: expected an odd number, so that the present size is one of them"
            )


def target_places(
    count: int, stride: int, exemplar_size: int, exemplar_cells: int, kernel: int | None = None
) -> npt.NDArray[np.float64]:
    """Where the middle of the target is, in pixels of the search crop, for each of `count` cells along an axis."""
    first = (exemplar_cells - kernel) // 2 if kernel else 0
    places: npt.NDArray[np.float64] = exemplar_size / 2 + (np.arange(count, dtype=np.float64) - first) * stride
    return places
