"""`twinnet bench train`: training pairs a second."""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.bench.task import installed, new_task, prepare, report
from twinnet.cli.options import add_model, count


def add_task(tasks: Any) -> None:
    """Add the benchmark."""
    parser = new_task(tasks, "train", "training pairs a second, one epoch from the same weights", run)
    parser.add_argument("file", metavar="FILE", help="columns score, s1, s2")
    parser.add_argument("--pairs", type=count, default=2_000, metavar="N", help="of the file (default: 2000)")
    parser.add_argument("--batch-size", type=count, default=16, metavar="N", help="(default: 16)")
    add_model(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.bench.training import training
    from twinnet.data.examples import scored_pairs
    from twinnet.models.loading import find_model

    prepare(options)
    pairs = scored_pairs(options.file)
    pairs = pairs.rows(range(min(len(pairs), options.pairs)))
    peers = installed("sentence_transformers") and installed("datasets")
    report(options, training(find_model(options.model), pairs, options.batch_size, options.rounds, peers))
