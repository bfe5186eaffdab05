"""One-pass evaluation of trackers on annotated sequences."""

from __future__ import annotations

import signal
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import torch

from twinnet.boxes import Boxes, no_larger
from twinnet.data import sequences
from twinnet.errors import TwinnetError
from twinnet.evaluation.tracking import OnePass, jittered, mean_figures, one_pass
from twinnet.image.decoding import decode

JITTER = 0.05


class Contestant(Protocol):
    """Whoever is evaluated."""

    def init(self, image: Any, box: Any) -> Any:
        """Begin with a box in an image, RGB."""
        ...

    def update(self, image: Any) -> tuple[bool, Any]:
        """Whether the target is seen in the next image, and its box."""
        ...


@dataclass(frozen=True)
class Run:
    """One run over one sequence.

    Attributes:
        sequence: The name of the sequence.
        start: The number of the start, from 0.
        boxes: The boxes (T, 4), the first one given.
        seconds: How long each frame but the first took, decoding left out (T - 1,).
        result: The comparison with the annotation.
    """

    sequence: str
    start: int
    boxes: Boxes
    seconds: npt.NDArray[np.float64]
    result: OnePass


def evaluate(
    make: Callable[[], Contestant],
    chosen: Sequence[sequences.Sequence],
    starts: int = 1,
    notify: Callable[[Run], None] | None = None,
    workers: int = 1,
) -> Iterator[Run]:
    """Run a tracker over sequences.

    Args:
        make: Makes a fresh tracker for each run. With several workers it is pickled, as a function of a module can be.
        chosen: The sequences.
        starts: 1 begins with the annotated box; more begin with as many boxes that are off by up to 5 % of its width
            and height in place and size, the same ones for every tracker.
        notify: Called with each run when it is done.
        workers: Processes that share the runs and the threads. The speed is then that of a tracker among others.

    Yields:
        The runs, sequence by sequence.

    Raises:
        TwinnetError: If a sequence cannot be evaluated, by its name.
    """
    for sequence in chosen:
        if sequence.visible.sum() < 2:
            raise TwinnetError(f"{sequence.name}: the target is annotated in one frame: an evaluation needs two")
    jobs = [(sequence, start, _first_box(sequence, start, starts)) for sequence in chosen for start in range(starts)]
    if workers == 1:
        yield from _notified((_run(make, job) for job in jobs), notify)
        return
    threads = max(1, torch.get_num_threads() // workers)
    # An executor, since a pool waits for ever for a worker that died.
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin_worker, (threads,)) as pool:
        yield from _notified(pool.map(partial(_run, make), jobs), notify)


def _begin_worker(threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def _notified(runs: Iterator[Run], notify: Callable[[Run], None] | None) -> Iterator[Run]:
    for run in runs:
        if notify is not None:
            notify(run)
        yield run


def _first_box(sequence: sequences.Sequence, start: int, starts: int) -> Boxes:
    rng = np.random.default_rng([zlib.crc32(sequence.name.encode()), start])
    return sequence.boxes[0] if starts == 1 else jittered(sequence.boxes[0], JITTER, rng)


def _run(make: Callable[[], Contestant], job: tuple[sequences.Sequence, int, Boxes]) -> Run:
    with job[0].named():
        return _run_one(make, *job)


def _run_one(make: Callable[[], Contestant], sequence: sequences.Sequence, start: int, box: Boxes) -> Run:
    tracker = make()
    first = decode(sequence.frames[0])
    box = no_larger(box, first.shape[1], first.shape[0])
    boxes, seconds = [box], []
    tracker.init(first, box)
    for frame in sequence.frames[1:]:
        pixels = decode(frame)
        begin = time.perf_counter()
        _, box = tracker.update(pixels)
        seconds.append(time.perf_counter() - begin)
        boxes.append(np.asarray(box, dtype=np.float64))
    found = np.stack(boxes)
    return Run(sequence.name, start, found, np.array(seconds), one_pass(found, sequence.boxes))


def summarise(runs: Sequence[Run]) -> dict[str, Any]:
    """The figures of a tracker: `mean` over sequences and starts, `sequences` each over its starts, and speed.

    With several starts, `spread` has the standard deviation, minimum and maximum of the mean success AUC of each start.
    """
    names = list(dict.fromkeys(run.sequence for run in runs))
    starts = sorted({run.start for run in runs})
    each = {name: mean_figures([run.result for run in runs if run.sequence == name]) for name in names}
    aucs = [mean_figures([run.result for run in runs if run.start == start])["auc"] for start in starts]
    seconds = np.concatenate([run.seconds for run in runs])
    return {
        "mean": mean_figures([run.result for run in runs]),
        "spread": {"starts": len(starts), "std": float(np.std(aucs)), "min": min(aucs), "max": max(aucs)},
        "sequences": each,
        "fps": float(1 / np.median(seconds)),
        "frame_ms": {"median": 1e3 * float(np.median(seconds)), "p95": 1e3 * float(np.percentile(seconds, 95))},
    }
