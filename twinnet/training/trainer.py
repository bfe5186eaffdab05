"""The training loop."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from tqdm import tqdm

from twinnet.data.examples import Examples
from twinnet.data.samplers import Batches, Indices, ShuffledBatches
from twinnet.errors import ItemError, TwinnetError
from twinnet.losses.base import Loss
from twinnet.network import TwinNetwork
from twinnet.preprocess import Prepared
from twinnet.supervision import Supervision
from twinnet.training.checkpoint import (
    Checkpoint,
    optimizer_tensors,
    random_tensors,
    restore_optimizer,
    restore_random,
)
from twinnet.training.config import TrainingConfig
from twinnet.training.log import TrainingLog
from twinnet.training.objective import Objective, build_loss, sides
from twinnet.training.plan import StepPlan
from twinnet.training.schedule import rate_factor

Evaluator = Callable[[TwinNetwork], Mapping[str, float]]
LossSpec = str | Mapping[str, Any] | Loss
Batch = tuple[list[list[Prepared]], Tensor | None]


@dataclass
class TrainingResult:
    """What a run gave.

    Attributes:
        losses: The loss of each step, from the first one of the whole run.
        evaluations: What the evaluator gave, with the step.
        best: The best evaluation, whose weights the network has now; None without an evaluator.
        seconds: How long this process trained.
    """

    losses: list[float] = field(default_factory=list)
    evaluations: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] | None = None
    seconds: float = 0.0


class Trainer:
    """Trains a twin network.

    With an evaluator the network that comes out is the best one seen, the untrained one included. Under
    `accelerate launch` or `torchrun` each process embeds its share of every batch and the loss sees the whole batch.

    Args:
        network: The network, which is trained in place.
        loss: A loss, its name, or a mapping with its name and arguments.
        examples: The data.
        config: The settings.
        evaluator: Gives figures for the network so far.
        metric: The figure to keep the best of; larger is better.
        batches: The order of the rows; shuffled anew each epoch unless given.

    Raises:
        TwinnetError: If the loss cannot learn from these examples.
    """

    def __init__(
        self,
        network: TwinNetwork,
        loss: LossSpec,
        examples: Examples,
        config: TrainingConfig,
        *,
        evaluator: Evaluator | None = None,
        metric: str | None = None,
        batches: Batches | None = None,
    ) -> None:
        if evaluator is not None and metric is None:
            raise TwinnetError("an evaluator needs a metric: say which of its figures decides what is best")
        torch.manual_seed(config.seed)
        self.network = network
        self.loss = build_loss(loss, network, examples)
        self.examples = examples
        self.config = config
        self.evaluator = evaluator
        self.metric = metric
        order = batches or ShuffledBatches(len(examples), config.batch_size, config.seed)
        self.plan = StepPlan(order, config.epochs, config.accumulate)
        self.result = TrainingResult()
        self._objective = Objective(network, self.loss)
        self._best_weights: dict[str, Tensor] = {}

    def run(self, resume: bool = False) -> TrainingResult:
        """Train.

        Args:
            resume: Whether to go on from the newest checkpoint, if there is one.

        Returns:
            What came out. The network is saved into `config.out`, if that is given.

        Raises:
            TwinnetError: If the loss is not finite, an item cannot be taken, or the checkpoint is of another run.
        """
        config = self.config
        # accelerate keeps the precision of the process's first run for all runs unless told to forget it.
        AcceleratorState._reset_state()
        self._accelerator = Accelerator(mixed_precision=config.precision)
        torch.manual_seed(config.seed + self._accelerator.process_index)
        self._optimizer = torch.optim.AdamW(self._parameter_groups(), lr=config.learning_rate)
        self._module, self._prepared_optimizer = self._accelerator.prepare(self._objective, self._optimizer)
        self._log = TrainingLog(config.side_folder if self._accelerator.is_main_process else None)
        start = time.perf_counter()
        first = self._restore() if resume else 0
        if first == 0:
            self._log.restart()
            self._evaluate(0)
        self._train(first)
        self._finish()
        self.result.seconds = time.perf_counter() - start
        return self.result

    def _train(self, first: int) -> None:
        total = len(self.plan)
        every = self.config.evaluate_every, self.config.checkpoint_every
        with tqdm(total=total, initial=first, desc="train", unit="step", disable=None) as bar:
            for step, batches in enumerate(self._stream(first), start=first + 1):
                loss = self._step(step, batches)
                self._record(step, loss)
                bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
                bar.update()
                evaluates, checkpoints = (
                    step == total or (step % n == 0 if n else self.plan.ends_epoch(step)) for n in every
                )
                if evaluates:
                    self._evaluate(step)
                if checkpoints:
                    self._checkpoint(step)

    def _step(self, step: int, batches: Sequence[Batch]) -> float:
        """One update of the weights; returns the mean loss of its batches."""
        self.network.train()
        factor = rate_factor(step - 1, len(self.plan), self.config.warmup, self.config.schedule)
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        total = 0.0
        for number, (columns, target) in enumerate(batches, start=1):
            waits = number < len(batches)
            with self._accelerator.no_sync(self._module) if waits else nullcontext():
                loss: Tensor = self._module(columns, target) / len(batches)
                total += self._finite(float(loss.detach()), step)
                self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self._objective.parameters(), self.config.max_grad_norm)
        self._prepared_optimizer.step()
        self._prepared_optimizer.zero_grad()
        return total

    @staticmethod
    def _finite(loss: float, step: int) -> float:
        if not math.isfinite(loss):
            raise TwinnetError(f"the loss is {loss} at step {step}: lower the learning rate, or check the data")
        return loss

    def _stream(self, first: int) -> Iterator[list[Batch]]:
        """This process's share of each step's batches, the next step being prepared while one is trained on."""
        rank, world = self._accelerator.process_index, self._accelerator.num_processes

        def prepare(step: int) -> list[Batch]:
            return [self._prepare(rows[rank::world]) for rows in self.plan.rows(step)]

        pool = ThreadPoolExecutor(1, thread_name_prefix="twinnet-batch")
        try:
            coming = deque([pool.submit(prepare, step) for step in range(first, len(self.plan))[:1]])
            for step in range(first, len(self.plan)):
                batches = coming.popleft().result()
                coming.extend(pool.submit(prepare, following) for following in range(step + 1, len(self.plan))[:1])
                yield batches
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _prepare(self, rows: Indices) -> Batch:
        columns = []
        for number, side in enumerate(sides(self.network, len(self.examples.columns))):
            items = [self.examples.columns[number][row] for row in rows]
            try:
                columns.append(self.network.side(side).reader().prepare(items))
            except ItemError as error:
                place = f"column {number + 1}, row {rows[error.position]} of the examples"
                raise TwinnetError(f"{place}: {error.problem}") from error
        if self.examples.target is None:
            return columns, None
        kind = torch.float32 if self.examples.supervision is Supervision.SCORED_PAIRS else torch.long
        values = [self.examples.target[row] for row in rows]
        return columns, torch.tensor(values, dtype=kind, device=self._accelerator.device)

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Matrices decay, vectors (biases, norms) do not; the loss's weights may have a rate of their own."""
        rate, decay = self.config.learning_rate, self.config.weight_decay
        loss_rate = self.config.loss_learning_rate or rate
        of_network = {id(parameter) for parameter in self.network.parameters()}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self._objective.parameters():
            if parameter.requires_grad:
                peak = rate if id(parameter) in of_network else loss_rate
                groups.setdefault((peak, decay if parameter.ndim > 1 else 0.0), []).append(parameter)
        return [
            {"params": members, "peak": peak, "weight_decay": group_decay}
            for (peak, group_decay), members in groups.items()
        ]

    def _record(self, step: int, loss: float) -> None:
        self.result.losses.append(loss)
        self._log.write({"step": step, "loss": loss, "learning_rate": self._optimizer.param_groups[0]["lr"]})

    def _evaluate(self, step: int) -> None:
        if self.evaluator is None or self.metric is None:
            return
        self.network.eval()
        figures = {"step": float(step), **{name: float(value) for name, value in self.evaluator(self.network).items()}}
        if self.metric not in figures:
            raise TwinnetError(f"the evaluator gives no {self.metric!r}: it gives {', '.join(figures)}")
        self.result.evaluations.append(figures)
        self._log.write(figures)
        if self.result.best is None or figures[self.metric] > self.result.best[self.metric]:
            self.result.best = figures
            self._best_weights = {n: t.detach().cpu().clone() for n, t in self._objective.state_dict().items()}

    def _finish(self) -> None:
        if self._best_weights:
            self._objective.load_state_dict(self._best_weights)
        self.network.eval()
        if self.config.out is not None and self._accelerator.is_main_process:
            self.network.save(self.config.out)
        self._accelerator.wait_for_everyone()

    def _checkpoint(self, step: int) -> None:
        folder = self._checkpoints
        if folder is None:
            return
        random = {name: self._gather_bytes(state) for name, state in random_tensors().items()}
        if not self._accelerator.is_main_process:
            return
        progress = {
            "step": step,
            "identity": self._identity(),
            "losses": self.result.losses,
            "evaluations": self.result.evaluations,
            "best": self.result.best,
            "scaler": self._accelerator.scaler.state_dict() if self._accelerator.scaler is not None else None,
        }
        weights = self._objective.state_dict()
        checkpoint = Checkpoint(progress, weights, optimizer_tensors(self._optimizer), random, self._best_weights)
        checkpoint.write(folder, self.config.keep_checkpoints)

    def _restore(self) -> int:
        found = Checkpoint.newest(self._checkpoints) if self._checkpoints is not None else None
        if found is None:
            return 0
        identity = self._identity()
        differing = [name for name, value in identity.items() if found.progress["identity"].get(name) != value]
        if differing:
            raise TwinnetError(
                f"{self._checkpoints}: these checkpoints are of another run, which differs in {', '.join(differing)}: "
                "use the same settings, or train into another folder"
            )
        self._objective.load_state_dict(dict(found.weights))
        restore_optimizer(self._optimizer, found.optimizer)
        rank = self._accelerator.process_index
        restore_random({name: states[rank] for name, states in found.random.items()})
        if self._accelerator.scaler is not None:
            self._accelerator.scaler.load_state_dict(found.progress["scaler"])
        self.result.losses = found.progress["losses"]
        self.result.evaluations = found.progress["evaluations"]
        self.result.best = found.progress["best"]
        self._best_weights = dict(found.best)
        step: int = found.progress["step"]
        self._log.rewind(step)
        return step

    @property
    def _checkpoints(self) -> Path | None:
        side_folder = self.config.side_folder
        return None if side_folder is None else side_folder / "checkpoints"

    def _identity(self) -> dict[str, Any]:
        return self.config.identity() | {
            "rows": len(self.examples),
            "loss": type(self.loss).__name__,
            "processes": self._accelerator.num_processes,
        }

    def _gather_bytes(self, state: Tensor) -> Tensor:
        """One row for each process; gathered on the device that the processes talk through."""
        gathered: Tensor = self._accelerator.gather(state[None].to(self._accelerator.device))
        return gathered.cpu()
