"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor
from tqdm import tqdm

from twinnet.data.examples import Examples
from twinnet.data.samplers import Batches, ShuffledBatches
from twinnet.errors import TwinnetError
from twinnet.folder import check_destination, check_savable
from twinnet.losses.base import Loss
from twinnet.network import TwinNetwork
from twinnet.training.config import TrainingConfig
from twinnet.training.continuation import Continuation
from twinnet.training.feed import Batch, BatchFeed
from twinnet.training.groups import drop_frozen_gradients, parameter_groups
from twinnet.training.identity import data_digest, described, names_digest
from twinnet.training.lock import alone_in
from twinnet.training.log import TrainingLog
from twinnet.training.muon import Muon
from twinnet.training.objective import Objective, build_loss
from twinnet.training.plan import StepPlan
from twinnet.training.result import TrainingResult
from twinnet.training.schedule import rate_factor

Evaluator = Callable[[TwinNetwork], Mapping[str, float]]
LossSpec = str | Mapping[str, Any] | Loss


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
        TwinnetError: If the loss cannot learn from these examples, `config.out` holds something else than a network, or
            the network has parts that cannot be saved.
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
        if config.out is not None:
            check_destination(config.out)
            check_savable(network)
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
            TwinnetError: If the loss is not finite, an item cannot be taken, a batch is smaller than the number of
                processes, the checkpoint is of another run, or another run trains into the same folder.
        """
        config = self.config
        self.result = TrainingResult()
        self._forget_measured()
        # accelerate keeps the precision of the process's first run for all runs unless told to forget it.
        AcceleratorState._reset_state()
        self._accelerator = Accelerator(mixed_precision=config.precision)
        rows, processes = self.plan.fewest_rows, self._accelerator.num_processes
        if rows < processes:
            raise TwinnetError(f"a batch of {rows} rows for {processes} processes: choose another batch_size")
        torch.manual_seed(config.seed + self._accelerator.process_index)
        groups = parameter_groups(self._objective, config, len(self.plan))
        self._optimizer = (
            Muon(groups, lr=config.learning_rate)
            if config.optimizer == "muon"
            else torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
        )
        self._module, self._prepared_optimizer = self._accelerator.prepare(self._objective, self._optimizer)
        self._log = TrainingLog(config.side_folder if self._accelerator.is_main_process else None)
        self._continuation = self._checkpoints()
        folder = config.side_folder
        with alone_in(folder) if folder is not None and self._accelerator.is_main_process else nullcontext():
            self._run(resume)
        return self.result

    def _run(self, resume: bool) -> None:
        start = time.perf_counter()
        first, self._best_weights = self._continuation.restore(self.result) if resume else (0, {})
        if first:
            self._log.rewind(first)
        else:
            self._log.restart()
            self._continuation.forget()
            self._evaluate(0)
        self._train(first)
        self._finish()
        self.result.seconds = time.perf_counter() - start

    def _forget_measured(self) -> None:
        """Thresholds and ranges belong to the weights that they were measured with."""
        self.network.operating_points.clear()
        self.network.int8_ranges = None
        for tower in self.network.towers:
            tower.activation_ranges = None

    def _checkpoints(self) -> Continuation:
        identity = self.config.identity() | {
            "rows": len(self.examples),
            "steps": len(self.plan),
            "data": data_digest(self.examples, self.plan) if self.config.side_folder else None,
            "loss": described(self.loss),
            "preprocess": [
                described(tower.preprocess) for tower in self.network.towers if tower.preprocess is not None
            ],
            "trained weights": names_digest(self._objective),
            "metric": self.metric,
            "processes": self._accelerator.num_processes,
        }
        folder = None if self.config.side_folder is None else self.config.side_folder / "checkpoints"
        return Continuation(
            folder, self.config.keep_checkpoints, identity, self._objective, self._optimizer, self._accelerator
        )

    def _train(self, first: int) -> None:
        total = len(self.plan)
        every = self.config.evaluate_every, self.config.checkpoint_every
        rank, processes = self._accelerator.process_index, self._accelerator.num_processes
        feed = BatchFeed(self.network, self.examples, self.plan, self.config.seed, rank, processes, self.config.workers)
        silent = None if self._accelerator.is_main_process else True  # None: only a terminal shows it
        with tqdm(total=total, initial=first, desc="train", unit="step", disable=silent) as bar:
            for step, batches in enumerate(feed.steps(first), start=first + 1):
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
                    self._continuation.write(step, self.result, self._best_weights)

    def _step(self, step: int, batches: Sequence[Batch]) -> float:
        """One update of the weights; returns the mean loss of its batches."""
        self._prepare_for_training()
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * self._rate_factor(step)
        total = 0.0
        for number, (columns, labels) in enumerate(batches, start=1):
            waits = number < len(batches)
            with self._accelerator.no_sync(self._module) if waits else nullcontext():
                target = None if labels is None else labels.to(self._accelerator.device)
                loss: Tensor = self._module(columns, target) / len(batches)
                total += self._finite(float(loss.detach()), step)
                self._accelerator.backward(loss)
        drop_frozen_gradients(self._optimizer.param_groups, step - 1)
        norm = self._accelerator.clip_grad_norm_(self._objective.parameters(), self.config.max_grad_norm)
        if self._accelerator.scaler is None:  # which leaves such a step out by itself
            self._finite(float(norm), step, "norm of the gradient")
        self._prepared_optimizer.step()
        self._prepared_optimizer.zero_grad()
        return total

    def _rate_factor(self, step: int) -> float:
        return rate_factor(step - 1, len(self.plan), self.config.warmup, self.config.schedule)

    def _prepare_for_training(self) -> None:
        """Training mode, but for parts whose weights are frozen: their statistics would go on changing."""
        self.network.train()
        for tower in self.network.towers:
            for part in (tower.backbone, *tower.head):
                asked = {weight.requires_grad for weight in part.parameters()}
                if asked == {False}:
                    part.eval()

    @staticmethod
    def _finite(value: float, step: int, what: str = "loss") -> float:
        if not math.isfinite(value):
            raise TwinnetError(f"the {what} is {value} at step {step}: lower the learning rate, or check the data")
        return value

    def _record(self, step: int, loss: float) -> None:
        self.result.losses.append(loss)
        rate = self.config.learning_rate * self._rate_factor(step)
        self._log.write({"step": step, "loss": loss, "learning_rate": rate})

    def _evaluate(self, step: int) -> None:
        if self.evaluator is None or self.metric is None:
            return
        self.network.eval()
        figures = {"step": float(step), **{name: float(value) for name, value in self.evaluator(self.network).items()}}
        if self.metric not in figures:
            raise TwinnetError(f"the evaluator gives no {self.metric!r}: it gives {', '.join(figures)}")
        self.result.evaluations.append(figures)
        self._log.write(figures)
        best = self.result.best
        if best is None or figures[self.metric] > best[self.metric] or math.isnan(best[self.metric]):
            self.result.best = figures
            self._best_weights = {n: t.detach().cpu().clone() for n, t in self._objective.state_dict().items()}

    def _finish(self) -> None:
        if self._best_weights:
            self._objective.load_state_dict(self._best_weights)
        self.network.eval()
        if self.config.out is not None and self._accelerator.is_main_process:
            self.network.save(self.config.out)
        self._accelerator.wait_for_everyone()
