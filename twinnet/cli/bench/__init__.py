"""`twinnet bench`: how fast twinnet is on this machine, beside others."""

from __future__ import annotations

import argparse

from twinnet.cli.bench import images, mine, startup, text, tracking, training

KINDS = (text, mine, training, images, tracking, startup)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True)
    for kind in KINDS:
        kind.add_task(tasks)
