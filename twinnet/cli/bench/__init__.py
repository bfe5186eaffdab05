"""`twinnet bench`: how fast twinnet is on this machine, beside others."""

from __future__ import annotations

import argparse

from twinnet.cli.bench import mine, startup, text

KINDS = (text, mine, startup)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True)
    for kind in KINDS:
        kind.add_task(tasks)
