"""`twinnet bench mine`: the most similar pairs, and exact search."""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.bench.task import installed, new_task, prepare, report
from twinnet.cli.options import count


def add_task(tasks: Any) -> None:
    """Add the benchmark."""
    parser = new_task(tasks, "mine", "pairs and queries a second among embeddings, with equal results", run)
    parser.add_argument("--embeddings", type=count, default=50_000, metavar="N", help="how many (default: 50000)")
    parser.add_argument("--queries", type=count, default=1_000, metavar="N", help="of the search (default: 1000)")
    parser.add_argument("--width", type=count, default=384, metavar="N", help="of each embedding (default: 384)")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.bench.mining import mine

    prepare(options)
    peers = installed("sentence_transformers")
    queries = min(options.queries, options.embeddings)
    report(options, mine(options.embeddings, queries, options.width, options.rounds, peers))
