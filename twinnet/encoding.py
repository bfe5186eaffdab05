"""The encode engine: prepare ahead, sort by cost, fill batches to a budget, write each row where it belongs."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from tqdm import tqdm

from twinnet.acceleration import Engine, running
from twinnet.ahead import one_ahead
from twinnet.batching import plan_batches
from twinnet.errors import ItemError, TwinnetError
from twinnet.preprocess import Prepared, Preprocess
from twinnet.tower import Tower

Rows = npt.NDArray[Any]
Finish = Callable[[Rows], Rows]

# How many threads embed with a tower at the moment, and its modules that were in training mode before.
_EVALUATED: WeakKeyDictionary[Tower, tuple[int, list[nn.Module]]] = WeakKeyDictionary()
_LOCK = Lock()


@dataclass
class EncodeReport:
    """What happened while encoding. Pass one to `encode` and read it afterwards.

    Several calls add to it: the positions of the second count on from the items of the first.

    Attributes:
        items: How many items there were.
        embedded: How many different ones went through the network.
        truncated: For each item that did not fit: its position, and how many units (tokens) were lost.
        refused: For each item that could not be taken, by position, the error; only with `skip_bad`.
        cost: The units (tokens, pixels) that went through the network, padding not counted.
        seconds: How long it took.
    """

    items: int = 0
    embedded: int = 0
    truncated: dict[int, int] = field(default_factory=dict)
    refused: dict[int, ItemError] = field(default_factory=dict)
    cost: int = 0
    seconds: float = 0.0

    def add(self, further: EncodeReport) -> None:
        """Add what happened in a later call."""
        start = self.items
        self.truncated |= {start + position: lost for position, lost in further.truncated.items()}
        self.refused |= {start + position: error.at(start + position) for position, error in further.refused.items()}
        self.items += further.items
        self.embedded += further.embedded
        self.cost += further.cost
        self.seconds += further.seconds


def encode(
    tower: Tower,
    items: Iterable[Any],
    preprocess: Preprocess,
    *,
    finish: Finish,
    precision: str = "float32",
    progress: bool | None = None,
    report: EncodeReport | None = None,
    skip_bad: bool = False,
) -> Rows:
    """Embed items.

    Args:
        tower: The network's side that embeds them.
        items: Raw items.
        preprocess: The tower's preprocess, perhaps varied for this call.
        finish: Applied to the float32 rows (B, D) of each batch before they are stored.
        precision: What to compute in; see `twinnet.acceleration.running`.
        progress: Whether to show a bar on standard error; None shows it on a terminal when there is time to see it.
        report: What happened is added to it.
        skip_bad: Whether items that cannot be taken are noted in the report instead of raised.

    Returns:
        What `finish` gives, one row for each item; rows of refused items are NaN, or 0 where rows are whole numbers.

    Raises:
        ItemError: If an item cannot be taken.
        TwinnetError: If the precision is unknown, or not possible here.
    """
    start = time.perf_counter()
    done = EncodeReport()
    items = _as_sequence(items)
    source, first = _distinct(items, preprocess)
    out: Rows | None = None
    with _bar(len(source), progress) as bar, evaluating(tower):
        engine = running(tower, precision, len(source))
        for window in _windows(items, source, preprocess, skip_bad):
            for batch, embedded in _embedded(engine, window.prepared, batch_budget(tower, preprocess)):
                rows = finish(embedded)
                if out is None:
                    out = _empty(len(items), rows)
                out[[window.positions[i] for i in batch]] = rows
                bar.update(len(batch))
            _note(done, window)
    if out is None:
        out = _empty(len(items), finish(np.empty((0, tower.width), dtype=np.float32)))
    for position, origin in first.items():
        out[position] = out[origin]
        if origin in done.truncated:
            done.truncated[position] = done.truncated[origin]
        if origin in done.refused:
            done.refused[position] = done.refused[origin].at(position)
    done.items, done.embedded = len(items), len(source)
    done.seconds = time.perf_counter() - start
    if report is not None:
        report.add(done)
    return out


def _as_sequence(items: Iterable[Any]) -> Sequence[Any]:
    if isinstance(items, dict):
        raise TwinnetError("a dictionary is not a list of items: pass its values")
    if getattr(items, "ndim", 1) == 0:
        raise TwinnetError("an array without a dimension is not a list of items: pass its item()")
    return items if isinstance(items, list | tuple) else list(items)


def _distinct(items: Sequence[Any], preprocess: Preprocess) -> tuple[list[int], dict[int, int]]:
    """The positions to embed, and for every other position the equal one among them."""
    seen: dict[Hashable, int] = {}
    source: list[int] = []
    first: dict[int, int] = {}
    for position, item in enumerate(items):
        key = preprocess.key(item)
        origin = position if key is None else seen.setdefault(key, position)
        if origin == position:
            source.append(position)
        else:
            first[position] = origin
    return source, first


@dataclass(frozen=True)
class _Window:
    """Items that are prepared together: their positions, and what is wrong with those that could not be taken."""

    positions: Sequence[int]
    prepared: Sequence[Prepared]
    refused: Mapping[int, ItemError] = field(default_factory=dict)


def _windows(items: Sequence[Any], source: list[int], preprocess: Preprocess, skip_bad: bool) -> Iterator[_Window]:
    """Prepared items, one window being prepared while the one before it is embedded."""
    size = preprocess.lookahead
    windows = [source[start : start + size] for start in range(0, len(source), size)]
    if len(windows) == 1:
        # There is nothing to do beside it, and for one sentence a thread costs as much as all else around the network.
        yield _prepare(items, preprocess, skip_bad, windows[0])
        return
    yield from one_ahead(partial(_prepare, items, preprocess, skip_bad), windows, "twinnet-prepare")


def _prepare(items: Sequence[Any], preprocess: Preprocess, skip_bad: bool, positions: list[int]) -> _Window:
    try:
        return _Window(positions, preprocess.prepare_at(items, positions))
    except ItemError:
        if not skip_bad:
            raise
    taken: dict[int, Prepared] = {}
    refused: dict[int, ItemError] = {}
    for position in positions:
        try:
            (taken[position],) = preprocess.prepare_at(items, [position])
        except ItemError as error:
            refused[position] = error
    return _Window(list(taken), list(taken.values()), refused)


def _embedded(engine: Engine, prepared: Sequence[Prepared], budget: int) -> Iterator[tuple[list[int], Rows]]:
    """The batches of a window, each with its rows."""
    batches = plan_batches([item.cost for item in prepared], budget, engine.padding_share)
    items = ([prepared[i] for i in batch] for batch in batches)
    threads = torch.get_num_threads()
    if not engine.side_by_side or threads == 1 or len(batches) < 2 * threads:
        yield from zip(batches, map(engine.embed, items), strict=True)
        return
    pool = ThreadPoolExecutor(threads, "twinnet-embed", torch.set_num_threads, (1,))
    try:
        yield from zip(batches, pool.map(engine.embed, items), strict=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        # What a thread sets holds for itself and for threads that are new.
        torch.set_num_threads(threads)


def _empty(count: int, rows: Rows) -> Rows:
    missing = np.nan if np.issubdtype(rows.dtype, np.floating) else 0
    return np.full((count, *rows.shape[1:]), missing, dtype=rows.dtype)


def batch_budget(tower: Tower, preprocess: Preprocess) -> int:
    """The cost that a batch may reach on the tower's device."""
    return preprocess.budget.get(tower.device.type, preprocess.budget["cpu"])


def _note(report: EncodeReport, window: _Window) -> None:
    report.refused.update(window.refused)
    for position, item in zip(window.positions, window.prepared, strict=True):
        report.cost += item.cost
        if item.lost:
            report.truncated[position] = item.lost


def _bar(total: int, progress: bool | None) -> Any:
    # tqdm reads None as: only on a terminal.
    disable = None if progress is None else not progress
    return tqdm(total=total, desc="encode", unit="item", disable=disable, delay=0.5 if progress is None else 0)


@contextmanager
def evaluating(tower: Tower) -> Iterator[None]:
    """The tower in evaluation mode, and then each of its modules in its own again, when no thread embeds any more."""
    with _LOCK:
        users, training = _EVALUATED.get(tower, (0, []))
        further = [module for module in tower.modules() if module.training]
        for module in further:
            module.training = False
        _EVALUATED[tower] = (users + 1, training + further)
    try:
        yield
    finally:
        with _LOCK:
            users, training = _EVALUATED.pop(tower)
            if users > 1:
                _EVALUATED[tower] = (users - 1, training)
            else:
                for module in training:
                    _hand_on(module)


def _hand_on(module: nn.Module) -> None:
    """Back to training mode, unless it is a part of another tower too, and a thread embeds with that one."""
    for other, (users, training) in _EVALUATED.items():
        if any(part is module for part in other.modules()):
            _EVALUATED[other] = (users, [*training, module])
            return
    module.training = True
