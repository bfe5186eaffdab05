"""`twinnet cluster`: groups of similar sentences, or a file without near duplicates."""

from __future__ import annotations

import argparse
from typing import Any

from twinnet.cli.options import add_file, add_model, add_output, add_precision, count, load_network, read_sentences
from twinnet.cli.output import Stages, finish, shown
from twinnet.errors import TwinnetError

METHODS = ("communities", "agglomerative", "deduplicate")
COSINE_THRESHOLDS = {"communities": 0.75, "agglomerative": 0.6, "deduplicate": 0.95}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_file(parser)
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="communities",
        help="groups around a centre; average linkage; or near duplicates, of which the first one stays",
    )
    parser.add_argument(
        "--threshold", type=float, metavar="X", help="the least score within a group, on the scale of `twinnet pairs`"
    )
    parser.add_argument("--min-size", type=count, default=2, metavar="N", help="the least size of a group (default: 2)")
    add_model(parser)
    add_precision(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    stages = Stages()
    sentences = read_sentences(options)
    with stages("load"):
        network = load_network(options)
    threshold = _threshold(options, network.index_metric)
    with stages("encode"):
        embeddings = network.comparable(network.encode(sentences))
    with stages("cluster"):
        groups = _groups(options.method, embeddings, threshold, options.min_size, network.index_metric)
    shown_groups: list[list[dict[str, Any]]] = [[{"i": i, "text": sentences[i]} for i in group] for group in groups]
    lines = [
        line
        for number, group in enumerate(shown_groups, start=1)
        for line in (f"{number}: {len(group)} sentences", *(f"  {m['i']:>6}  {shown(m['text'])}" for m in group))
    ]
    result = {"sentences": len(sentences), "clusters": shown_groups, "seconds": stages.seconds}
    finish(options, result, [*lines, f"{len(sentences)} sentences, {len(groups)} groups: {stages}"])


def _threshold(options: argparse.Namespace, metric: str) -> float:
    if options.threshold is not None:
        return float(options.threshold)
    if metric != "cosine":
        raise TwinnetError(f"this network scores by {metric!r} and not by cosine: say what is similar with --threshold")
    return COSINE_THRESHOLDS[options.method]


def _groups(method: str, embeddings: object, threshold: float, min_size: int, metric: str) -> list[list[int]]:
    from twinnet.mining import agglomerate, communities, deduplicate

    if method == "communities":
        return [group.tolist() for group in communities(embeddings, threshold, min_size, metric)]
    if method == "agglomerative":
        labels = agglomerate(embeddings, threshold=threshold, metric=metric)
    else:
        labels = deduplicate(embeddings, threshold, metric).representative
    groups: dict[int, list[int]] = {}
    for row, label in enumerate(labels.tolist()):
        groups.setdefault(label, []).append(row)
    return sorted((group for group in groups.values() if len(group) >= min_size), key=len, reverse=True)
