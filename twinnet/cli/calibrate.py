"""`twinnet calibrate`: the threshold of verdicts, chosen on development pairs and saved with the network."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import (
    PAIRS_HELP,
    RULES,
    add_device,
    add_format,
    add_json,
    add_seed,
    calibrated_folder,
    count,
    load_network,
)
from twinnet.cli.output import Stages, as_json, left_out, report_left_out

if TYPE_CHECKING:
    from twinnet.operating_point import OperatingPoint

# A probability at the threshold below which the false match rate is remarkably large for the data.
LENIENT = 0.2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="the folder of a network, or a name (see `twinnet models`)")
    parser.add_argument("pairs", metavar="PAIRS", help=PAIRS_HELP)
    parser.add_argument(
        "--target-fmr",
        type=float,
        required=True,
        metavar="RATE",
        help="how often two different ones may be taken for the same, as in 0.001",
    )
    parser.add_argument(
        "--references",
        type=count,
        metavar="N",
        help="compare with N random references of one identity at a time (default: those of the table, or 1)",
    )
    parser.add_argument(
        "--rule",
        choices=RULES,
        default="mean",
        help="how they become one (default: mean)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="where the network is saved with the threshold (default: MODEL, if it is a folder)",
    )
    add_seed(parser)
    add_format(parser)
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.verification.acquisition import acquire
    from twinnet.verification.calibration import calibrate, check_target
    from twinnet.verification.reading import read_trials

    target = calibrated_folder(options)
    stages = Stages()
    trials = read_trials(options.pairs, options.format, options.references, options.seed)
    check_target(options.target_fmr, int((~trials.same).sum()))
    with stages("load"):
        network = load_network(options)
    with stages("score"):
        acquired = acquire(network, trials)
        point = calibrate(network, acquired, options.target_fmr, options.rule)
    with stages("save"):
        network.save(target)
    failures = acquired.failure_to_acquire()
    report_left_out(failures)
    if options.json:
        result = _figures(point) | {"failure_to_acquire": failures, "saved": str(target), "seconds": stages.seconds}
        print(as_json(result))
    else:
        print("\n".join([*_lines(point, failures), f"saved in         {target} ({stages})"]))


def _figures(point: OperatingPoint) -> dict[str, object]:
    return {
        "threshold": point.threshold,
        "target_fmr": point.target_fmr,
        "fmr": point.fmr.to_dict(),
        "fnmr": point.fnmr.to_dict(),
        "impostor_pairs": point.fmr.trials,
        "genuine_pairs": point.fnmr.trials,
        "references": point.references,
        "rule": point.rule,
        "probability_at_threshold": point.probability(point.threshold),
    }


def _lines(point: OperatingPoint, failures: Mapping[str, Any]) -> Iterator[str]:
    yield f"threshold        {point.threshold:.6g}"
    yield f"false match      {point.fmr}"
    yield f"false non-match  {point.fnmr}"
    yield f"impostor pairs   {point.fmr.trials:,} (as good as {point.fmr.effective:,.0f} independent ones)"
    if point.references > 1:
        yield f"references       {point.references}, by their {point.rule} score"
    yield f"left out         {left_out(failures)}"
    even = point.probability(point.threshold)
    yield f"probability      {even:.2g} at the threshold, if same and different are equally likely beforehand"
    if even < LENIENT:
        yield (
            "                 So most pairs just above it are different ones: these data stand a smaller --target-fmr\n"
            "                 at little cost."
        )
