"""`twinnet eval`: how good a network is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_format, add_model, add_output, count, load_network
from twinnet.cli.output import Stages, finish
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.data.cranfield import Collection


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True)
    sts = _task(
        tasks, "sts", "similarity: rank correlation of cosine and score", "columns score (on any scale), s1, s2", _sts
    )
    sts.add_argument("file", metavar="FILE", help="columns score, s1, s2")
    pairs = _task(tasks, "pairs", "same or not: average precision, F1", "columns label (0 or 1), s1, s2", _pairs)
    pairs.add_argument("file", metavar="FILE", help="columns label (0 or 1), s1, s2")
    pairs.add_argument("--dev", metavar="FILE", help="development pairs that choose the threshold for F1 and accuracy")
    triplets = _task(tasks, "triplets", "is the positive closer", "columns anchor, positive, negative", _triplets)
    triplets.add_argument("file", metavar="FILE", help="columns anchor, positive, negative")
    retrieval = _task(tasks, "retrieval", "nDCG, recall, MRR", "three files, see the arguments", _retrieval)
    retrieval.add_argument("corpus", metavar="CORPUS", help="columns id, text; or the folder of the Cranfield files")
    retrieval.add_argument("queries", metavar="QUERIES", nargs="?", help="columns id, text")
    retrieval.add_argument("relevance", metavar="RELEVANCE", nargs="?", help="columns query, document, gain")
    retrieval.add_argument(
        "--top", type=count, nargs="+", default=[10], metavar="K", help="how far down counts (default: 10)"
    )
    for task in (sts, pairs, triplets, retrieval):
        add_format(task)
        add_model(task)
        add_output(task)


def _task(tasks: Any, name: str, summary: str, columns: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = tasks.add_parser(name, help=summary, description=f"{summary}. Input: {columns}.")
    parser.set_defaults(run=run)
    return parser


def _report(options: argparse.Namespace, figures: Mapping[str, Any], stages: Stages) -> None:
    lines = [f"{name:<18} {value:.4f}" if isinstance(value, float) else f"{name:<18} {value}"
             for name, value in figures.items()]  # fmt: skip
    finish(options, {**figures, "model": options.model, "seconds": stages.seconds}, [*lines, str(stages)])


def _sts(options: argparse.Namespace) -> None:
    from twinnet.data.examples import scored_pairs
    from twinnet.evaluation.sts import sts

    stages = Stages()
    examples = scored_pairs(options.file, None, options.format)
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        scores = network.score(*map(list, examples.columns))
    _report(options, sts(scores, examples.target), stages)


def _pairs(options: argparse.Namespace) -> None:
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
    _report(options, binary_pairs(scores, examples.target, threshold), stages)


def _triplets(options: argparse.Namespace) -> None:
    from twinnet.data.examples import triplets as read_triplets
    from twinnet.evaluation.triplets import triplets

    stages = Stages()
    anchors, positives, negatives = map(list, read_triplets(options.file, options.format).columns[:3])
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        embedded = network.encode(anchors)
        closer, farther = network.score(embedded, positives), network.score(embedded, negatives)
    _report(options, triplets(closer, farther), stages)


def _retrieval(options: argparse.Namespace) -> None:
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
    _report(options, {n: v for k in options.top for n, v in retrieval(rankings, gains, k).items()}, stages)


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
    return corpus, queries, read_relevance(options.relevance, queries, corpus)
