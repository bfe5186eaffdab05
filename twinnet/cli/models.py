"""`twinnet models`: the catalogue."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout

from twinnet.cli.options import add_json
from twinnet.cli.output import as_json, report_problems, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.models.catalogue import catalogue, named
    from twinnet.registry import models as registered

    with redirect_stdout(sys.stderr):  # an import may print
        problems = registered.problems(named)
    report_problems(problems)
    models = [
        {
            "name": model.name,
            "task": model.task,
            "dim": model.dim,
            "licence": model.licence,
            "available": model.available(),
            "source": str(model.source()),
            "sha256": model.sha256 or None,
            "fidelity": dict(model.fidelity),
        }
        for model in catalogue()
    ]
    if options.json:
        print(as_json({"models": models, "problems": problems}))
        return
    header = ["name", "task", "dim", "licence", "offline", "sha256", "source"]
    rows = (
        [
            m["name"],
            m["task"],
            m["dim"],
            m["licence"],
            "yes" if m["available"] else "no",
            m["sha256"] or "-",
            m["source"],
        ]
        for m in models
    )
    print("\n".join(table(header, rows)))
