"""`twinnet calibrate-int8`: the ranges that a network needs to compute in int8."""

from __future__ import annotations

import argparse

from twinnet.cli.items import ITEMS_HELP, SIDES, Source, add_reading
from twinnet.cli.options import FILE_HELP, add_device, add_json, calibrated_folder, count, load_network
from twinnet.cli.output import as_json


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help="the folder of a network, or a name")
    parser.add_argument("file", metavar="FILE", help=f"{FILE_HELP}; {ITEMS_HELP}")
    add_reading(parser)
    parser.add_argument("--side", choices=SIDES, default="left", help="of a half-twin, the side (default: left)")
    parser.add_argument(
        "--items", type=count, default=512, metavar="N", help="how many, spread over the file (default: 512)"
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where the network is saved with the ranges (default: MODEL, if it is a folder)"
    )
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    target = calibrated_folder(options)
    source = Source.read(options.file, options.column, options.format)
    network = load_network(options)
    items = source.items(network, options.side)
    sample = items[:: max(1, len(items) // options.items)][: options.items]
    network.calibrate_activations(sample, f"{len(sample)} items of {options.file}", side=options.side)
    network.save(target)
    ranges = network.side(options.side).activation_ranges
    layers = len(ranges.ranges) if ranges is not None else 0
    if options.json:
        print(as_json({"layers": layers, "items": len(sample), "saved": str(target)}))
    else:
        print(f"{layers} layers measured on {len(sample)} items, saved in {target}")
