"""`twinnet eval identification`: one against many, with strangers: CMC, and DIR at FPIR."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_device, add_format, add_output, add_seed, count, load_network
from twinnet.cli.output import Stages, finish, left_out, report_left_out, table, write_atomically
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.evaluation.identification import Searches
    from twinnet.network import TwinNetwork
    from twinnet.operating_point import OperatingPoint
    from twinnet.verification.trials import Trials

ITEMS_HELP = "a folder with one folder of pictures for each person, or columns label, image or label, text"
FPIRS = (0.1, 0.01, 0.001)
RANKS_SHOWN = (1, 2, 3, 5, 10, 20, 50, 100)


def add_task(tasks: Any) -> None:
    """Add the task."""
    summary = "one against many: CMC, DIR at FPIR, the operating point"
    parser: argparse.ArgumentParser = tasks.add_parser("identification", help=summary, description=f"{summary}.")
    parser.add_argument("model", metavar="MODEL", help="a name (see `twinnet models`), or a folder")
    parser.add_argument("items", metavar="ITEMS", help=ITEMS_HELP)
    parser.add_argument("--enrol", type=count, default=1, metavar="N", help="items enrolled of a person (default: 1)")
    parser.add_argument(
        "--strangers", type=float, default=0.5, metavar="SHARE", help="share of people not enrolled (default: 0.5)"
    )
    parser.add_argument("--ranks", type=count, default=10, metavar="R", help="the CMC up to this rank (default: 10)")
    parser.add_argument(
        "--fpir", type=float, nargs="+", default=FPIRS, metavar="RATE", help="rates for the DIR (default: 0.1 to 0.001)"
    )
    parser.add_argument("--plots", metavar="DIR", help="write the CMC and the DIR over the FPIR there, as PNG")
    add_seed(parser)
    add_format(parser)
    add_device(parser)
    add_output(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    import numpy as np

    from twinnet.evaluation.identification import Searches
    from twinnet.verification.acquisition import embed_items
    from twinnet.verification.gallery_draw import draw_gallery
    from twinnet.verification.reading import read_identities
    from twinnet.verification.trials import trials_of_searches

    if options.plots:
        Path(options.plots).mkdir(parents=True, exist_ok=True)
    stages = Stages()
    items, names = read_identities(options.items, options.format)
    draw_gallery(names, options.enrol, options.strangers, options.seed)
    with stages("load"):
        network = load_network(options)
    with stages("embed"):
        embedded = embed_items(network, items)
    rows = np.flatnonzero(embedded.usable).tolist()
    items, owners = [items[row] for row in rows], [names[row] for row in rows]
    gallery, probes = draw_gallery(owners, options.enrol, options.strangers, options.seed)
    with stages("search"):
        scores = network.similarity(embedded.left[rows][probes], embedded.right[rows][gallery])
    with stages("measure"):
        searches = Searches(scores, np.asarray(owners)[probes], np.asarray(owners)[gallery])
        point = _judged(network, trials_of_searches(items, owners, options.items, probes, gallery))
        figures = _figures(searches, options, point)
    failures = embedded.failure_to_acquire()
    report_left_out(failures)
    if options.plots:
        with stages("draw"):
            _draw(Path(options.plots), searches, figures)
    counts = {
        "people_enrolled": searches.people,
        "items_enrolled": len(gallery),
        "mated_probes": int(searches.mated.sum()),
        "strangers": len(set(owners)) - searches.people,
        "non_mated_probes": int((~searches.mated).sum()),
    }
    result = {**counts, **figures, "failure_to_acquire": failures, "seed": options.seed, "model": options.model}
    finish(options, {**result, "seconds": stages.seconds}, [*_lines(result), "", str(stages)])


def _judged(network: TwinNetwork, trials: Trials) -> OperatingPoint | None:
    """The operating point, unless it says nothing of the network as it is, or was chosen on some of these comparisons.

    Then it is left out, and that is said.
    """
    from twinnet.evaluation.separation import check_separate

    point = network.operating_point
    try:
        if point is not None:
            point.check(network)
            check_separate(point, (), (), trials.keys())
    except TwinnetError as error:
        print(f"twinnet: left out: {error}", file=sys.stderr)
        return None
    return point


def _figures(searches: Searches, options: argparse.Namespace, point: OperatingPoint | None) -> dict[str, Any]:
    from twinnet.evaluation.identification import check_fpir

    mated, strangers = bool(searches.mated.any()), int((~searches.mated).sum())
    for rate in options.fpir:
        check_fpir(rate)
    # A rate that allows not one false positive among the strangers is a matter of luck.
    shown = [rate for rate in options.fpir if mated and rate * strangers >= 1]
    return {
        "cmc": searches.cmc(options.ranks) if mated else None,
        "dir_at_fpir": [{"target_fpir": rate, **searches.dir_at_fpir(rate)} for rate in shown],
        "operating_point": searches.at(point.threshold) if point and mated and strangers else None,
    }


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield "{people_enrolled:,} people enrolled with {items_enrolled:,} items".format(**result)
    yield "{mated_probes:,} probes of them, {non_mated_probes:,} of {strangers:,} strangers".format(**result)
    yield f"left out: {left_out(result['failure_to_acquire'])}\n"
    if result["cmc"]:
        rows = [[str(entry["rank"]), *_rate(entry["rate"])] for entry in result["cmc"] if entry["rank"] in RANKS_SHOWN]
        yield from table(["rank", "found", "95 % interval"], rows)
    rows = [_dir(f"{entry['target_fpir']:g}", entry) for entry in result["dir_at_fpir"]]
    if result["operating_point"]:
        rows.append(_dir("operating point", result["operating_point"]))
    if rows:
        yield "\nfound at rank 1 (DIR); the thresholds are read off these probes, all but the operating point's:"
        yield from table(["FPIR", "threshold", "false positives", "DIR", "95 % interval"], rows)
    else:
        yield "\nno DIR at FPIR: that takes strangers, so many that the rate allows one false positive"


def _rate(rate: Mapping[str, Any]) -> list[str]:
    return ["{value:.4f}".format(**rate), "{low:.4f} to {high:.4f} ({found:,} of {probes:,})".format(**rate)]


def _dir(title: str, entry: Mapping[str, Any]) -> list[str]:
    alarms = "{errors:,} of {trials:,} ({low:.3g} to {high:.3g})".format(**entry["fpir"])
    return [title, f"{entry['threshold']:.4f}", alarms, *_rate(entry["dir"])]


def _draw(folder: Path, searches: Searches, figures: Mapping[str, Any]) -> None:
    from twinnet.plots.identification import draw_cmc, draw_dir

    if figures["cmc"]:
        write_atomically(folder / "cmc.png", lambda path: draw_cmc(figures["cmc"], path))
    if figures["dir_at_fpir"]:
        fpir, found = searches.curve()
        point = figures["operating_point"]
        write_atomically(folder / "dir.png", lambda path: draw_dir(fpir, found, path, figures["dir_at_fpir"], point))
