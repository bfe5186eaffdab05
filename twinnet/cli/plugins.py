"""`twinnet plugins`: the registered parts."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from twinnet.cli.output import as_json, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.registry import ALL

    parts = [{"kind": registry.kind, **asdict(entry)} for registry in ALL for entry in registry.entries()]
    if options.json:
        print(as_json({"plugins": parts}))
        return
    print(
        "\n".join(
            table(
                ["kind", "name", "package", "target"], [[p["kind"], p["name"], p["origin"], p["target"]] for p in parts]
            )
        )
    )
