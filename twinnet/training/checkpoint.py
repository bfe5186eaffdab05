"""Checkpoints: all that a run needs to go on as if it had never stopped, as safetensors and JSON."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from twinnet.errors import TwinnetError
from twinnet.files import check_files, checksums, read_weights, write_weights

STATE = "state.json"
PREFIX = "step-"
PARTS = ("weights", "optimizer", "random", "best")


@dataclass
class Checkpoint:
    """A moment of a run.

    Attributes:
        progress: Counters and settings, as JSON.
        weights: Of the network and the loss.
        optimizer: The optimiser's tensors, by "parameter.name".
        random: The state of each process's random generators.
        best: The weights of the best evaluation so far, if there was one.
    """

    progress: dict[str, Any]
    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    random: Mapping[str, Tensor]
    best: Mapping[str, Tensor] = field(default_factory=dict)

    def write(self, folder: Path, keep: int) -> None:
        """Write it into `folder`, whole or not at all, and drop all but the newest `keep` checkpoints."""
        final = folder / f"{PREFIX}{self.progress['step']:08d}"
        temporary = folder / f".{final.name}-{os.getpid()}"
        for left in folder.glob(f".{PREFIX}*"):  # by a run that was killed while it wrote
            shutil.rmtree(left)
        try:
            temporary.mkdir(parents=True)
            for name in PARTS:
                write_weights(temporary / f"{name}.safetensors", getattr(self, name))
            state = self.progress | {"files": checksums(temporary)}
            (temporary / STATE).write_text(json.dumps(state), encoding="utf-8")
            shutil.rmtree(final, ignore_errors=True)
            temporary.rename(final)
        except (OSError, SafetensorError) as error:
            raise TwinnetError(f"{final}: the checkpoint could not be written ({error})") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in found_checkpoints(folder)[:-keep]:
            shutil.rmtree(old)

    @classmethod
    def newest(cls, folder: Path) -> Checkpoint | None:
        """The newest checkpoint in `folder`, if there is one.

        Raises:
            TwinnetError: If it is damaged.
        """
        found = found_checkpoints(folder)
        if not found:
            return None
        try:
            progress = json.loads((found[-1] / STATE).read_text(encoding="utf-8"))
            check_files(found[-1], progress["files"], "checkpoint")
            return cls(progress, **{name: read_weights(found[-1] / f"{name}.safetensors") for name in PARTS})
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise TwinnetError(f"{found[-1]}: damaged ({error}): remove it to resume from the one before") from error


def found_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(folder.glob(f"{PREFIX}*"))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state, flat."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": torch.as_tensor(value) for index, slot in state.items() for name, value in slot.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put flat state back into an optimiser over the same parameters.

    Each tensor is laid out in memory as its parameter is: a fused optimiser goes through both without asking.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, slot = name.partition(".")
        parameter = parameters[int(index)]
        alike = tensor.shape == parameter.shape
        laid_out = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor) if alike else tensor
        state.setdefault(int(index), {})[slot] = laid_out
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def random_tensors() -> dict[str, Tensor]:
    """The state of torch's generators in this process."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def restore_random(tensors: Mapping[str, Tensor]) -> None:
    """Put the generators back."""
    torch.set_rng_state(tensors["cpu"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
