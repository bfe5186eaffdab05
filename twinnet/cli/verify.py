"""`twinnet verify`: the same or not? The exit code is 0 for a match, 1 for none, 3 for no decision, 2 for bad input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twinnet.cli.items import SIDES, takes_pictures
from twinnet.cli.options import add_device, add_json, check_there, load_network
from twinnet.cli.output import as_json
from twinnet.errors import UNREADABLE, TwinnetError

if TYPE_CHECKING:
    from twinnet.network import TwinNetwork
    from twinnet.verdict import Verdict

MODELS = {
    "face": "face",
    "signature": "signature",
    "text": "all-MiniLM-L6-v2",
    "image": "efficientnet-lite0",
}
MATCH, NO_MATCH, NO_DECISION = 0, 1, 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.description = f"{parser.description} Exit code: 0 match, 1 no match, 3 no decision, 2 bad input."
    parser.add_argument("item", metavar="A", help="a picture, or with --task text a text")
    parser.add_argument("others", metavar="B", nargs="+", help="one to compare it with, or several of one identity")
    parser.add_argument("--task", choices=MODELS, required=True, help="what is compared")
    models = ", ".join(f"{model} for {task}" for task, model in MODELS.items())
    parser.add_argument("--model", metavar="NAME", help=f"a name or a folder (default: {models})")
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    options.model = options.model or MODELS[options.task]
    items = [options.item, *options.others]
    if options.task != "text":
        check_there(items)
    network = load_network(options)
    _check_task(network, options)
    if len(options.others) == 1:
        verdict = network.verify(options.item, options.others[0])
    else:
        verdict = network.verify(options.item, references=options.others)
    if verdict.reason == UNREADABLE:
        # What gives no ground for a verdict inside a program is a mistake on the command line.
        raise TwinnetError(verdict.detail or verdict.reason)
    if options.json:
        print(as_json(verdict.to_dict()))
    if verdict.match is None:
        # Standard output is for JSON alone where it is asked for.
        print(f"no decision: {verdict.detail}", file=sys.stderr if options.json else sys.stdout)
    elif not options.json:
        print("\n".join(_lines(verdict)))
    return {True: MATCH, False: NO_MATCH, None: NO_DECISION}[verdict.match]


def _check_task(network: TwinNetwork, options: argparse.Namespace) -> None:
    """A network of text would take the paths of pictures for sentences."""
    takes = {takes_pictures(network, side) for side in SIDES}
    if takes != {options.task != "text"}:
        wants, given = ("pictures", "text") if True in takes else ("text", "pictures")
        raise TwinnetError(f"--model {options.model} takes {wants}, and --task {options.task} compares {given}")


def _lines(verdict: Verdict) -> Iterator[str]:
    at = f"threshold {verdict.threshold:.4f} for a false match rate of {verdict.fmr:.2g}"
    yield f"{'the same' if verdict.match else 'different'} (score {verdict.score:.4f}, {at})"
    yield f"probability that they are the same, if that was as likely as not beforehand: {verdict.probability:.2g}"
