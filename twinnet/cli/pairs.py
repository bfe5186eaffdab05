"""`twinnet pairs`: the most similar sentences of a file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from twinnet.cli.options import add_file, add_model, add_output, add_precision, count, load_network, read_sentences
from twinnet.cli.output import Stages, finish, shown

if TYPE_CHECKING:
    from twinnet.mining.pairs import Skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_file(parser)
    parser.add_argument("--top", type=count, default=10, metavar="N", help="how many pairs (default: 10)")
    parser.add_argument("--min-score", type=float, metavar="X", help="leave out pairs below this score")
    parser.add_argument(
        "--distinct", action="store_true", help="leave out pairs that differ only in case, spaces and punctuation"
    )
    add_model(parser)
    add_precision(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    stages = Stages()
    sentences = read_sentences(options)
    with stages("load"):
        from twinnet.mining.pairs import most_similar_pairs

        network = load_network(options)
    with stages("encode"):
        embeddings = network.encode(sentences)
    with stages("mine"):
        found = most_similar_pairs(
            network.comparable(embeddings),
            options.top,
            min_score=options.min_score,
            metric=network.index_metric,
            skip=_unwanted(sentences, options.distinct),
            progress=None,
        )
    pairs = [{**pair._asdict(), "a": sentences[pair.i], "b": sentences[pair.j]} for pair in found]
    lines = [f"{p['score']:.4f}  {p['i']:>6}  {shown(p['a'])}\n        {p['j']:>6}  {shown(p['b'])}" for p in pairs]
    result = {"sentences": len(sentences), "pairs": pairs, "seconds": stages.seconds}
    finish(options, result, [*lines, f"{len(sentences)} sentences: {stages}"])


def _unwanted(sentences: list[str], distinct: bool) -> Skip:
    """Pairs with an empty line, and those that are trivially equal where only distinct ones are wanted."""
    import numpy as np

    from twinnet.text.folding import trivially_equal

    blank = np.array([not sentence.strip() for sentence in sentences])
    equal = trivially_equal(sentences) if distinct else None
    return lambda i, j: blank[i] | blank[j] | (False if equal is None else equal(i, j))
