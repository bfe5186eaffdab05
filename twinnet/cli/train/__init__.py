"""`twinnet train`: fine-tune a network."""

from __future__ import annotations

import argparse

from twinnet.cli.train import images, text, track

KINDS = (text, images, track)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    tasks = parser.add_subparsers(title="what the data is", metavar="TASK", required=True)
    for kind in KINDS:
        kind.add_tasks(tasks)
