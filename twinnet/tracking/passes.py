"""The passes of a tracking network, each as fast as the machine can."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from twinnet.acceleration.compiling import HINTS, agrees, can_compile, left_to_torch
from twinnet.acceleration.keeping import kept
from twinnet.acceleration.precision import possible, to_numpy
from twinnet.encoder import Side
from twinnet.fusion import fused, is_plain
from twinnet.image.decoding import Pixels
from twinnet.network import TwinNetwork
from twinnet.tower import is_hooked
from twinnet.tracking.compiled import Array, CompiledPass, compiled_look, compiled_search
from twinnet.tracking.preprocess import TrackingPreprocess
from twinnet.tracking.protocol import knows_boxes

# Compiling takes a second or two: a network of fewer weights does not save as much in a whole film.
WORTH_COMPILING = 200_000

log = logging.getLogger(__name__)


class Passes:
    """Crops to maps, scores or boxes.

    On a CPU, layers are joined where they can be (see `fused`) and still compute the same. Where OpenVINO is installed
    and all parts are traceable (see `Component`), the way from a search region to the boxes in it is compiled as one,
    and so is that from an exemplar to its map. The first of each is compared with torch, which does it where the two
    differ or the network cannot be compiled. In the network's `precision` "bfloat16", the search is compiled in it, and
    where nothing is compiled, the towers compute in it.

    What is made of a network serves all its trackers.

    Args:
        network: A tracking network; later changes to its weights are not seen.
        search_size: The side of search regions in pixels.
    """

    def __init__(self, network: TwinNetwork, search_size: int) -> None:
        self._preprocess: TrackingPreprocess = network.tower.preprocess  # type: ignore[assignment]
        self._exemplar_size = self._preprocess.exemplar_size
        precision = possible(network.precision, network.device)
        self._look: CompiledPass | None = None
        self._search: CompiledPass | None = None
        if _gains(network):
            hint = HINTS[precision]
            own = self._preprocess
            given = (own.exemplar_size, *own.mean, *own.std)
            try:
                self._look = kept(network, ("look", *given), partial(compiled_look, network))
                search = partial(compiled_search, network, search_size, hint)
                self._search = kept(network, ("search", search_size, hint, *given), search)
            except Exception as error:  # OpenVINO's own kinds of failure share no other base
                left_to_torch(error)
        self._kind = torch.bfloat16 if precision == "bfloat16" and self._search is None else torch.float32
        self.network = kept(network, f"joined in {self._kind}", partial(_quick, network, self._kind)) or network

    def maps(self, cuts: Pixels, side: Side) -> Tensor:
        """Crops (N, S, S, 3) -> maps (N, C, H, W)."""
        size = self._exemplar_size
        if side == "left" and self._look is not None and cuts.shape[1:3] == (size, size):
            calls = [(cut,) for cut in torch.from_numpy(cuts).split(1)]
            found = self._look(calls, lambda: [to_numpy(self._plain_maps(cuts[:1], "left"))])
            if found is not None:
                return torch.from_numpy(np.concatenate([one for (one,) in found]))
        return self._plain_maps(cuts, side)

    def scores(self, exemplars: Tensor, cuts: Pixels) -> Array:
        """Maps of exemplars (N, C, h, w) and crops to search (N, S, S, 3) -> scores (N, H', W')."""
        with torch.inference_mode():
            return to_numpy(self.network.score_map(exemplars, self.maps(cuts, "right")))

    def boxes(self, exemplars: Sequence[Tensor], cuts: Pixels, sizes: npt.NDArray[Any]) -> tuple[Array, Array]:
        """Find the targets in search regions.

        Args:
            exemplars: Their maps, N times (1, C, h, w).
            cuts: Search regions (N, S, S, 3).
            sizes: Width and height of each target in pixels of the exemplar crop (N, 2).

        Returns:
            `BoxMap`'s scores (N, H', W') and edges (N, 4, H', W').
        """
        size = torch.from_numpy(sizes.astype(np.float32))
        if self._search is not None:
            calls = list(zip(torch.from_numpy(cuts).split(1), exemplars, size.split(1), strict=True))
            found = self._search(calls, lambda: self._plain_boxes(exemplars[0], cuts[:1], size[:1]))
            if found is not None:
                scores, edges = (np.concatenate(parts) for parts in zip(*found, strict=True))
                return scores, edges
        return self._plain_boxes(torch.cat(list(exemplars)), cuts, size)

    def _plain_maps(self, cuts: Pixels, side: Side) -> Tensor:
        pixels = self._preprocess.batch(cuts)["pixels"]
        with torch.inference_mode():
            embedded: Tensor = self.network({"pixels": pixels.to(self.network.device, self._kind)}, side)
        return embedded.float()

    def _plain_boxes(self, exemplars: Tensor, cuts: Pixels, sizes: Tensor) -> tuple[Array, Array]:
        distance: Any = self.network.distance
        with torch.inference_mode():
            search = self._plain_maps(cuts, "right")
            score, edge = distance.locate(exemplars, search, sizes.to(search.device))
        return to_numpy(score), to_numpy(edge)


def _gains(network: TwinNetwork) -> bool:
    if not knows_boxes(network):  # SiamFC's large convolutions run as fast in torch
        return False
    large = sum(weight.numel() for weight in network.parameters()) >= WORTH_COMPILING
    traceable = all(tower.traceable for tower in network.towers) and network.distance.traceable
    preprocess: Any = network.tower.preprocess
    as_known = type(preprocess).batch is TrackingPreprocess.batch and not is_hooked(network.distance)
    return large and traceable and as_known and is_plain(network) and can_compile()


def _quick(network: TwinNetwork, kind: torch.dtype) -> TwinNetwork | None:
    """A copy with its layers joined and its towers in some type, or None where that is the network itself."""
    joined = _joined(network)
    if kind == torch.float32:
        return joined
    converted = copy.deepcopy(joined or network)
    for tower in {converted.side("left"), converted.side("right")}:
        tower.to(kind)  # distances are computed in float32
    return converted


def _joined(network: TwinNetwork) -> TwinNetwork | None:
    """A copy with its layers joined, or as they are where that computes something else; None where nothing can be."""
    joined = fused(network)
    if joined is network:
        return None
    plain = copy.deepcopy(network).eval()
    preprocess: Any = plain.tower.preprocess
    pixels = torch.rand(1, 3, *[preprocess.exemplar_size] * 2, generator=torch.Generator().manual_seed(0))
    sides: tuple[Side, ...] = ("left",) if plain.other is None else ("left", "right")
    try:
        with torch.inference_mode():
            quick, exact = ([to_numpy(each({"pixels": pixels}, side)) for side in sides] for each in (joined, plain))
            if all(map(agrees, quick, exact)):
                return joined
        why = "computes something else"
    except Exception as error:  # what other code makes of layers that are replaced has no base
        why = f"cannot be computed ({type(error).__name__})"
    log.warning("this network %s when its layers are joined: they stay as they are", why)
    return plain
