"""`twinnet eval sts`: does the score rank pairs as people do?"""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.eval.task import new_task, report
from twinnet.cli.options import load_network
from twinnet.cli.output import Stages


def add_task(tasks: Any) -> None:
    """Add the task."""
    summary = "similarity: rank correlation of cosine and score"
    parser = new_task(tasks, "sts", summary, "columns score (on any scale), s1, s2", run)
    parser.add_argument("file", metavar="FILE", help="columns score, s1, s2")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.data.examples import scored_pairs
    from twinnet.evaluation.sts import sts

    stages = Stages()
    examples = scored_pairs(options.file, None, options.format)
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        scores = network.score(*map(list, examples.columns))
    report(options, sts(scores, examples.target), stages)
