"""What all benchmarks share: their options, and how the figures are shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_output, count
from twinnet.cli.output import finish, table

if TYPE_CHECKING:
    from twinnet.bench.contest import Contest


def new_task(tasks: Any, name: str, summary: str, run: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
    """The parser of a benchmark, which adds its own options to it."""
    parser: argparse.ArgumentParser = tasks.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}; the contestants take turns."
    )
    parser.set_defaults(run=run)
    parser.add_argument("--rounds", type=count, default=5, metavar="N", help="turns of each contestant (default: 5)")
    parser.add_argument("--threads", type=count, metavar="N", help="of each contestant (default: torch's)")
    add_output(parser)
    return parser


def prepare(options: argparse.Namespace) -> None:
    """Set the threads before anything is measured."""
    if options.threads:
        import cv2
        import torch

        torch.set_num_threads(options.threads)
        cv2.setNumThreads(options.threads)


def installed(package: str) -> bool:
    """Whether a peer can take part; says so where it cannot."""
    if find_spec(package) is not None:
        return True
    print(f'twinnet: {package} is not installed and takes no part: pip install "twinnet[bench]"', file=sys.stderr)
    return False


def report(options: argparse.Namespace, contests: Sequence[Contest], device: str = "cpu") -> None:
    """Show the figures of each contest, and the machine."""
    from twinnet.bench.machine import describe

    machine = describe(device)
    lines = [machine["gpu"]] if machine["gpu"] else []
    lines += [
        f"{machine['cpu']} ({' '.join(machine['flags'])}), {machine['threads']} threads, load {machine['load']}",
        ", ".join(f"{kind} {speed:.0f}" for kind, speed in machine["ceilings"].items()) + " GFLOP/s in matrix products",
        ", ".join(f"{package} {version}" for package, version in machine["versions"].items()),
    ]
    for contest in contests:
        lines += ["", *_lines(contest)]
    finish(options, {"machine": machine, "contests": [contest.as_dict() for contest in contests]}, lines)


def _lines(contest: Contest) -> list[str]:
    rounds = len(contest.runs[contest.ours[0]])
    header = [contest.name, "seconds", f"{contest.unit}/s"]
    header += [] if contest.operations is None else [f"GFLOP/s of {contest.ceiling:.0f}"]
    measures = list(contest.quality.get(contest.ours[0], {}))
    shown = table([*header, *measures], [_row(contest, name, measures) for name in contest.runs])
    for (ours, peer), ratio in contest.ratios().items():
        spread = f"{ratio.least:.2f} to {ratio.greatest:.2f} in {rounds} rounds"
        shown.append(f"{ours} is {ratio.median:.2f} times as fast as {peer} ({spread})")
    return shown


def _row(contest: Contest, name: str, measures: Sequence[str]) -> list[str]:
    reached = contest.gflops(name)
    row = [name, f"{contest.seconds(name):.3f}", f"{contest.rate(name):,.1f}"]
    row += [] if reached is None else [f"{reached:.1f}"]
    known = contest.quality.get(name, {})
    return row + [f"{known[measure]:.5g}" if measure in known else "-" for measure in measures]
