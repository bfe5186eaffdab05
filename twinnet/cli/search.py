"""`twinnet search`: the sentences of a corpus that are closest to a query."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from twinnet.cli.options import FILE_HELP, add_format, add_model, add_output, count, load_network
from twinnet.cli.output import Stages, finish, shown, write_atomically
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.index.exact import ExactIndex
    from twinnet.network import TwinNetwork

CORPUS = "corpus.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("corpus", metavar="CORPUS", help=f"{FILE_HELP}; or a folder that --save-index made")
    queries = parser.add_mutually_exclusive_group()
    queries.add_argument("--query", action="append", metavar="TEXT", help="a query; may be given several times")
    queries.add_argument("--queries", metavar="FILE", help="a file with queries, like CORPUS")
    parser.add_argument("--top", type=count, default=5, metavar="N", help="how many for each query (default: 5)")
    parser.add_argument("--save-index", metavar="DIR", help="keep the embedded corpus, to search it again at once")
    parser.add_argument("--column", metavar="NAME", help="the column with the text (default: text, or the only one)")
    add_format(parser)
    add_model(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.data.tables import read_column

    stages = Stages()
    stored = Path(options.corpus).is_dir()
    texts = _stored_texts(options) if stored else read_column(options.corpus, options.column, options.format)
    if not (options.query or options.queries or options.save_index):
        raise TwinnetError("there is nothing to do: give --query, --queries or --save-index")
    queries = read_column(options.queries, options.column) if options.queries else options.query or []
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        index = _stored(Path(options.corpus), len(texts)) if stored else _embedded(network, texts)
        embedded = network.comparable(network.encode(queries, progress=False))
    if options.save_index:
        with stages("save"):
            content = json.dumps({"model": options.model, "texts": texts})
            folder = index.save(options.save_index)
            write_atomically(folder / CORPUS, lambda path: path.write_text(content, "utf-8"))
    with stages("search"):
        scores, found = index.search(embedded, options.top)
    results = [
        {
            "query": query,
            "hits": [{"i": i, "score": s, "text": texts[i]} for i, s in zip(rows, row_scores, strict=True)],
        }
        for query, rows, row_scores in zip(queries, found.tolist(), scores.tolist(), strict=True)
    ]
    lines = [
        line
        for result in results
        for line in (
            shown(result["query"]),
            *(f"  {hit['score']:.4f}  {hit['i']:>6}  {shown(hit['text'])}" for hit in result["hits"]),
        )
    ]
    result = {"sentences": len(texts), "results": results, "seconds": stages.seconds}
    finish(options, result, [*lines, f"{len(texts)} sentences: {stages}"])


def _embedded(network: TwinNetwork, texts: list[str]) -> ExactIndex:
    from twinnet.index.exact import ExactIndex

    index = ExactIndex(network.index_metric)
    index.add(network.comparable(network.encode(texts, side="right")))
    return index


def _stored(folder: Path, count_of_texts: int) -> ExactIndex:
    from twinnet.index.exact import ExactIndex

    index = ExactIndex.load(folder)
    if len(index) != count_of_texts:
        raise TwinnetError(f"{folder}: {len(index)} embeddings and {count_of_texts} texts: save the index again")
    return index


def _stored_texts(options: argparse.Namespace) -> list[str]:
    path = Path(options.corpus) / CORPUS
    try:
        corpus = json.loads(path.read_text(encoding="utf-8"))
        model, texts = str(corpus["model"]), list(map(str, corpus["texts"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TwinnetError(f"{path}: missing or damaged ({error}): save the index again") from error
    if model != options.model:
        raise TwinnetError(f"{options.corpus} was embedded by another model: search it with --model {model}")
    return texts
