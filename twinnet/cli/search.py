"""`twinnet search`: the items of a corpus that are closest to a query."""

from __future__ import annotations

import argparse
from pathlib import Path

from twinnet.cli.corpus import Corpus, is_stored
from twinnet.cli.items import ITEMS_HELP, SIDES, Source, add_reading, refuse, takes_pictures
from twinnet.cli.options import FILE_HELP, FORMATS, add_model, add_output, add_precision, count, load_network
from twinnet.cli.output import Stages, finish, shown
from twinnet.errors import TwinnetError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "corpus", metavar="CORPUS", help=f"{FILE_HELP}; {ITEMS_HELP}; or a folder that --save-index made"
    )
    queries = parser.add_mutually_exclusive_group()
    queries.add_argument(
        "--query", action="append", metavar="ITEM", help="a text, or the path of a picture; may be given several times"
    )
    queries.add_argument("--queries", metavar="FILE", help="queries, like CORPUS")
    parser.add_argument("--queries-format", choices=FORMATS, help="their format (default: as the file is named)")
    parser.add_argument("--top", type=count, default=5, metavar="N", help="how many for each query (default: 5)")
    parser.add_argument("--save-index", metavar="DIR", help="keep the embedded corpus, to search it again at once")
    parser.add_argument(
        "--index",
        default="exact",
        metavar="NAME",
        help="how a corpus is searched: exact (default), hashed (by codes, then by the embeddings), or another index "
        "of `twinnet plugins`",
    )
    for name, side in (("query", "left"), ("corpus", "right")):
        about = f"the side of a half-twin that takes it (default: {side})"
        parser.add_argument(f"--{name}-side", choices=SIDES, default=side, help=about)
    add_reading(parser)
    add_model(parser)
    add_precision(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        TwinnetError: If the input cannot be read. If only some pictures cannot, the others are searched first.
    """
    if not (options.query or options.queries or options.save_index):
        raise TwinnetError("there is nothing to do: give --query, --queries or --save-index")
    stages = Stages()
    folder = Path(options.corpus)
    held = Corpus.load(folder) if is_stored(folder) else Source.read(folder, options.column, options.format)
    asked = Source.read(options.queries, options.column, options.queries_format) if options.queries else None
    with stages("load"):
        network = load_network(options)
    if isinstance(held, Corpus):
        held.check(network)
    queries = asked.items(network, options.query_side) if asked else options.query or []
    with stages("encode"):
        corpus = held if isinstance(held, Corpus) else Corpus.embed(network, held, options.corpus_side, options.index)
        rows = network.comparable(network.encode(queries, side=options.query_side, progress=False))
    if options.save_index:
        with stages("save"):
            corpus.save(Path(options.save_index), network, options.model)
    with stages("search"):
        scores, found = corpus.index.search(rows, options.top)
    pictures = takes_pictures(network, corpus.side)
    kind, kinds = ("image", "pictures") if pictures else ("text", "sentences")
    results = [
        {
            "query": query,
            "hits": [{"i": i, "score": s, kind: corpus.items[i]} for i, s in zip(hits, row_scores, strict=True)],
        }
        for query, hits, row_scores in zip(queries, found.tolist(), scores.tolist(), strict=True)
    ]
    lines = [
        line
        for result in results
        for line in (
            shown(result["query"]),
            *(f"  {hit['score']:.4f}  {hit['i']:>6}  {shown(hit[kind])}" for hit in result["hits"]),
        )
    ]
    result = {kinds: len(corpus.items), "results": results, "seconds": stages.seconds}
    finish(options, result, [*lines, f"{len(corpus.items)} {kinds}: {stages}"])
    refuse(corpus.problems, len(corpus.items), "the corpus")
