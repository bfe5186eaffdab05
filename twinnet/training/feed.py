"""The batches of each step, prepared while the step before is trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from twinnet.ahead import one_ahead
from twinnet.data.examples import Examples
from twinnet.data.samplers import Indices
from twinnet.errors import ItemError, TwinnetError
from twinnet.network import TwinNetwork
from twinnet.preprocess import Prepared
from twinnet.supervision import Supervision
from twinnet.training.objective import sides
from twinnet.training.plan import StepPlan
from twinnet.training.seeds import row_seeds

Batch = tuple[list[list[Prepared]], Tensor | None]
REAL_TARGETS = (Supervision.SCORED_PAIRS, Supervision.LOCATED_PAIRS, Supervision.ALIGNED_PAIRS)


class BatchFeed:
    """Prepares one process's share of every batch.

    Args:
        network: Whose preprocesses prepare the items.
        examples: The data.
        plan: The rows of each step.
        seed: Decides the random changes to items.
        rank: Which process this is.
        processes: How many there are.
        workers: Processes that prepare batches; with 0 a thread of this one does.
    """

    def __init__(
        self,
        network: TwinNetwork,
        examples: Examples,
        plan: StepPlan,
        seed: int,
        rank: int = 0,
        processes: int = 1,
        workers: int = 0,
    ) -> None:
        self.readers = [network.side(side).reader() for side in sides(network, len(examples.columns))]
        self.examples = examples
        self.plan = plan
        self.seed = seed
        self.rank = rank
        self.processes = processes
        self.workers = workers

    def steps(self, first: int) -> Iterator[list[Batch]]:
        """The batches of each step from step `first` (from 0) on, while the next ones are being prepared.

        Raises:
            TwinnetError: If an item cannot be taken; the message names its row.
        """
        if self.workers:
            return self._from_workers(first)
        return one_ahead(self.step, range(first, len(self.plan)), "twinnet-batch")

    def _from_workers(self, first: int) -> Iterator[list[Batch]]:
        # A generator of its own: the loader draws a number that nobody uses, and dropout's would be others.
        steps: DataLoader[list[Batch] | TwinnetError] = DataLoader(
            _Steps(self),
            batch_size=None,
            sampler=range(first, len(self.plan)),
            num_workers=self.workers,
            generator=torch.Generator(),
        )
        for batches in steps:
            if isinstance(batches, TwinnetError):
                raise batches
            yield batches

    def step(self, step: int) -> list[Batch]:
        """The batches of one step."""
        return [self._prepare(step, rows[self.rank :: self.processes]) for rows in self.plan.rows(step)]

    def _prepare(self, step: int, rows: Indices) -> Batch:
        columns = []
        for number, reader in enumerate(self.readers):
            items = [self.examples.columns[number][row] for row in rows]
            seeds = row_seeds(self.seed, step, number, rows)
            try:
                columns.append(reader.prepare_for_training(items, seeds))
            except ItemError as error:
                place = f"column {number + 1}, row {rows[error.position]} of the examples"
                raise TwinnetError(f"{place}: {error.problem}") from error
        if self.examples.target is None:
            return columns, None
        kind = torch.float32 if self.examples.supervision in REAL_TARGETS else torch.long
        return columns, torch.as_tensor(np.asarray([self.examples.target[row] for row in rows]), dtype=kind)


class _Steps(Dataset[list[Batch] | TwinnetError]):
    """The steps of a feed, as a worker process makes them. An error is returned, since the loader rewrites it."""

    def __init__(self, feed: BatchFeed) -> None:
        self.feed = feed

    def __getitem__(self, step: int) -> list[Batch] | TwinnetError:
        try:
            return self.feed.step(step)
        except TwinnetError as error:
            return error
