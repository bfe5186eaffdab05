"""A run written down so that it can go on, and taken up again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from twinnet.errors import TwinnetError
from twinnet.training.checkpoint import (
    Checkpoint,
    found_checkpoints,
    optimizer_tensors,
    random_tensors,
    restore_optimizer,
    restore_random,
)
from twinnet.training.objective import Objective
from twinnet.training.result import TrainingResult


@dataclass
class Continuation:
    """The checkpoints of one run.

    Attributes:
        folder: Where they are; None keeps none.
        keep: How many of the newest stay.
        identity: What a run must have in common with the one that it continues.
        objective: Network and loss.
        optimizer: Their optimiser.
        accelerator: The processes, and the scale of the gradients in fp16.
    """

    folder: Path | None
    keep: int
    identity: Mapping[str, Any]
    objective: Objective
    optimizer: torch.optim.Optimizer
    accelerator: Accelerator

    def write(self, step: int, result: TrainingResult, best_weights: Mapping[str, Tensor]) -> None:
        """Write a checkpoint after a step; every process has to call this."""
        if self.folder is None:
            return
        random = {name: self._gather_bytes(state) for name, state in random_tensors().items()}
        if not self.accelerator.is_main_process:
            return
        progress = {
            "step": step,
            "identity": self.identity,
            "losses": result.losses,
            "evaluations": result.evaluations,
            "best": result.best,
            "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler is not None else None,
        }
        weights = self.objective.state_dict()
        checkpoint = Checkpoint(progress, weights, optimizer_tensors(self.optimizer), random, best_weights)
        checkpoint.write(self.folder, self.keep)

    def forget(self) -> None:
        """Remove the checkpoints of an earlier run, which would be taken for this one's."""
        if self.folder is not None and self.accelerator.is_main_process:
            for old in found_checkpoints(self.folder):
                shutil.rmtree(old)

    def restore(self, result: TrainingResult) -> tuple[int, dict[str, Tensor]]:
        """Put the newest checkpoint's weights, optimiser and random states back, and its history into `result`.

        Returns:
            The step after which it was written, 0 without a checkpoint, and the weights of the best evaluation.

        Raises:
            TwinnetError: If it is of another run, or damaged.
        """
        found = None if self.folder is None else Checkpoint.newest(self.folder)
        if found is None:
            return 0, {}
        differing = [name for name, value in self.identity.items() if found.progress["identity"].get(name) != value]
        if differing:
            raise TwinnetError(
                f"{self.folder}: these checkpoints are of another run, which differs in {', '.join(differing)}: "
                "use the same settings, or train into another folder"
            )
        try:
            self.objective.load_state_dict(dict(found.weights))
            restore_optimizer(self.optimizer, found.optimizer)
        except (LookupError, RuntimeError, ValueError) as error:
            raise TwinnetError(
                f"{self.folder}: these checkpoints are of another network: start from the same one, or train into "
                "another folder"
            ) from error
        rank = self.accelerator.process_index
        restore_random({name: states[rank] for name, states in found.random.items()})
        if self.accelerator.scaler is not None:
            self.accelerator.scaler.load_state_dict(found.progress["scaler"])
        result.losses = found.progress["losses"]
        result.evaluations = found.progress["evaluations"]
        result.best = found.progress["best"]
        return found.progress["step"], dict(found.best)

    def _gather_bytes(self, state: Tensor) -> Tensor:
        """One row for each process; gathered on the device that the processes talk through."""
        gathered: Tensor = self.accelerator.gather(state[None].to(self.accelerator.device))
        return gathered.cpu()
