"""`twinnet demo text`: the most similar sentences in the documentation of the installed packages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_model, count, load_network
from twinnet.cli.output import Stages, destination, write_atomically

if TYPE_CHECKING:
    import numpy as np

TOPICS, SENTENCES_EACH, LONGEST_LABEL = 6, 4, 70
TOPIC_THRESHOLD = 0.6
WIDTH = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part."""
    parser.add_argument("--sentences", type=count, default=10_000, metavar="N", help="default: 10000")
    parser.add_argument("--top", type=count, default=10, metavar="N", help="how many pairs (default: 10)")
    add_model(parser)


def demonstrate(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Do the job, and write the heat map.

    Returns:
        The result, and its lines for people.
    """
    from twinnet.data.docstrings import docstring_sentences

    picture = destination(f"{options.out}/similarity.png")
    stages = Stages()
    bars = sys.stderr.isatty()
    with stages("gather"):
        sentences = docstring_sentences(options.sentences, progress=bars)
    print(f"{len(sentences)} different English sentences from the installed packages", file=sys.stderr)
    with stages("load"):
        from twinnet.mining.clusters import communities
        from twinnet.mining.pairs import most_similar_pairs
        from twinnet.plots.heatmap import draw_heatmap
        from twinnet.text.folding import trivially_equal

        network = load_network(options)
    with stages("encode"):
        embeddings = network.encode(sentences, progress=bars)
        comparable = network.comparable(embeddings)
    with stages("mine"):
        found = most_similar_pairs(
            comparable, options.top, metric=network.index_metric, skip=trivially_equal(sentences), progress=bars
        )
    with stages("cluster"):
        topics = communities(comparable, TOPIC_THRESHOLD, SENTENCES_EACH, network.index_metric)
    with stages("draw"):
        rows = _representatives(topics, sentences)
        scores, labels = network.similarity(embeddings[rows], embeddings[rows]), [sentences[i] for i in rows]
        title = f"Sentences of some of the {len(topics)} topics in the documentation on this machine: {options.model}"
        write_atomically(picture, lambda path: draw_heatmap(scores, labels, path, title))
    pairs = [{**pair._asdict(), "a": sentences[pair.i], "b": sentences[pair.j]} for pair in found]
    result = {"sentences": len(sentences), "pairs": pairs, "heatmap": str(picture), "seconds": stages.seconds}
    lines = ["", "The most similar pairs that differ in more than case, spaces and punctuation:", ""]
    for pair in pairs:
        lines += [*_indented(f"{pair['score']:.4f}", pair["a"]), *_indented("", pair["b"]), ""]
    return result, [*lines, f"Time: {stages}", f"Heat map: {picture}"]


def _indented(head: str, sentence: str) -> list[str]:
    return wrap(sentence, WIDTH, initial_indent=f"  {head:<8}", subsequent_indent=" " * 10)


def _representatives(topics: Sequence[np.ndarray[Any, Any]], sentences: Sequence[str]) -> list[int]:
    """From each of the largest topics some sentences, from the centre to the rim, that make short labels."""
    rows: list[int] = []
    for topic in topics:
        short = [row for row in topic.tolist() if len(sentences[row]) <= LONGEST_LABEL]
        if len(short) >= SENTENCES_EACH and len(rows) < TOPICS * SENTENCES_EACH:
            rows += [short[round(i * (len(short) - 1) / (SENTENCES_EACH - 1))] for i in range(SENTENCES_EACH)]
    return rows or list(range(min(len(sentences), TOPICS * SENTENCES_EACH)))
