"""`twinnet demo`: the most similar sentences in the documentation of the installed packages."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from twinnet.cli.options import add_model, count, load_network
from twinnet.cli.output import Stages, as_json, shown

if TYPE_CHECKING:
    from twinnet.mining.pairs import Pair

PICTURED = 14


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--sentences", type=count, default=10_000, metavar="N", help="default: 10000")
    parser.add_argument("--top", type=count, default=10, metavar="N", help="how many pairs (default: 10)")
    parser.add_argument("--out", default="demo", metavar="DIR", help="where the heat map goes (default: demo)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_model(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.data.docstrings import docstring_sentences

    stages = Stages()
    bars = sys.stderr.isatty()
    with stages("gather"):
        sentences = docstring_sentences(options.sentences, progress=bars)
    print(f"{len(sentences)} different English sentences from the installed packages", file=sys.stderr)
    with stages("load"):
        from twinnet.mining.pairs import most_similar_pairs
        from twinnet.plots.heatmap import draw_heatmap
        from twinnet.text.folding import trivially_equal

        network = load_network(options)
    with stages("encode"):
        embeddings = network.encode(sentences, progress=bars)
    with stages("mine"):
        found = most_similar_pairs(
            network.comparable(embeddings),
            max(options.top, PICTURED),
            metric=network.index_metric,
            skip=trivially_equal(sentences),
            progress=bars,
        )
    with stages("draw"):
        rows = _different_rows(found)
        picture = Path(options.out) / "similarity.png"
        draw_heatmap(network.similarity(embeddings[rows], embeddings[rows]), [sentences[i] for i in rows], picture)
    pairs = [{**pair._asdict(), "a": sentences[pair.i], "b": sentences[pair.j]} for pair in found[: options.top]]
    if options.json:
        print(as_json({"sentences": len(sentences), "pairs": pairs, "heatmap": picture, "seconds": stages.seconds}))
        return
    print("\nThe most similar pairs that differ in more than case, spaces and punctuation:\n")
    for pair in pairs:
        print(f"  {pair['score']:.4f}  {shown(pair['a'])}\n          {shown(pair['b'])}\n")
    print(f"Time: {stages}\nHeat map: {picture}")


def _different_rows(pairs: list[Pair]) -> list[int]:
    """The rows of the best pairs, side by side, each once."""
    rows: dict[int, None] = {}
    for pair in pairs:
        if pair.i not in rows and pair.j not in rows and len(rows) < PICTURED:
            rows |= {pair.i: None, pair.j: None}
    return list(rows)
