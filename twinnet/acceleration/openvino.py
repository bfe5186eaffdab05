"""Towers compiled by OpenVINO for the CPU."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from twinnet.acceleration.compiling import (
    HINTS,
    CompiledModule,
    Request,
    agrees,
    fixed_sizes,
    import_openvino,
    left_to_torch,
)
from twinnet.acceleration.int8 import quantized
from twinnet.acceleration.keeping import all_kept, kept
from twinnet.acceleration.precision import Embed
from twinnet.acceleration.ranges import required_ranges
from twinnet.errors import TwinnetError
from twinnet.features import Batch
from twinnet.preprocess import Prepared
from twinnet.tower import Tower

# How many items are compared with torch.
FEW = 2

# Towers that are left to torch.
REFUSED: WeakSet[Tower] = WeakSet()


def is_compiled(tower: Tower, precision: str) -> bool:
    """Whether an `Embedder` would find something that was compiled before."""
    return any(key[0] == precision for key in list(all_kept(tower)))  # type: ignore[index]


def where_trusted(tower: Tower, plain: Embed, precision: str, *, new: bool) -> Embed:
    """What embeds: the tower compiled, where it computes what torch does, or else torch.

    Args:
        tower: As for `Embedder`.
        plain: What embeds a batch by torch.
        precision: "bfloat16" or "float32".
        new: Whether to compile it where that was not done before.
    """
    if tower not in REFUSED and (new or is_compiled(tower, precision)):
        return Checked(tower, plain, precision)
    return plain


class Embedder:
    """Embeds batches, one after the other; each thread has its own.

    There is one model for each set of inputs that batches have. What was compiled for a tower is kept as long as it.

    Args:
        tower: In evaluation mode, on the CPU. What is compiled has its weights of now.
        precision: "int8", "bfloat16" or "float32".

    Raises:
        TwinnetError: If OpenVINO is not installed, or the tower has no int8 ranges.
    """

    def __init__(self, tower: Tower, precision: str) -> None:
        import_openvino()
        self.tower = tower
        self.precision = precision
        self.ranges = required_ranges(tower) if precision == "int8" else None
        self.known: dict[Hashable, tuple[CompiledModule, Request]] = {}

    @cached_property
    def computed(self) -> Tower:
        """What is compiled: the tower, or its copy in int8."""
        return self.tower if self.ranges is None else quantized(self.tower, self.ranges)

    def __call__(self, prepared: Sequence[Prepared]) -> npt.NDArray[Any]:
        """Prepared items -> (B, D) float32."""
        return self.embed(prepared)[0]

    def embed(self, prepared: Sequence[Prepared]) -> tuple[npt.NDArray[Any], CompiledModule]:
        """Prepared items -> (B, D) float32, and what computed it."""
        batch = self.tower.reader().collate(prepared)
        constants = {name: value for name, value in batch.items() if value.ndim == 0}
        inputs = {name: value for name, value in batch.items() if value.ndim > 0}
        model, request = self._compiled(inputs, constants)
        (embedded,) = request(*inputs.values())
        return embedded, model

    def _compiled(self, inputs: Mapping[str, Tensor], constants: Batch) -> tuple[CompiledModule, Request]:
        """What runs batches with these inputs; values without a dimension are part of the model."""
        shapes = ((name, *fixed_sizes(value)) for name, value in inputs.items())
        key = (self.precision, *shapes, *((name, float(value)) for name, value in constants.items()))
        if key not in self.known:
            model = kept(self.tower, key, lambda: self._compile(inputs, constants))
            self.known[key] = (model, model.request())
        return self.known[key]

    def _compile(self, inputs: Mapping[str, Tensor], constants: Batch) -> CompiledModule:
        module = _Positional(self.computed, list(inputs), constants)
        return CompiledModule(module, list(inputs.values()), HINTS[self.precision])


class Checked:
    """The tower compiled as long as that computes what torch does; else torch.

    Whether it does is seen on the first batch for each set of inputs, and on one of another size, since what depends on
    the number of items may have become a constant of the trace.

    Args:
        tower: As for `Embedder`.
        plain: What embeds a batch by torch.
        precision: "bfloat16" or "float32".
    """

    def __init__(self, tower: Tower, plain: Embed, precision: str) -> None:
        self.compiled = Embedder(tower, precision)
        self.plain = plain

    def __call__(self, prepared: Sequence[Prepared]) -> npt.NDArray[Any]:
        """Prepared items -> (B, D) float32."""
        if self.compiled.tower not in REFUSED:
            try:
                rows, model = self.compiled.embed(prepared)
                if model.trusted is None:
                    model.trusted = self._agrees(prepared, rows)
                if model.trusted:
                    return rows
                left_to_torch()
            except TwinnetError:  # of the items, not of the network
                raise
            except Exception as error:  # OpenVINO's own kinds of failure share no other base
                left_to_torch(error)
            REFUSED.add(self.compiled.tower)
        return self.plain(prepared)

    def _agrees(self, prepared: Sequence[Prepared], rows: npt.NDArray[Any]) -> bool:
        few = list(prepared[:FEW])
        other = few if len(few) < len(prepared) else [*few, few[0]]
        found = np.concatenate([rows[: len(few)], self.compiled(other)])
        expected = np.concatenate([self.plain(few), self.plain(other)])
        return agrees(found, expected, HINTS[self.compiled.precision])


class _Positional(nn.Module):
    """A tower that takes the tensors of a batch in order."""

    def __init__(self, tower: Tower, names: Sequence[str], constants: Batch) -> None:
        super().__init__()
        self.tower = tower
        self.names = names
        self.constants = dict(constants)

    def forward(self, *tensors: Tensor) -> Tensor:
        """The tensors of a batch -> (B, D)."""
        batch = dict(zip(self.names, tensors, strict=True))
        embedded: Tensor = self.tower(batch | self.constants)
        return embedded
