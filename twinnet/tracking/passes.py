"""The passes of a tracking network, each as fast as the machine can."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from twinnet.acceleration.compiling import (
    HINTS,
    CompiledModule,
    Request,
    agrees,
    can_compile,
    left_to_torch,
    run_all,
)
from twinnet.acceleration.keeping import kept
from twinnet.acceleration.precision import possible, to_numpy
from twinnet.encoder import Side
from twinnet.fusion import fused, is_plain
from twinnet.network import TwinNetwork
from twinnet.tracking.protocol import knows_boxes

# Compiling takes a second or two: a network of fewer weights does not save as much in a whole film.
WORTH_COMPILING = 200_000

Array = npt.NDArray[np.float32]

log = logging.getLogger(__name__)


class Passes:
    """Crops to maps, scores or boxes.

    On a CPU, layers are joined where they can be (see `fused`) and still compute the same. Where OpenVINO is installed
    and all parts are traceable (see `Component`), the way from a search region to the boxes in it is compiled as one.
    The first region is compared with torch, which does it where the two differ or the network cannot be compiled. In
    the network's `precision` "bfloat16", what is compiled computes in it, and where nothing is, the towers do.

    Args:
        network: A tracking network; later changes to its weights are not seen.
        search_size: The side of search regions in pixels.
    """

    def __init__(self, network: TwinNetwork, search_size: int) -> None:
        self.network = _joined(network)
        self._compiled: CompiledModule | None = None
        precision = possible(network.precision, network.device)
        self._own = threading.local()  # a request serves one thread
        if _gains(network):
            hint = HINTS[precision]
            make = partial(_compile, network, search_size, hint)
            try:
                self._compiled = kept(network, f"search regions of {search_size} in {hint}", make)
            except Exception as error:  # OpenVINO's own kinds of failure share no other base
                left_to_torch(error)
        self._trusted = False
        self._kind = torch.float32
        if precision == "bfloat16" and self._compiled is None:
            self._kind = torch.bfloat16
            self.network = _with_towers_in(self._kind, self.network)

    def maps(self, pixels: Tensor, side: Side) -> Tensor:
        """Normalised pictures (N, 3, H', W') -> maps (N, C, H, W)."""
        with torch.inference_mode():
            embedded: Tensor = self.network({"pixels": pixels.to(self.network.device, self._kind)}, side)
        return embedded.float()

    def scores(self, exemplars: Tensor, pixels: Tensor) -> Array:
        """Maps of exemplars (N, C, h, w) and normalised pictures to search (N, 3, H, W) -> scores (N, H', W')."""
        with torch.inference_mode():
            return to_numpy(self.network.score_map(exemplars, self.maps(pixels, "right")))

    def boxes(self, exemplars: Sequence[Tensor], pixels: Tensor, sizes: npt.NDArray[Any]) -> tuple[Array, Array]:
        """Find the targets in search regions.

        Args:
            exemplars: Their maps, N times (1, C, h, w).
            pixels: Normalised search regions (N, 3, S, S).
            sizes: Width and height of each target in pixels of the exemplar crop (N, 2).

        Returns:
            `BoxMap`'s scores (N, H', W') and edges (N, 4, H', W').
        """
        size = torch.from_numpy(sizes.astype(np.float32))
        if self._compiled is None:
            return self._plain_boxes(torch.cat(list(exemplars)), pixels, size)
        # No batch: it would be no faster, and part of the graph depends on its size.
        found = self._located(self._compiled, list(zip(pixels.split(1), exemplars, size.split(1), strict=True)))
        if not self._trusted:
            expected = self._plain_boxes(exemplars[0], pixels[:1], size[:1])
            if not all(agrees(*pair, self._compiled.hint) for pair in zip(found[0], expected, strict=True)):
                left_to_torch()
                self._compiled = None
                return self.boxes(exemplars, pixels, sizes)
            self._trusted = True
        scores, edges = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return scores, edges

    def _located(self, network: CompiledModule, regions: Sequence[tuple[Tensor, ...]]) -> list[list[Array]]:
        """One region by all threads, several with a thread for each."""
        if len(regions) == 1 or network.threads == 1:
            if not hasattr(self._own, "request"):
                self._own.request = network.request()
            locate: Request = self._own.request
            return [locate(*region) for region in regions]
        if not hasattr(self._own, "requests"):
            self._own.requests = network.requests()
        return run_all(self._own.requests, regions)

    def _plain_boxes(self, exemplars: Tensor, pixels: Tensor, sizes: Tensor) -> tuple[Array, Array]:
        distance: Any = self.network.distance
        with torch.inference_mode():
            search = self.maps(pixels, "right")
            score, edge = distance.locate(exemplars, search, sizes.to(search.device))
        return to_numpy(score), to_numpy(edge)


def _joined(network: TwinNetwork) -> TwinNetwork:
    """A copy with its layers joined, or as they are where that computes something else."""
    joined = fused(network)
    if joined is network:
        return network
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


def _gains(network: TwinNetwork) -> bool:
    if not knows_boxes(network):  # SiamFC's large convolutions run as fast in torch
        return False
    large = sum(weight.numel() for weight in network.parameters()) >= WORTH_COMPILING
    traceable = network.side("right").traceable and network.distance.traceable
    return large and traceable and is_plain(network) and can_compile()


def _with_towers_in(kind: torch.dtype, network: TwinNetwork) -> TwinNetwork:
    """A copy; distances are computed in float32."""
    converted = copy.deepcopy(network)
    for tower in {converted.side("left"), converted.side("right")}:
        tower.to(kind)
    return converted


def _compile(network: TwinNetwork, size: int, hint: str) -> CompiledModule:
    plain = copy.deepcopy(network).eval()
    preprocess: Any = plain.tower.preprocess
    exemplar_size: int = preprocess.exemplar_size
    exemplar, search = (
        preprocess.batch(np.zeros((1, side, side, 3), dtype=np.uint8))["pixels"] for side in (exemplar_size, size)
    )
    with torch.no_grad():
        kept = plain({"pixels": exemplar}, "left")
    return CompiledModule(_Located(plain), [search, kept, torch.full((1, 2), exemplar_size / 2)], hint)


class _Located(nn.Module):
    """A search region, an exemplar's map and the target's size -> scores and edges."""

    def __init__(self, network: TwinNetwork) -> None:
        super().__init__()
        self.tower = network.side("right")
        self.distance: Any = network.distance

    def forward(self, pixels: Tensor, exemplar: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        score, edges = self.distance.locate(exemplar, self.tower({"pixels": pixels}), size)
        return score, edges
