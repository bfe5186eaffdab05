"""`twinnet bench text`: sentences a second."""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.bench.task import installed, new_task, prepare, report
from twinnet.cli.options import add_file, add_model, count, read_sentences


def add_task(tasks: Any) -> None:
    """Add the benchmark."""
    parser = new_task(tasks, "text", "sentences a second, all at once and one at a time", run)
    add_file(parser)
    parser.add_argument("--sentences", type=count, default=10_000, metavar="N", help="of the file (default: 10000)")
    parser.add_argument("--sts", metavar="FILE", help="columns score, s1, s2: the rank correlation of each contestant")
    add_model(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.bench.text import text
    from twinnet.data.examples import scored_pairs

    prepare(options)
    sentences = read_sentences(options)[: options.sentences]
    pairs = scored_pairs(options.sts, None) if options.sts else None
    peers = installed("sentence_transformers")
    device = options.device or "cpu"
    report(options, text(options.model, sentences, options.rounds, peers, pairs, device), device)
