"""The passes of a tracking network, each as fast as the machine can."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from twinnet.acceleration.compiling import CompiledModule, Request, can_compile, compiled
from twinnet.encoder import Side
from twinnet.features import Batch
from twinnet.fusion import fused
from twinnet.network import TwinNetwork

# Compiling takes a second or two: a network of fewer weights does not save as much in a whole film.
WORTH_COMPILING = 200_000

Array = npt.NDArray[np.float32]


class Passes:
    """Crops to maps, and maps to scores or boxes.

    On a CPU, layers are joined where they can be (see `fused`). Where OpenVINO is installed and all parts are traceable
    (see `Component`), the pass over search regions and the search for boxes in their maps are compiled.

    Args:
        network: A tracking network; later changes to its weights are not seen.
        search_size: The side of search regions in pixels.
    """

    def __init__(self, network: TwinNetwork, search_size: int) -> None:
        self.network = fused(network)
        self.search_size = search_size
        self.knows_boxes = getattr(network.distance, "box_head", None) is not None
        self._search: Request | None = None
        self._locate: Request | None = None
        if _gains(network):
            key = f"search regions of {search_size}"
            self._search = compiled(network, key, lambda: _compile_search(network, search_size)).request()
            if self.knows_boxes and network.distance.traceable:
                key = f"boxes in {search_size}"
                self._locate = compiled(network, key, lambda: _compile_locate(network, search_size)).request()

    def maps(self, pixels: Tensor, side: Side = "right") -> Tensor:
        """Normalised crops (N, 3, S, S) -> maps (N, C, H, W)."""
        if self._search is not None and side == "right" and pixels.shape[-2:] == (self.search_size,) * 2:
            return torch.from_numpy(self._search(pixels)[0])
        with torch.inference_mode():
            embedded: Tensor = self.network({"pixels": pixels.to(self.network.device)}, side)
        return embedded

    def scores(self, exemplars: Tensor, search: Tensor) -> Array:
        """Maps of exemplars (N, C, h, w) and of search regions (N, C, H, W) -> scores (N, H', W')."""
        with torch.inference_mode():
            return self.network.score_map(exemplars, search).float().cpu().numpy()

    def boxes(self, exemplars: Tensor, search: Tensor, sizes: npt.NDArray[Any]) -> tuple[Array, Array]:
        """The same with sizes of the targets (N, 2) in exemplar crops -> `BoxMap`'s scores and edges, as arrays."""
        size = torch.from_numpy(sizes.astype(np.float32))
        if self._locate is not None:
            found = [self._locate(*(part[i : i + 1] for part in (exemplars, search, size))) for i in range(len(size))]
            scores, edges = (np.concatenate(parts) for parts in zip(*found, strict=True))
            return scores, edges
        distance: Any = self.network.distance
        with torch.inference_mode():
            score, edge = distance.locate(exemplars, search, size.to(search.device))
        return score.float().cpu().numpy(), edge.float().cpu().numpy()


def _gains(network: TwinNetwork) -> bool:
    weights = list(network.parameters())
    plain = all(weight.device.type == "cpu" and weight.dtype == torch.float32 for weight in weights)
    large = sum(weight.numel() for weight in weights) >= WORTH_COMPILING
    return plain and large and network.side("right").traceable and can_compile()


def _compile_search(network: TwinNetwork, size: int) -> CompiledModule:
    return CompiledModule(_Search(network), [_blank(network, size)["pixels"]])


def _compile_locate(network: TwinNetwork, size: int) -> CompiledModule:
    plain = copy.deepcopy(network).eval()
    exemplar_size: int = plain.tower.preprocess.exemplar_size  # type: ignore[union-attr]
    with torch.no_grad():
        maps = [plain(_blank(plain, exemplar_size), "left"), plain(_blank(plain, size), "right")]
    return CompiledModule(_Locate(plain), [*maps, torch.full((1, 2), exemplar_size / 2)])


def _blank(network: TwinNetwork, size: int) -> Batch:
    preprocess: Any = network.tower.preprocess
    blank: Batch = preprocess.batch(np.zeros((1, size, size, 3), dtype=np.uint8))
    return blank


class _Search(nn.Module):
    def __init__(self, network: TwinNetwork) -> None:
        super().__init__()
        self.tower = copy.deepcopy(network.side("right")).eval()

    def forward(self, pixels: Tensor) -> Tensor:
        embedded: Tensor = self.tower({"pixels": pixels})
        return embedded


class _Locate(nn.Module):
    def __init__(self, network: TwinNetwork) -> None:
        super().__init__()
        self.distance: Any = network.distance

    def forward(self, exemplar: Tensor, search: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        score, edges = self.distance.locate(exemplar, search, size)
        return score, edges
