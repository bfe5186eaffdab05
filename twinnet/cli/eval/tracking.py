"""`twinnet eval tracking`: how well a network follows targets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import PEERS, add_device, add_output, add_precision, count
from twinnet.cli.output import destination, finish, table, write_atomically

if TYPE_CHECKING:
    from twinnet.data.sequences import Sequence
    from twinnet.tracking.benchmark import Contestant, Run
    from twinnet.tracking.tracker import Tracker

COLUMNS = ("auc", "precision", "normalised_precision", "ao", "sr50", "sr75")


def add_task(tasks: Any) -> None:
    """Add the task."""
    summary = "success, precision and overlap of a tracker on annotated sequences"
    parser = tasks.add_parser("tracking", help=summary, description=f"{summary}.", allow_abbrev=False)
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        help="sequences as OTB, GOT-10k, LaSOT or VID have them, or folders with boxes.csv",
    )
    parser.add_argument("--model", default="tracker", metavar="NAME", help="a name or a folder (default: tracker)")
    add_device(parser)
    parser.add_argument("--fast", action="store_true", help="a smaller search region, or one size instead of three")
    add_precision(parser)
    parser.add_argument(
        "--starts",
        type=count,
        default=1,
        metavar="N",
        help="if above 1: N first boxes that are off by up to 5 %%",
    )
    parser.add_argument(
        "--workers",
        type=count,
        default=1,
        metavar="N",
        help="processes that share the runs (default: 1, for the speed of one tracker alone)",
    )
    parser.add_argument("--peer", action="append", default=[], choices=PEERS, help="a tracker of OpenCV to run beside")
    parser.add_argument("--nano-backbone", metavar="FILE", help="NanoTrack's backbone, .onnx")
    parser.add_argument("--nano-head", metavar="FILE", help="NanoTrack's head, .onnx")
    parser.add_argument(
        "--robustness",
        action="store_true",
        help="also look for pictures of the targets, and put black frames in the middle of the sequences",
    )
    parser.add_argument("--plot", metavar="PNG", help="write success and precision curves")
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    picture = destination(options.plot, (".png",)) if options.plot else None
    from twinnet.data.sequences import read_sequences
    from twinnet.tracking.benchmark import summarise

    chosen = read_sequences(options.folder)
    contestants = _contestants(options)
    runs = {name: list(_with_bar(name, make, chosen, options)) for name, make in contestants.items()}
    if picture is not None:
        _draw(runs, picture)
    figures = {name: summarise(found) for name, found in runs.items()}
    first = next(iter(figures))
    result = {"model": options.model, **figures[first]}
    if options.peer:
        result["peers"] = {name: figures[name] for name in options.peer}
    lines = list(_lines(figures))
    if options.robustness:
        from twinnet.tracking.robustness import measure

        result["robustness"] = measure(_tracker(*_choice(options)), chosen)
        lines += _robustness_lines(result["robustness"])
    finish(options, result, lines)


def _contestants(options: argparse.Namespace) -> dict[str, Callable[[], Contestant]]:
    from twinnet.tracking.peers import OpenCVPeer

    _tracker(*_choice(options))
    contestants: dict[str, Callable[[], Contestant]] = {options.model: partial(_ours, *_choice(options))}
    for peer in options.peer:
        contestants[peer] = partial(OpenCVPeer, peer, options.nano_backbone, options.nano_head)
        contestants[peer]()
    return contestants


def _choice(options: argparse.Namespace) -> tuple[str, str | None, bool, str]:
    return options.model, options.device, options.fast, options.encode_precision


def _ours(model: str, device: str | None, fast: bool, precision: str) -> Contestant:
    from twinnet.tracking.adapters import FrameTracker

    return FrameTracker(_tracker(model, device, fast, precision))


@cache
def _tracker(model: str, device: str | None, fast: bool, precision: str) -> Tracker:
    """The tracker, loaded once in each process."""
    import twinnet
    from twinnet.tracking.tracker import Tracker

    return Tracker(twinnet.load(model, device=device, precision=precision), fast=fast)


def _with_bar(
    name: str, make: Callable[[], Contestant], chosen: list[Sequence], options: argparse.Namespace
) -> Iterable[Run]:
    from tqdm import tqdm

    from twinnet.tracking.benchmark import evaluate

    frames = options.starts * sum(len(sequence) - 1 for sequence in chosen)
    with tqdm(total=frames, desc=name, unit="frame", disable=None, file=sys.stderr) as bar:

        def notify(run: Run) -> None:
            bar.set_postfix_str(run.sequence, refresh=False)
            bar.update(len(run.seconds))

        yield from evaluate(make, chosen, options.starts, notify, options.workers)


def _draw(runs: dict[str, list[Run]], picture: Any) -> None:
    import numpy as np

    from twinnet.evaluation.tracking import OVERLAPS, PIXELS
    from twinnet.plots.tracking import draw_curves

    curves = {
        name: (
            np.mean([run.result.success for run in found], axis=0),
            np.mean([run.result.precision for run in found], axis=0),
        )
        for name, found in runs.items()
    }
    write_atomically(picture, lambda path: draw_curves(curves, OVERLAPS, PIXELS, path))


def _lines(figures: dict[str, dict[str, Any]]) -> Iterable[str]:
    for name, summary in figures.items():
        each = {**summary["sequences"], "mean": summary["mean"]}
        rows = [[sequence, *(f"{one[column]:.3f}" for column in COLUMNS)] for sequence, one in each.items()]
        yield from table([name, *COLUMNS], rows)
        spread, frame = summary["spread"], summary["frame_ms"]
        if spread["starts"] > 1:
            yield (
                f"{spread['starts']} starts: AUC from {spread['min']:.3f} to {spread['max']:.3f}, "
                f"standard deviation {spread['std']:.3f}"
            )
        yield f"{summary['fps']:.1f} frames per second (median {frame['median']:.1f} ms, p95 {frame['p95']:.1f} ms)"
        yield ""


def _robustness_lines(measured: dict[str, dict[str, float | int | None]]) -> Iterable[str]:
    columns = list(next(iter(measured.values())))
    rows = [
        [name, *("none" if value is None else f"{value:.3g}" for value in figures.values())]
        for name, figures in measured.items()
    ]
    yield from table(["with patches and 30 black frames", *columns], rows)
