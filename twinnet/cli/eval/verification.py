"""`twinnet eval verification`: genuine and impostor pairs, and whether an operating point keeps its promise."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import PAIRS_HELP, RULES, add_device, add_format, add_output, add_seed, count, load_network
from twinnet.cli.output import Stages, finish, left_out, report_left_out, table, write_atomically
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.evaluation.curves import ErrorCurve
    from twinnet.network import TwinNetwork
    from twinnet.operating_point import OperatingPoint
    from twinnet.verification.trials import Trials


def add_task(tasks: Any) -> None:
    """Add the task."""
    summary = "genuine and impostor pairs: ROC AUC, EER, FNMR at FMR, the operating point"
    parser: argparse.ArgumentParser = tasks.add_parser("verification", help=summary, description=f"{summary}.")
    parser.add_argument("model", metavar="MODEL", help="a name (see `twinnet models`), or a folder")
    parser.add_argument("pairs", metavar="PAIRS", help=PAIRS_HELP)
    parser.add_argument("--dev", metavar="PAIRS", help="choose the threshold on these (default: the network's own)")
    parser.add_argument("--target-fmr", type=float, metavar="RATE", help="the false match rate to choose it for")
    parser.add_argument(
        "--no-threshold", action="store_true", help="only what needs none, also on the data that it was chosen on"
    )
    parser.add_argument("--references", type=count, metavar="N", help="as for `twinnet calibrate`")
    parser.add_argument("--rule", choices=RULES, help="as for that command (default: the operating point's, or mean)")
    parser.add_argument("--baseline", action="store_true", help="also what trivial features of the items reach")
    parser.add_argument("--plots", metavar="DIR", help="write score histogram, DET and ROC curves there, as PNG")
    add_seed(parser)
    add_format(parser)
    add_device(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.evaluation.verification import verification_report
    from twinnet.verification.acquisition import acquire
    from twinnet.verification.baselines import trivial_scores
    from twinnet.verification.calibration import calibrate
    from twinnet.verification.reading import read_trials

    if (options.dev is None) != (options.target_fmr is None):
        raise TwinnetError("--dev and --target-fmr go together: pairs to choose a threshold on, and the rate for it")
    if options.dev and options.no_threshold:
        raise TwinnetError("--dev chooses a threshold, and --no-threshold reports none: give one of them")
    if options.plots:
        Path(options.plots).mkdir(parents=True, exist_ok=True)
    stages = Stages()
    trials = read_trials(options.pairs, options.format, options.references, options.seed)
    dev = read_trials(options.dev, options.format, options.references, options.seed) if options.dev else None
    _check_references(trials, dev)
    with stages("load"):
        network = load_network(options)
    with stages("score"):
        acquired_dev = acquire(network, dev) if dev else None
        if acquired_dev is not None:
            calibrate(network, acquired_dev, options.target_fmr, options.rule or "mean")
        chosen = network.operating_points.get(trials.references.shape[1])
        point = _judged(chosen, network, options)
        acquired = acquire(network, trials)
        scores = acquired.scores(network, options.rule or (chosen.rule if chosen else "mean"))
    with stages("measure"):
        same, people = acquired.same, acquired.identities
        figures = verification_report(scores, same, operating_point=point, keys=acquired.keys(), identities=people)
        if options.baseline:
            figures["baseline"] = {
                name: verification_report(trivial, same, identities=people)
                for name, trivial in trivial_scores(acquired).items()
            }
    for name, found in (("failure_to_acquire", acquired), ("dev_failure_to_acquire", acquired_dev)):
        if found is not None:
            figures[name] = found.failure_to_acquire()
            report_left_out(figures[name])
    if options.plots:
        with stages("draw"):
            _draw(Path(options.plots), scores, same, point.threshold if point else None)
    lines = [*_lines(figures, lacking=point is None and not options.no_threshold), "", str(stages)]
    finish(options, {**figures, "model": options.model, "seconds": stages.seconds}, lines)


def _check_references(trials: Trials, dev: Trials | None) -> None:
    """A threshold for one number of references says nothing of another."""
    counts = [part.references.shape[1] for part in (trials, dev) if part is not None]
    if len(set(counts)) > 1:
        raise TwinnetError(f"PAIRS has {counts[0]} references a pair and --dev has {counts[1]}: give both the same")


def _judged(point: OperatingPoint | None, network: TwinNetwork, options: argparse.Namespace) -> OperatingPoint | None:
    """The operating point, where one is to be judged."""
    if point is None or options.no_threshold:
        return None
    point.check(network)
    if options.rule not in (None, point.rule):
        raise TwinnetError(f"the operating point is for --rule {point.rule}: leave --rule out, or add --no-threshold")
    return point


def _lines(figures: Mapping[str, Any], *, lacking: bool) -> Iterator[str]:
    yield f"{figures['genuine']:,} genuine pairs, {figures['impostor']:,} impostor pairs"
    yield f"left out: {left_out(figures['failure_to_acquire'])}\n"
    yield from table(["", "value", "95 % interval"], _rows(figures))
    point = figures["operating_point"]
    if lacking:
        yield "\nno operating point: choose one with `twinnet calibrate`, or with --dev and --target-fmr"
    elif point is not None:
        yield f"\nat threshold {point['threshold']:.6g}, chosen on other data for an FMR of {point['target_fmr']:g}:"
        yield from table(["", "value", "95 % interval"], [_row(name.upper(), point[name]) for name in ("fmr", "fnmr")])
    for name, trivial in figures.get("baseline", {}).items():
        yield f"\ntrivial baseline, {name}:"
        yield from table(["", "value", "95 % interval"], _rows(trivial))


def _rows(figures: Mapping[str, Any]) -> Iterator[list[str]]:
    names = {"roc_auc": "ROC AUC", "eer": "EER", "d_prime": "d'", "accuracy_10_fold": "10-fold accuracy"}
    for name, title in names.items():
        if figures[name] is not None:
            yield _row(title, figures[name])
    for row in figures["fnmr_at_fmr"]:
        if row["value"] is not None:
            yield _row(f"FNMR at FMR {row['fmr']:g}", row)


def _row(title: str, figure: Mapping[str, Any]) -> list[str]:
    counts = " ({errors:,} of {trials:,})".format(**figure) if "trials" in figure else ""
    return [title, f"{figure['value']:.4f}", f"{figure['low']:.4f} to {figure['high']:.4f}{counts}"]


def _draw(folder: Path, scores: Any, same: Any, threshold: float | None) -> None:
    from twinnet.evaluation.curves import error_curve
    from twinnet.plots.verification import draw_det, draw_histogram, draw_roc

    curve: ErrorCurve = error_curve(scores, same)
    write_atomically(folder / "scores.png", lambda path: draw_histogram(scores, same, path, threshold))
    pairs = f"{int(same.sum()):,} genuine, {int((~same).sum()):,} impostor pairs"
    for name, draw in (("det", draw_det), ("roc", draw_roc)):
        draw_curve = partial(draw, curve.fmr, curve.fnmr, point=curve.at(threshold), label=pairs)
        write_atomically(folder / f"{name}.png", draw_curve)
