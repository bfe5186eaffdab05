"""`twinnet calibrate-tracker`: the score below which a target counts as lost, chosen on annotated sequences."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from twinnet.cli.options import add_device, add_json, calibrated_folder, load_network
from twinnet.cli.output import as_json

if TYPE_CHECKING:
    from twinnet.operating_point import OperatingPoint


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="the folder of a tracking network, or a name")
    parser.add_argument("folder", metavar="FOLDER", help="annotated sequences, as `twinnet eval tracking` takes them")
    parser.add_argument(
        "--false-alarms",
        type=float,
        required=True,
        metavar="RATE",
        help="how often a target may be reported lost while the tracker has it, as in 0.03",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where the network is saved with the threshold (default: MODEL, if it is a folder)"
    )
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    target = calibrated_folder(options)
    from tqdm import tqdm

    from twinnet.data.sequences import read_sequences
    from twinnet.tracking.calibration import calibrate

    chosen = read_sequences(options.folder)
    network = load_network(options)
    names = ", ".join(sequence.name for sequence in chosen)
    with tqdm(total=len(chosen), desc="calibrate", unit="sequence", disable=None, file=sys.stderr) as bar:
        point = calibrate(network, chosen, options.false_alarms, f"sequences {names}", lambda _: bar.update())
    network.save(target)
    if options.json:
        print(as_json(_figures(point) | {"saved": str(target)}))
    else:
        print("\n".join([*_lines(point), f"saved in      {target}"]))


def _figures(point: OperatingPoint) -> dict[str, object]:
    return {
        "threshold": point.threshold,
        "target_false_alarms": point.target_fnmr,
        "false_alarms": point.fnmr.to_dict(),
        "missed_losses": point.fmr.to_dict(),
    }


def _lines(point: OperatingPoint) -> list[str]:
    return [
        f"lost below    {point.threshold:.4g}",
        f"false alarms  {point.fnmr} frames with the target",
        f"not noticed   {point.fmr} frames after a cut",
    ]
