"""The settings of a training run."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twinnet.checks import check_count
from twinnet.errors import TwinnetError, unknown_name
from twinnet.training.schedule import SCHEDULES

PRECISIONS = ("no", "bf16", "fp16")
OPTIMIZERS = ("adamw", "muon")
# What may differ between a run and its continuation.
FREE = ("out", "workers", "checkpoint_every", "keep_checkpoints")


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training run.

    Attributes:
        out: Folder of the trained network. Checkpoints and the log go into `<out>.training` beside it. None keeps
            everything in memory.
        epochs: Passes over the data.
        batch_size: Rows (pairs, triplets, items) of a batch, over all processes together; a step is one update.
        optimizer: "adamw", or "muon", which learns faster where networks are trained from scratch; see
            `twinnet.training.muon`.
        learning_rate: Peak learning rate of the network.
        backbone_learning_rate: That of the backbone; the network's unless given.
        layer_decay: The rate of each layer group of a backbone is that of the group above it times this, the topmost
            having the backbone's rate ("discriminative fine-tuning": Howard and Ruder 2018 have 1 / 2.6); all have the
            same rate unless given.
        loss_learning_rate: That of the loss's own weights; the network's unless given.
        weight_decay: Decoupled weight decay of matrices; biases and norms have none.
        warmup: Share of the steps in which the learning rate rises.
        schedule: How it falls afterwards: "linear", "cosine" or "constant"; or "slanted-triangular", which also begins
            and ends at 1/32 of the peak.
        unfreeze_every: Steps until the next layer group of a backbone is trained too ("gradual unfreezing", ibid.);
            what is above it comes first, if it has weights: head, distance and loss. All from the start unless given.
        max_grad_norm: Gradients are scaled down to this norm.
        accumulate: Batches whose gradients are averaged for one step.
        precision: "no" (float32), "bf16" or "fp16" mixed precision.
        workers: Processes that prepare batches, where many cores decode and change pictures; with 0 a thread
            does.
        seed: Decides the order of the data, the random changes to items, and the dropout.
        evaluate_every: Steps between evaluations; every epoch unless given.
        checkpoint_every: Steps between checkpoints; every epoch unless given.
        keep_checkpoints: How many of the newest checkpoints stay.
    """

    out: Path | None = None
    epochs: int = 1
    batch_size: int = 32
    optimizer: str = "adamw"
    learning_rate: float = 2e-5
    backbone_learning_rate: float | None = None
    layer_decay: float | None = None
    loss_learning_rate: float | None = None
    weight_decay: float = 0.01
    warmup: float = 0.1
    schedule: str = "linear"
    unfreeze_every: int | None = None
    max_grad_norm: float = 1.0
    accumulate: int = 1
    precision: str = "no"
    workers: int = 0
    seed: int = 0
    evaluate_every: int | None = None
    checkpoint_every: int | None = None
    keep_checkpoints: int = 2

    def __post_init__(self) -> None:
        if self.out is not None:
            object.__setattr__(self, "out", Path(self.out))
        for name, known in (("schedule", SCHEDULES), ("precision", PRECISIONS), ("optimizer", OPTIMIZERS)):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        counts = ("epochs", "batch_size", "accumulate", "keep_checkpoints")
        for name in (*counts, "evaluate_every", "checkpoint_every", "unfreeze_every"):
            value = getattr(self, name)
            if value is not None:
                check_count(value, name)
        for name, most in (("workers", math.inf), ("seed", 2**63)):
            if not 0 <= getattr(self, name) < most:
                raise TwinnetError(f"{name} is {getattr(self, name)}: it must be 0 or more, and below 2**63")
        if not 0 <= self.warmup < 1:
            raise TwinnetError(f"warmup is {self.warmup}: it is a share of the steps, from 0 to below 1")
        for name in ("learning_rate", "backbone_learning_rate", "loss_learning_rate", "max_grad_norm"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise TwinnetError(f"{name} is {value}: it must be positive")
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            raise TwinnetError(f"layer_decay is {self.layer_decay}: it is a factor above 0, of at most 1")
        if not 0 <= self.weight_decay < math.inf:
            raise TwinnetError(f"weight_decay is {self.weight_decay}: it must be 0 or positive")

    @property
    def side_folder(self) -> Path | None:
        """Where checkpoints and the log go."""
        return None if self.out is None else self.out.with_name(self.out.name + ".training")

    def identity(self) -> dict[str, Any]:
        """What a continuation must have in common with the run that it continues."""
        return {name: value for name, value in asdict(self).items() if name not in FREE}
