"""`twinnet train sts | nli | pairs | triplets`: fine-tune a text network."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

from twinnet.cli.options import add_format, add_model, load_network
from twinnet.cli.train.measures import MEASURES
from twinnet.cli.train.settings import add_settings, read_settings, show_figures
from twinnet.supervision import Supervision

if TYPE_CHECKING:
    from twinnet.data.examples import Examples
    from twinnet.data.samplers import DistinctBatches


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


def add_tasks(tasks: Any) -> None:
    """Add a task for each kind of data."""
    for name, task in TASKS.items():
        described = f"Train on {task.summary}. DATA has the columns {task.columns}."
        parser = tasks.add_parser(name, help=f"{task.summary}: columns {task.columns}", description=described)
        parser.add_argument("data", metavar="DATA", help=f".tsv, .csv, .jsonl or .parquet with {task.columns}")
        parser.add_argument(
            "--dev", metavar="FILE", help=f"like DATA; the network with the best {task.metric} on it is kept"
        )
        parser.add_argument("--test", metavar="FILE", help="like DATA; measured once, before and after")
        if name == "sts":
            parser.add_argument(
                "--highest", type=float, default=5.0, metavar="X", help="the score of equal sentences (default: 5)"
            )
        add_settings(parser, task.loss)
        add_format(parser)
        add_model(parser)
        parser.set_defaults(run=run, task=task)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.training import Trainer

    task: Task = options.task
    examples = _read(options.data, options)
    dev, test = (_read(path, options, examples.classes) if path else None for path in (options.dev, options.test))
    config = read_settings(options)
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
    show_figures(options, figures)


def _read(path: str, options: argparse.Namespace, classes: tuple[str, ...] | None = None) -> Examples:
    from twinnet.data import examples

    known = {"highest": getattr(options, "highest", None), "classes": classes}
    given = {name: value for name, value in known.items() if value is not None}
    read: Examples = getattr(examples, options.task.reader)(path, file_format=options.format, **given)
    return read


def _batches(examples: Examples, options: argparse.Namespace) -> DistinctBatches | None:
    """In-batch negatives must not be positives of another row."""
    from twinnet.data.samplers import DistinctBatches
    from twinnet.registry import losses

    in_batch = Supervision.PAIRS in losses.named(options.loss).needs
    if not in_batch or examples.supervision not in (Supervision.PAIRS, Supervision.TRIPLETS):
        return None
    return DistinctBatches(examples.columns, options.batch_size, options.seed)
