"""`twinnet eval`: how good a network is."""

from __future__ import annotations

import argparse

from twinnet.cli.eval import pairs, retrieval, sts, triplets, verification

KINDS = (sts, pairs, triplets, retrieval, verification)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True)
    for kind in KINDS:
        kind.add_task(tasks)
