"""What goes into the layers of a tower, measured once for int8."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from twinnet.batching import plan_batches
from twinnet.errors import TwinnetError
from twinnet.preprocess import Prepared
from twinnet.tower import Tower


@dataclass(eq=False)
class ActivationRanges:
    """What goes into each linear layer and convolution of a tower, measured once.

    Attributes:
        ranges: For each such layer, by its name in the tower, the least and the greatest value of each input of a
            linear layer (2, inputs), and of all that goes into a convolution (2, 1).
        data: What the sample was, in words.
    """

    ranges: dict[str, Tensor]
    data: str

    @classmethod
    def measure(cls, tower: Tower, prepared: Sequence[Prepared], budget: int, data: str) -> ActivationRanges:
        """Measure them.

        Args:
            tower: In evaluation mode.
            prepared: Some hundred items of the kind that will be embedded.
            budget: The cost of a batch.
            data: What the sample is, in words.

        Raises:
            TwinnetError: If there are none.
        """
        if not prepared:
            raise TwinnetError("int8 needs a sample: give some hundred items of your kind")
        extremes = _Extremes()
        with torch.inference_mode(), extremes.of(tower):
            for batch in plan_batches([item.cost for item in prepared], budget):
                tower.embed([prepared[i] for i in batch])
        return cls(extremes.seen, data)

    def save(self, path: Path) -> None:
        """Write them as safetensors."""
        save_file(self.ranges, path, metadata={"data": self.data})

    @classmethod
    def load(cls, path: Path) -> ActivationRanges:
        """Read what `save` wrote.

        Raises:
            TwinnetError: If it is something else.
        """
        try:
            with safe_open(path, "pt") as file:
                return cls({name: file.get_tensor(name) for name in file.keys()}, file.metadata()["data"])  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise TwinnetError(f"{path}: no int8 ranges ({error}): calibrate again") from error


def required_ranges(tower: Tower) -> ActivationRanges:
    """The ranges of a tower.

    Raises:
        TwinnetError: If it has none.
    """
    if tower.activation_ranges is None:
        raise TwinnetError(
            "int8 needs the ranges of this network's activations, measured once: call "
            "network.calibrate_activations(sample, name) with some hundred items of your kind (`twinnet "
            "calibrate-int8`), then save it"
        )
    return tower.activation_ranges


def rounding_layers(tower: Tower) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
    """The layers of a tower that int8 rounds, by name."""
    for name, module in tower.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            yield name, module


@dataclass
class _Extremes:
    """The least and greatest input of each layer so far."""

    seen: dict[str, Tensor] = field(default_factory=dict)

    @contextmanager
    def of(self, tower: Tower) -> Iterator[None]:
        """Watch the layers of a tower."""
        hooks = [layer.register_forward_pre_hook(self._watch(name)) for name, layer in rounding_layers(tower)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _watch(self, name: str) -> Any:
        def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            width = inputs[0].shape[-1] if isinstance(layer, nn.Linear) else 1
            low, high = inputs[0].float().reshape(-1, width).aminmax(dim=0)
            if name in self.seen:
                low, high = low.minimum(self.seen[name][0]), high.maximum(self.seen[name][1])
            self.seen[name] = torch.stack([low, high]).cpu()

        return note
