"""`twinnet train track`: train a tracking network on sequences, stills and pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_device, count, spec
from twinnet.cli.train.settings import add_settings, read_settings, show_figures
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.network import TwinNetwork
    from twinnet.tracking.training.subjects import Subject

DATA_HELP = (
    "a folder with sequences of pictures and boxes (GOT-10k, LaSOT, OTB, VID, or pictures with boxes.csv: "
    "file,x,y,w,h and perhaps target); with the share of pairs to draw from it (default: 1)"
)


def add_tasks(tasks: Any) -> None:
    """Add the task."""
    parser = tasks.add_parser(
        "track", help="sequences with boxes, stills, pictures", description="Train a network to follow an exemplar."
    )
    parser.add_argument("data", nargs="*", type=share, metavar="DATA[=SHARE]", help=DATA_HELP)
    parser.add_argument(
        "--stills", nargs="+", type=share, default=[], metavar="DIR[=SHARE]",
        help="pictures with boxes.csv, each box a target of its own; NAME_mask.png cuts the target of NAME.jpg out",
    )  # fmt: skip
    parser.add_argument(
        "--pictures", nargs="+", type=share, default=[], metavar="DIR[=SHARE]",
        help="pictures of anything, of which random patches are followed",
    )  # fmt: skip
    parser.add_argument("--model", metavar="NAME", help="train this network further (a name or a folder)")
    parser.add_argument(
        "--backbone", type=spec, metavar="SPEC",
        help="or a new one: a backbone that gives maps, a name or JSON with arguments (default: EfficientNet-Lite0)",
    )  # fmt: skip
    parser.add_argument("--no-boxes", action="store_true", help="a new one without a box head: three scales instead")
    parser.add_argument("--pairs", type=count, default=20000, metavar="N", help="pairs to draw (default: 20000)")
    parser.add_argument(
        "--search-size", type=count, metavar="N", help="side of the search crops in training (default: 193)"
    )
    add_settings(parser, "tracking", 1.5e-3)
    add_device(parser)
    parser.set_defaults(run=run, batch_size=16, schedule="cosine", backbone_learning_rate=4e-4)


def share(text: str) -> tuple[Path, float]:
    """The type of FOLDER[=SHARE]."""
    folder, separator, number = text.rpartition("=")
    if not separator or Path(text).is_dir():
        return Path(text), 1.0
    value = float(number)
    if not 0 < value < float("inf"):
        raise ValueError(number)
    return Path(folder), value


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.models.loading import put
    from twinnet.tracking.training.pairs import TrackingPairs
    from twinnet.tracking.training.settings import SEARCH_SIZE, PairSettings
    from twinnet.training import Trainer

    groups = _groups(options)
    network = _network(options)
    preprocess: Any = network.tower.preprocess
    if options.device:
        put(network, options.device)
    exemplar_size = preprocess.exemplar_size
    settings = PairSettings.reaching(exemplar_size, options.search_size or SEARCH_SIZE)
    pairs = TrackingPairs(groups, settings, options.seed)
    named = {"name": options.loss} if isinstance(options.loss, str) else options.loss
    trainer = Trainer(
        network,
        {**named, "exemplar_size": exemplar_size},
        pairs.examples(options.pairs),
        read_settings(options),
    )
    result = trainer.run(resume=options.resume)
    targets = sum(len(subjects) for _, subjects in groups)
    figures = {"targets": targets, "pairs": options.pairs, "out": options.out, "steps": len(result.losses)}
    show_figures(options, figures | {"seconds": round(result.seconds, 1), "loss": result.losses[-1]})


def _groups(options: argparse.Namespace) -> list[tuple[float, list[Subject]]]:
    from twinnet.tracking.training import folder

    groups = [(value, folder.clips(root)) for root, value in options.data]
    groups += [(value, folder.stills(root)) for root, value in options.stills]
    groups += [(value, folder.patches(root, options.seed)) for root, value in options.pictures]
    if not groups:
        raise TwinnetError("give DATA, --stills or --pictures: there is nothing to train on")
    return groups


def _network(options: argparse.Namespace) -> TwinNetwork:
    import torch

    import twinnet
    from twinnet.tracking.preprocess import TrackingPreprocess
    from twinnet.tracking.training.recipe import LITE0_PIXELS, lite0, new_network

    if options.model is None:
        torch.manual_seed(options.seed)
        if options.backbone is not None:
            return new_network(options.backbone, not options.no_boxes)
        return new_network(lite0(_lite0_weights()), not options.no_boxes, LITE0_PIXELS)
    if options.backbone is not None or options.no_boxes:
        raise TwinnetError("--backbone and --no-boxes make a new network: leave them out with --model")
    network = twinnet.load(options.model)
    if not isinstance(network.tower.preprocess, TrackingPreprocess):
        raise TwinnetError(f"{options.model} is no tracking network: name one, or leave --model out for a new one")
    return network


def _lite0_weights() -> str:
    from twinnet.models.catalogue import named

    model = named("efficientnet-lite0")
    return str(model.source().fetch() / model.weights)
