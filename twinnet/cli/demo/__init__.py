"""`twinnet demo`: the main jobs, on real input that every machine has."""

from __future__ import annotations

import argparse
from pathlib import Path

from twinnet.cli.demo import digits, text, track
from twinnet.cli.options import add_json
from twinnet.cli.output import as_json
from twinnet.errors import unknown_name

PARTS = {"text": text, "digits": digits, "track": track}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)} (default: all of them)")
    parser.add_argument("--out", default="demo", metavar="DIR", help="where the pictures go (default: demo)")
    add_json(parser)
    for part in PARTS.values():
        part.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    for name in options.parts:
        if name not in PARTS:
            raise unknown_name("part of the demo", name, PARTS)
    Path(options.out).mkdir(parents=True, exist_ok=True)
    results = {}
    for name in options.parts or PARTS:
        results[name], lines = PARTS[name].demonstrate(options)
        if not options.json:
            print("\n".join(lines), flush=True)
    if options.json:
        print(as_json(results))
