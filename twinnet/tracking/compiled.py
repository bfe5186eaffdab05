"""The two passes of every frame, compiled for crops of one size."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from twinnet.acceleration.compiling import CompiledModule, Request, agrees, left_to_torch, run_all
from twinnet.network import TwinNetwork

Array = npt.NDArray[np.float32]


class CompiledPass:
    """A module compiled for inputs of fixed sizes, as long as it computes what torch does.

    Args:
        module: As for `CompiledModule`.
        example: Inputs. There is no batch: it would be no faster, and what depends on its size would be worked out for
            each call.
        hint: OpenVINO's name of the precision.

    Raises:
        Exception: OpenVINO's own kinds, which share no base, if it cannot be compiled.
    """

    def __init__(self, module: nn.Module, example: Sequence[Tensor], hint: str) -> None:
        self._compiled = CompiledModule(module, example, hint, fixed=True)
        self._own = threading.local()  # a request serves one thread

    def __call__(
        self, calls: Sequence[Sequence[Tensor]], expected: Callable[[], Sequence[Array]]
    ) -> list[list[Array]] | None:
        """The outputs for each of some inputs, or None where they are not to be trusted.

        Args:
            calls: The inputs.
            expected: What torch gives for the first of them. It is asked once.
        """
        if self._compiled.trusted is False:
            return None
        found = self._run(calls)
        if self._compiled.trusted is None:
            hint = self._compiled.hint
            self._compiled.trusted = all(agrees(*pair, hint) for pair in zip(found[0], expected(), strict=True))
            if not self._compiled.trusted:
                left_to_torch()
                return None
        return found

    def _run(self, calls: Sequence[Sequence[Tensor]]) -> list[list[Array]]:
        """One by all threads, several with a thread for each."""
        if len(calls) == 1 or self._compiled.threads == 1:
            if not hasattr(self._own, "request"):
                self._own.request = self._compiled.request()
            run: Request = self._own.request
            return [run(*call) for call in calls]
        if not hasattr(self._own, "requests"):
            self._own.requests = self._compiled.requests()
        return run_all(self._own.requests, calls)


def compiled_look(network: TwinNetwork) -> CompiledPass:
    """An exemplar crop, uint8 (1, S, S, 3) -> its map, in float32 since it is compared with many."""
    plain = copy.deepcopy(network).eval()
    preprocess: Any = plain.tower.preprocess
    return CompiledPass(_Looked(plain), [_empty(preprocess.exemplar_size)], "f32")


def compiled_search(network: TwinNetwork, size: int, hint: str) -> CompiledPass:
    """A search region, uint8 (1, S, S, 3), an exemplar's map and its target's size (1, 2) -> scores and edges.

    The last three are as in `ExemplarCosine.locate`.
    """
    plain = copy.deepcopy(network).eval()
    preprocess: Any = plain.tower.preprocess
    with torch.no_grad():
        exemplar = _Looked(plain)(_empty(preprocess.exemplar_size))
    return CompiledPass(_Searched(plain), [_empty(size), exemplar, torch.ones(1, 2)], hint)


class _Looked(nn.Module):
    def __init__(self, network: TwinNetwork) -> None:
        super().__init__()
        self.preprocess: Any = network.tower.preprocess
        self.tower = network.side("left")

    def forward(self, cut: Tensor) -> Tensor:
        found: Tensor = self.tower({"pixels": self.preprocess.normalised(cut)})
        return found


class _Searched(nn.Module):
    def __init__(self, network: TwinNetwork) -> None:
        super().__init__()
        self.preprocess: Any = network.tower.preprocess
        self.tower = network.side("right")
        self.distance: Any = network.distance

    def forward(self, cut: Tensor, exemplar: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        search = self.tower({"pixels": self.preprocess.normalised(cut)})
        score, edges = self.distance.locate(exemplar, search, size)
        return score, edges


def _empty(side: int) -> Tensor:
    return torch.zeros(1, side, side, 3, dtype=torch.uint8)
