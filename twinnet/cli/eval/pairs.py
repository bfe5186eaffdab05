"""`twinnet eval pairs`: does the score tell pairs that are the same from pairs that are not?"""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.eval.task import new_task, report
from twinnet.cli.options import load_network
from twinnet.cli.output import Stages


def add_task(tasks: Any) -> None:
    """Add the task."""
    summary = "same or not: average precision, F1"
    parser = new_task(tasks, "pairs", summary, "columns label (0 or 1), s1, s2", run)
    parser.add_argument("file", metavar="FILE", help="columns label (0 or 1), s1, s2")
    parser.add_argument("--dev", metavar="FILE", help="development pairs that choose the threshold for F1 and accuracy")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.data.examples import labelled_pairs
    from twinnet.evaluation.pairs import best_f1_threshold, binary_pairs

    stages = Stages()
    examples = labelled_pairs(options.file, options.format)
    dev = labelled_pairs(options.dev, options.format) if options.dev else None
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        scores = network.score(*map(list, examples.columns))
        dev_scores = network.score(*map(list, dev.columns)) if dev else None
    threshold = best_f1_threshold(dev_scores, dev.target) if dev else None
    report(options, binary_pairs(scores, examples.target, threshold), stages)
