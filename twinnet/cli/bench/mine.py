"""`twinnet bench mine`: the most similar pairs, and exact search."""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.bench.task import installed, new_task, prepare, report
from twinnet.cli.options import count


def add_task(tasks: Any) -> None:
    """Add the benchmark."""
    parser = new_task(tasks, "mine", "pairs and queries a second among embeddings, with equal results", run)
    parser.add_argument("rows", nargs="?", metavar="FILE", help="a .npy file of embeddings (default: made up)")
    parser.add_argument("--embeddings", type=count, default=50_000, metavar="N", help="how many (default: 50000)")
    parser.add_argument("--queries", type=count, default=1_000, metavar="N", help="of the search (default: 1000)")
    parser.add_argument("--width", type=count, default=384, metavar="N", help="of each that is made up (default: 384)")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.bench.mining import made_up, mine

    prepare(options)
    peers = installed("sentence_transformers")
    if options.rows is None:
        embeddings = made_up(options.embeddings, options.width)
    else:
        embeddings = _read(options.rows)[: options.embeddings]
    report(options, mine(embeddings, min(options.queries, len(embeddings)), options.rounds, peers))


def _read(path: str) -> Any:
    import numpy as np

    from twinnet.embeddings import as_embeddings
    from twinnet.errors import TwinnetError

    try:
        return as_embeddings(np.load(path, allow_pickle=False), name=path)
    except (OSError, ValueError, EOFError) as error:
        raise TwinnetError(f"{path} is no .npy file of embeddings ({error})") from error
