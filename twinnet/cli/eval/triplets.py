"""`twinnet eval triplets`: is the positive closer than the negative?"""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.eval.task import new_task, report
from twinnet.cli.options import load_network
from twinnet.cli.output import Stages


def add_task(tasks: Any) -> None:
    """Add the task."""
    parser = new_task(tasks, "triplets", "is the positive closer", "columns anchor, positive, negative", run)
    parser.add_argument("file", metavar="FILE", help="columns anchor, positive, negative")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.data.examples import triplets as read_triplets
    from twinnet.evaluation.triplets import triplets

    stages = Stages()
    anchors, positives, negatives = map(list, read_triplets(options.file, options.format).columns[:3])
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        embedded = network.encode(anchors)
        closer, farther = network.score(embedded, positives), network.score(embedded, negatives)
    report(options, triplets(closer, farther), stages)
