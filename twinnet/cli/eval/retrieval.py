"""`twinnet eval retrieval`: are the relevant documents found first?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.eval.task import new_task, report
from twinnet.cli.options import count, load_network
from twinnet.cli.output import Stages
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.data.cranfield import Collection


def add_task(tasks: Any) -> None:
    """Add the task."""
    parser = new_task(tasks, "retrieval", "nDCG, recall, MRR", "three files, see the arguments", run)
    parser.add_argument("corpus", metavar="CORPUS", help="columns id, text; or the folder of the Cranfield files")
    parser.add_argument("queries", metavar="QUERIES", nargs="?", help="columns id, text")
    parser.add_argument("relevance", metavar="RELEVANCE", nargs="?", help="columns query, document, gain")
    parser.add_argument(
        "--top", type=count, nargs="+", default=[10], metavar="K", help="how far down counts (default: 10)"
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.evaluation.retrieval import retrieval
    from twinnet.mining.search import search

    stages = Stages()
    corpus, queries, relevance = _read_collection(options)
    asked = [name for name in queries if relevance.get(name)]
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        documents = network.comparable(network.encode(list(corpus.values()), side="right"))
        embedded = network.comparable(network.encode([queries[name] for name in asked]))
    with stages("search"):
        _, rows = search(embedded, documents, max(options.top), network.index_metric)
    names = list(corpus)
    rankings = [[names[row] for row in found] for found in rows.tolist()]
    gains = [relevance[name] for name in asked]
    report(options, {n: v for k in options.top for n, v in retrieval(rankings, gains, k).items()}, stages)


def _read_collection(options: argparse.Namespace) -> Collection:
    from twinnet.data.cranfield import read_cranfield
    from twinnet.data.relevance import read_documents, read_relevance

    if Path(options.corpus).is_dir():
        return read_cranfield(options.corpus)
    if options.relevance is None:
        raise TwinnetError(
            "retrieval takes three files (corpus, queries, relevance), or the folder of the Cranfield files"
        )
    corpus, queries = (read_documents(path, options.format) for path in (options.corpus, options.queries))
    return corpus, queries, read_relevance(options.relevance, queries, corpus, options.format)
