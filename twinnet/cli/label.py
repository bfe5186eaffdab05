"""`twinnet label`: which of some names fits a picture or a text best, without training."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from twinnet.cli.items import ITEMS_HELP, SIDES, Source, add_reading, embed, refuse, takes_pictures
from twinnet.cli.options import FILE_HELP, add_model, add_output, add_precision, count, load_network
from twinnet.cli.output import Stages, finish, shown

if TYPE_CHECKING:
    from twinnet.mining.labels import Labelled


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("file", metavar="FILE", help=f"what to label: {FILE_HELP}; {ITEMS_HELP}")
    names = parser.add_mutually_exclusive_group(required=True)
    names.add_argument("--labels", nargs="+", metavar="NAME", help="the names to choose from")
    names.add_argument("--labels-from", metavar="LIST", help="a file with the names, one a line")
    parser.add_argument(
        "--prompt",
        action="append",
        metavar="TEXT",
        help='a text in which {} is the name, as in "a photo of a {}"; several are averaged (default: the name alone)',
    )
    parser.add_argument("--top", type=count, default=1, metavar="N", help="how many names for each (default: 1)")
    parser.add_argument(
        "--side", choices=SIDES, default="right", help="the side of a half-twin that takes FILE (default: right)"
    )
    add_reading(parser)
    add_model(parser)
    add_precision(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Raises:
        TwinnetError: If the input cannot be read. If only some pictures cannot, the others are labelled first.
    """
    from twinnet.mining.labels import PLACE, label

    stages = Stages()
    source = Source.read(options.file, options.column, options.format)
    names = options.labels or Source.read(options.labels_from, file_format="txt").lines or []
    with stages("load"):
        network = load_network(options)
    with stages("encode"):
        embedded = embed(network, source.items(network, options.side), options.side)
        found = label(network, embedded.rows, names, prompts=options.prompt or [PLACE], side=options.side)
    kind = "image" if takes_pictures(network, options.side) else "text"
    results = [{kind: item, "labels": _best(found, row, options.top)} for row, item in enumerate(embedded.items)]
    lines = [
        "  ".join([shown(item), *map(_line, _best(found, row, options.top))]) for row, item in enumerate(embedded.items)
    ]
    finish(options, {"results": results, "seconds": stages.seconds}, lines)
    refuse(embedded.problems, len(embedded.items), "the labels")


def _best(found: Labelled, row: int, top: int) -> list[dict[str, Any]]:
    """The labels that fit an item best."""
    columns = (-found.scores[row]).argsort(kind="stable")[:top].tolist()
    probabilities = found.probabilities
    return [
        {
            "label": found.labels[column],
            "score": found.scores[row, column],
            "probability": None if probabilities is None else probabilities[row, column],
        }
        for column in columns
    ]


def _line(best: dict[str, Any]) -> str:
    probability = "" if best["probability"] is None else f" ({best['probability']:.1%})"
    return f"{best['score']:.4f} {shown(best['label'])}{probability}"
