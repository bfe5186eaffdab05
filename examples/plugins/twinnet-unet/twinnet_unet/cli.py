"""The command `twinnet-unet`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from twinnet import TwinnetError

Judge = Callable[[Any, Any], Any]

SEED_OF_EVALUATION = 1
TRAINING_PAIRS = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; the exit code is 0, 2 for bad input, or 130 when interrupted."""
    options = build_parser().parse_args(arguments)
    try:
        print(json.dumps(options.run(options), indent=2))
    except KeyboardInterrupt:
        print("twinnet-unet: interrupted", file=sys.stderr)
        return 130
    except (TwinnetError, OSError) as error:
        print(f"twinnet-unet: error: {error}", file=sys.stderr)
        return 2
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser("twinnet-unet", description="What has changed between two pictures of one scene.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    folders = "folders of photographs; an object in NAME.jpg may be cut out by NAME_mask.png beside it"

    train = _add(commands, "train", _train, "train a network on pairs made from photographs")
    train.add_argument("photographs", metavar="PHOTOGRAPHS", nargs="+", type=Path, help=folders)
    train.add_argument("--out", metavar="FOLDER", type=Path, required=True, help="where the network is saved")
    train.add_argument("--kind", choices=["conc", "diff", "dense"], default="diff", help="(default: diff)")
    train.add_argument("--channels", type=_count, default=8, help="of the first stage, 16 in the paper (default: 8)")
    train.add_argument("--dropout", type=float, default=0.0, help="0.2 in the paper (default: 0)")
    train.add_argument("--pairs", type=_count, default=4800, help="how many (default: 4800)")
    train.add_argument("--batch-size", type=_count, default=8, help="pairs for each step (default: 8)")
    train.add_argument("--size", type=_count, default=96, help="side of the pictures, a multiple of 16 (default: 96)")
    train.add_argument("--learning-rate", type=float, default=5e-3, help="(default: 0.005)")
    train.add_argument("--seed", type=int, default=0, help="of weights, pairs and dropout (default: 0)")
    train.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")

    evaluate = _add(commands, "eval", _evaluate, "measure networks and differencing on photographs that are held out")
    evaluate.add_argument("photographs", metavar="PHOTOGRAPHS", nargs="+", type=Path, help=folders)
    evaluate.add_argument("--model", metavar="FOLDER", action="append", default=[], help="a network; may be repeated")
    evaluate.add_argument("--pairs", type=_count, default=200, help="how many (default: 200)")
    evaluate.add_argument("--size", type=_count, default=192, help="side of the pictures (default: 192)")

    show = _add(commands, "map", _map, "draw what has changed over a picture")
    show.add_argument("before", metavar="BEFORE", help="a picture")
    show.add_argument("after", metavar="AFTER", help="the same scene later, of the same size")
    show.add_argument("--model", metavar="FOLDER", required=True, help="a network")
    show.add_argument("--out", metavar="PNG", type=Path, required=True, help="the picture with what has changed")
    return parser


def _add(commands: Any, name: str, run: Callable[[argparse.Namespace], Any], summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from twinnet import Trainer, TrainingConfig
    from twinnet_unet.networks import new_network
    from twinnet_unet.pairs import ChangePairs
    from twinnet_unet.photographs import read_folders

    photographs = read_folders(options.photographs, held_out=False)
    examples = ChangePairs(photographs, options.size, options.seed).examples(options.pairs)
    steps = -(-options.pairs // options.batch_size)
    config = TrainingConfig(
        out=options.out,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        schedule="cosine",
        seed=options.seed,
        checkpoint_every=max(1, steps // 10),
    )
    network = new_network(options.kind, options.channels, options.dropout, options.seed)
    result = Trainer(network, "aligned-logistic", examples, config).run(resume=options.resume)
    return {
        "photographs": len(photographs.scenes),
        "objects": len(photographs.objects),
        "steps": len(result.losses),
        "loss": sum(result.losses[-50:]) / len(result.losses[-50:]),
        "seconds": round(result.seconds, 1),
        "out": str(options.out),
    }


def _evaluate(options: argparse.Namespace) -> dict[str, Any]:
    from twinnet import load
    from twinnet_unet.change import same_odds
    from twinnet_unet.differencing import BASELINES
    from twinnet_unet.measures import best_threshold, count, summary
    from twinnet_unet.pairs import ChangePairs
    from twinnet_unet.photographs import read_folders

    held_out, others = (read_folders(options.photographs, held_out=side) for side in (True, False))
    pairs = ChangePairs(held_out, options.size, SEED_OF_EVALUATION)
    training = ChangePairs(others, options.size, SEED_OF_EVALUATION)
    judges: dict[str, tuple[float, Judge]] = {
        folder: (0.0, partial(same_odds, load(folder))) for folder in options.model
    }
    seen = [training.pair(row) for row in range(TRAINING_PAIRS)]
    for name, score in BASELINES.items():
        scores = [score(pair.before, pair.after) for pair in seen]
        judges[name] = (best_threshold(scores, [pair.same for pair in seen]), score)
    counts: dict[str, list[Any]] = {name: [] for name in judges}
    for row in range(options.pairs):
        pair = pairs.pair(row)
        for name, (threshold, score) in judges.items():
            counts[name].append(count(pair.same == 0, score(pair.before, pair.after) < threshold))
    figures = {name: {"threshold": judges[name][0], **summary(counts[name])} for name in judges}
    return {"photographs": len(held_out.scenes), "objects": len(held_out.objects), "pairs": options.pairs, **figures}


def _map(options: argparse.Namespace) -> dict[str, Any]:
    from PIL import Image

    from twinnet import load
    from twinnet.image.decoding import decode
    from twinnet_unet.change import same_odds
    from twinnet_unet.drawing import changed_boxes, draw_changes

    odds = same_odds(load(options.model), options.before, options.after)
    Image.fromarray(draw_changes(decode(options.after), odds)).save(options.out, format="PNG")
    return {"changed": float((odds < 0).mean()), "boxes": changed_boxes(odds), "out": str(options.out)}


if __name__ == "__main__":
    sys.exit(main())
