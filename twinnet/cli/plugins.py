"""`twinnet plugins`: the registered parts."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from dataclasses import asdict

from twinnet.cli.options import add_json
from twinnet.cli.output import as_json, report_problems, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.registry import ALL

    parts = [{"kind": registry.kind, **asdict(entry)} for registry in ALL for entry in registry.entries()]
    with redirect_stdout(sys.stderr):  # an import may print
        problems = _problems()
    report_problems(problems)
    if options.json:
        print(as_json({"plugins": parts, "problems": problems}))
        return
    rows = [[part["kind"], part["name"], part["origin"], part["target"]] for part in parts]
    print("\n".join(table(["kind", "name", "package", "target"], rows)))


def _problems() -> list[str]:
    from twinnet.registry import ALL, models

    found = [problem for registry in ALL if registry is not models for problem in registry.problems()]
    if models.names():
        from twinnet.models.catalogue import named

        found += models.problems(named)
    return found
