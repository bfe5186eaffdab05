"""`twinnet train`: fine-tune a text network."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from twinnet.cli.options import add_format, add_model, count, load_network
from twinnet.cli.output import as_json

if TYPE_CHECKING:
    from twinnet.data.examples import Examples
    from twinnet.data.samplers import DistinctBatches
    from twinnet.losses.base import Loss
    from twinnet.network import TwinNetwork

    Measure = Callable[[TwinNetwork, Examples, Loss], Mapping[str, float]]


class Task(NamedTuple):
    """What a kind of data trains.

    Attributes:
        summary: For the list of tasks.
        columns: What the file must hold.
        reader: The function of `twinnet.data.examples` that reads it.
        loss: The loss unless another is asked for.
        metric: The figure of the development data that decides what is best.
    """

    summary: str
    columns: str
    reader: str
    loss: str
    metric: str


TASKS = {
    "sts": Task("pairs with a similarity", "score (0 to 5), s1, s2", "scored_pairs", "cosine-regression", "spearman"),
    "nli": Task("pairs with a class", "label, premise, hypothesis", "class_pairs", "softmax", "accuracy"),
    "pairs": Task("pairs that belong together", "anchor, positive", "positive_pairs", "infonce", "accuracy"),
    "triplets": Task(
        "triplets", "anchor, positive, negative (and perhaps negative2, ...)", "triplets", "triplet", "accuracy"
    ),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    tasks = parser.add_subparsers(title="what the data is", metavar="TASK", required=True)
    for name, task in TASKS.items():
        described = f"Train on {task.summary}. DATA has the columns {task.columns}."
        subparser = tasks.add_parser(name, help=f"{task.summary}: columns {task.columns}", description=described)
        subparser.add_argument("data", metavar="DATA", help=f".tsv, .csv, .jsonl or .parquet with {task.columns}")
        if name == "sts":
            subparser.add_argument(
                "--highest", type=float, default=5.0, metavar="X", help="the score of equal sentences (default: 5)"
            )
        _add_settings(subparser, task)
        subparser.set_defaults(run=run, task=task)


def _add_settings(parser: argparse.ArgumentParser, task: Task) -> None:
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the trained network")
    parser.add_argument(
        "--dev", metavar="FILE", help=f"like DATA; the network with the best {task.metric} on it is kept"
    )
    parser.add_argument("--test", metavar="FILE", help="like DATA; measured once, before and after")
    parser.add_argument("--loss", default=task.loss, help=f"the loss, see `twinnet plugins` (default: {task.loss})")
    parser.add_argument("--epochs", type=count, default=1, metavar="N")
    parser.add_argument("--batch-size", type=count, default=32, metavar="N")
    parser.add_argument("--learning-rate", type=float, default=2e-5, metavar="X")
    parser.add_argument("--loss-learning-rate", type=float, metavar="X", help="for the loss's own weights")
    parser.add_argument("--warmup", type=float, default=0.1, metavar="SHARE", help="share of the steps (default: 0.1)")
    parser.add_argument("--schedule", choices=("linear", "cosine", "constant"), default="linear")
    parser.add_argument("--accumulate", type=count, default=1, metavar="N", help="batches for one step")
    parser.add_argument("--precision", choices=("no", "bf16", "fp16"), default="no", help="mixed precision")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--evaluate-every", type=count, metavar="STEPS", help="default: once an epoch")
    parser.add_argument("--checkpoint-every", type=count, metavar="STEPS", help="default: once an epoch")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in DIR.training")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_format(parser)
    add_model(parser)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.training import Trainer, TrainingConfig

    task: Task = options.task
    examples = _read(options.data, options)
    dev, test = (_read(path, options, examples.classes) if path else None for path in (options.dev, options.test))
    config = TrainingConfig(
        out=options.out,
        **{name: getattr(options, name) for name in ("epochs", "batch_size", "learning_rate", "loss_learning_rate",
           "warmup", "schedule", "accumulate", "precision", "seed", "evaluate_every", "checkpoint_every")},
    )  # fmt: skip
    network = load_network(options)
    trainer = Trainer(
        network,
        options.loss,
        examples,
        config,
        evaluator=None if dev is None else lambda network: MEASURES[task.reader](network, dev, trainer.loss),
        metric=None if dev is None else task.metric,
        batches=_batches(examples, options),
    )
    figures: dict[str, Any] = {"rows": len(examples), "out": options.out}
    if test is not None:
        figures["test_before"] = MEASURES[task.reader](network, test, trainer.loss)
    result = trainer.run(resume=options.resume)
    figures |= {"steps": len(result.losses), "seconds": round(result.seconds, 1), "dev": result.evaluations}
    figures["best"] = result.best
    if test is not None:
        figures["test_after"] = MEASURES[task.reader](network, test, trainer.loss)
    if options.json:
        print(as_json(figures))
        return
    print("\n".join(f"{name:<12} {as_json({name: value})}" for name, value in figures.items()))


def _read(path: str, options: argparse.Namespace, classes: tuple[str, ...] | None = None) -> Examples:
    from twinnet.data import examples

    known = {"highest": getattr(options, "highest", None), "classes": classes}
    given = {name: value for name, value in known.items() if value is not None}
    read: Examples = getattr(examples, options.task.reader)(path, file_format=options.format, **given)
    return read


def _batches(examples: Examples, options: argparse.Namespace) -> DistinctBatches | None:
    """In-batch negatives must not be positives of another row."""
    from twinnet.data.samplers import DistinctBatches

    if options.loss != "infonce":
        return None
    return DistinctBatches(examples.columns, options.batch_size, options.seed)


def _measure_sts(network: TwinNetwork, examples: Examples, _loss: Loss) -> Mapping[str, float]:
    from twinnet.evaluation.sts import sts

    return sts(network.score(*map(list, examples.columns)), examples.target)


def _measure_classes(network: TwinNetwork, examples: Examples, loss: Any) -> Mapping[str, float]:
    import numpy as np
    import torch

    sides = network.encode(list(examples.columns[0])), network.encode(list(examples.columns[1]), side="right")
    columns = [torch.from_numpy(side).to(network.device) for side in sides]
    with torch.inference_mode():
        said = loss.logits(columns).argmax(1).cpu().numpy()
    return {"pairs": len(examples), "accuracy": float((said == np.asarray(examples.target)).mean())}


def _measure_positives(network: TwinNetwork, examples: Examples, _loss: Loss) -> Mapping[str, float]:
    """Is the positive of each anchor the closest of all positives?"""
    import numpy as np

    from twinnet.mining.search import search

    anchors = network.comparable(network.encode(list(examples.columns[0])))
    positives = network.comparable(network.encode(list(examples.columns[1]), side="right"))
    _, found = search(anchors, positives, 1, network.index_metric)
    return {"pairs": len(examples), "accuracy": float((found[:, 0] == np.arange(len(anchors))).mean())}


def _measure_triplets(network: TwinNetwork, examples: Examples, _loss: Loss) -> Mapping[str, float]:
    from twinnet.evaluation.triplets import triplets

    anchors = network.encode(list(examples.columns[0]))
    scores = [network.score(anchors, list(column)) for column in examples.columns[1:3]]
    return triplets(*scores)


MEASURES: dict[str, Measure] = {
    "scored_pairs": _measure_sts,
    "class_pairs": _measure_classes,
    "positive_pairs": _measure_positives,
    "triplets": _measure_triplets,
}
