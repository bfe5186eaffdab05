"""`twinnet eval`: how good a network is."""

from __future__ import annotations

import argparse

from twinnet.cli.eval import identification, pairs, retrieval, sts, tracking, triplets, verification

KINDS = (sts, pairs, triplets, retrieval, verification, identification, tracking)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True)
    for kind in KINDS:
        kind.add_task(tasks)
