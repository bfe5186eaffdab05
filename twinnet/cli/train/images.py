"""`twinnet train images`: train a network of pictures by labels, pairs or triplets."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import add_device, add_format, count, spec
from twinnet.cli.train.measures import measure_triplets
from twinnet.cli.train.settings import add_settings, read_settings, show_figures
from twinnet.errors import TwinnetError
from twinnet.supervision import Supervision

if TYPE_CHECKING:
    from twinnet.data.examples import Examples
    from twinnet.data.samplers import Batches
    from twinnet.network import TwinNetwork

DATA_HELP = (
    "a folder with a folder of pictures for each class, or a table (.csv, .tsv, .jsonl, .parquet) with the columns "
    "label, image; label (1 same, 0 different), image1, image2; or anchor, positive, negative; paths are relative to "
    "the table"
)


def add_tasks(tasks: Any) -> None:
    """Add the task."""
    parser = tasks.add_parser(
        "images", help="pictures with labels, pairs or triplets of pictures", description="Train on pictures."
    )
    parser.add_argument("data", metavar="DATA", help=DATA_HELP)
    parser.add_argument("--dev", metavar="DATA", help="like DATA; the network that does best on it is kept")
    parser.add_argument("--model", metavar="NAME", help="train this network further (a name or a folder)")
    parser.add_argument(
        "--backbone", type=spec, metavar="SPEC",
        help="or a new one: a name, as timm/resnet18, torchvision/resnet18 or koch, or JSON with arguments, as "
        '\'{"name": "timm", "model": "resnet18", "pretrained": true}\'',
    )  # fmt: skip
    parser.add_argument("--head", type=spec, nargs="+", metavar="SPEC", help="its head layers, as gem bnneck")
    parser.add_argument("--distance", type=spec, metavar="SPEC", help="default: cosine")
    parser.add_argument(
        "--size", type=count, nargs=2, metavar=("H", "W"), help="what it sees (default: the backbone's)"
    )
    parser.add_argument(
        "--augment", type=spec, nargs="+", default=[], metavar="SPEC",
        help="transforms of torchvision.transforms.v2, in training only: names, or JSON with arguments, as "
        '\'{"name": "RandomAffine", "degrees": 10}\'',
    )  # fmt: skip
    parser.add_argument(
        "--per-class", type=count, default=4, metavar="N", help="pictures of each class in a batch (default: 4)"
    )
    parser.add_argument(
        "--pairs", type=count, metavar="N",
        help="draw N pairs, for a loss of pairs on labelled pictures (infonce: as many as there are pictures)",
    )  # fmt: skip
    add_device(parser)
    add_settings(parser, "batch-triplet", 1e-3)
    add_format(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from twinnet.data.pictures import read_pictures
    from twinnet.models.loading import put
    from twinnet.training import Trainer

    examples = read_pictures(options.data, options.format)
    dev = read_pictures(options.dev, options.format) if options.dev else None
    examples, batches = _arranged(examples, options)
    network = _network(options)
    if options.device:
        put(network, options.device)
    trainer = Trainer(
        network,
        options.loss,
        examples,
        read_settings(options),
        evaluator=None if dev is None else lambda network: _measure(network, dev),
        metric=None if dev is None else "accuracy" if dev.supervision is Supervision.TRIPLETS else "auc",
        batches=batches,
    )
    result = trainer.run(resume=options.resume)
    figures = {"rows": len(examples), "out": options.out, "steps": len(result.losses)}
    figures |= {"seconds": round(result.seconds, 1), "dev": result.evaluations, "best": result.best}
    show_figures(options, figures)


def _network(options: argparse.Namespace) -> TwinNetwork:
    import torch

    import twinnet
    from twinnet.network import TwinNetwork
    from twinnet.registry import preprocesses

    if (options.model is None) == (options.backbone is None):
        raise TwinnetError("give one of --backbone (a new network) and --model (one to be trained further)")
    if options.model is not None and (options.head or options.size or options.distance):
        raise TwinnetError("--head, --distance and --size make a new network: leave them out with --model")
    if options.model is not None:
        network = twinnet.load(options.model)
    else:
        torch.manual_seed(options.seed)
        network = TwinNetwork(options.backbone, options.head, options.distance or "cosine")
    reader = network.tower.reader()
    changed = {"size": options.size} if options.size else {}
    changed |= {"augment": options.augment} if options.augment else {}
    if changed:
        name = preprocesses.name_of(reader)
        network.tower.preprocess = preprocesses.create({"name": name, **reader.config, **changed})
    return network


def _arranged(examples: Examples, options: argparse.Namespace) -> tuple[Examples, Batches | None]:
    """The examples as the loss asks for them, and batches that hold its positives and negatives."""
    from twinnet.data.pairing import draw_pairs, same_pairs
    from twinnet.data.samplers import ClassBalancedBatches, DistinctBatches
    from twinnet.registry import losses

    labels = examples.target if examples.supervision is Supervision.LABELS else None
    needs = losses.named(options.loss).needs
    in_batch = Supervision.PAIRS in needs and Supervision.LABELS not in needs
    if in_batch and examples.supervision in (Supervision.PAIRS, Supervision.TRIPLETS):
        return examples, DistinctBatches(examples.columns, options.batch_size, options.seed)
    if labels is not None and in_batch:
        of_each = max(1, (options.pairs or len(labels)) // len(set(labels)))
        pairs, classes = same_pairs(examples, of_each, options.seed)
        return pairs, ClassBalancedBatches(classes, options.batch_size, items_per_class=1, seed=options.seed)
    if options.pairs:
        return draw_pairs(examples, options.pairs, options.seed), None
    if labels is None or options.per_class == 1:
        return examples, None
    classes_per_batch = max(2, options.batch_size // options.per_class)
    return examples, ClassBalancedBatches(labels, classes_per_batch, options.per_class, options.seed)


def _measure(network: TwinNetwork, examples: Examples) -> Mapping[str, float]:
    """ROC AUC of same and different pairs, or how often the positive of a triplet is closer."""
    from sklearn.metrics import roc_auc_score

    from twinnet.verification.trials import trials_of_identities, trials_of_pairs

    if examples.supervision is Supervision.TRIPLETS:
        return measure_triplets(network, examples)
    if examples.target is None:
        raise TwinnetError("development pairs need the label 1 or 0: pairs that all belong together measure nothing")
    if examples.supervision is Supervision.LABELS:
        trials = trials_of_identities(examples.columns[0], examples.target, "the development data")
    else:
        trials = trials_of_pairs(examples.columns, [int(label) for label in examples.target], "the development data")
    auc = roc_auc_score(trials.same, trials.scores(network, progress=False))
    return {"pairs": len(trials.same), "auc": float(auc)}
