"""What the pre-training and each of ULMFiT's three tricks bring: Spearman on development pairs, over several seeds.

python ablation.py stsb_train.tsv stsb_dev.tsv --lm lm --out ablation.jsonl

A run that the file has already is not repeated, so the command can be stopped and started again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import twinnet
from twinnet import TwinNetwork
from twinnet.data.examples import Examples, scored_pairs
from twinnet.evaluation.sts import sts
from twinnet.registry import backbones
from twinnet.training import Trainer, TrainingConfig

RATES = {"layer_decay": 1 / 2.6}
TRIANGLE = {"schedule": "slanted-triangular", "warmup": 0.1}
CONSTANT = {"schedule": "constant", "warmup": 0.0}


@dataclass(frozen=True)
class Variant:
    """A way of training.

    Attributes:
        settings: Of the run, beside what all have in common.
        start: "pretrained", "random", or "words": only the word vectors of the language model.
        trained: Whether it is trained at all.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    start: str = "pretrained"
    trained: bool = True


def variants(unfreeze_every: int) -> dict[str, Variant]:
    """The variants, by what the table calls them."""
    gradual = {"unfreeze_every": unfreeze_every}
    return {
        "ULMFiT": Variant(RATES | TRIANGLE | gradual),
        "without pre-training": Variant(RATES | TRIANGLE | gradual, "random"),
        "without discriminative rates": Variant(TRIANGLE | gradual),
        "without the slanted triangle (constant rate)": Variant(RATES | CONSTANT | gradual),
        "without gradual unfreezing": Variant(RATES | TRIANGLE),
        "without all three": Variant(CONSTANT),
        "without all three and pre-training": Variant(CONSTANT, "random"),
        "mean of the pre-trained word vectors, trained": Variant(TRIANGLE, "words"),
        "mean of the pre-trained word vectors, as they are": Variant(start="words", trained=False),
        "the language model, as it is": Variant(trained=False),
    }


def network(folder: Path, start: str) -> TwinNetwork:
    """The language model's network, or what is left of it."""
    found = twinnet.load(folder)
    if start == "pretrained":
        return found
    tower = found.tower
    layers = {"layers": 0} if start == "words" else {}
    fresh = backbones.create({"name": "awd-lstm", **tower.backbone.config, **layers})
    if start == "words":
        fresh.embedding.load_state_dict(tower.backbone.embedding.state_dict())
    return TwinNetwork(fresh, "pooling/mean" if start == "words" else list(tower.head), preprocess=tower.preprocess)


def run(variant: Variant, seed: int, train: Examples, dev: Examples, options: argparse.Namespace) -> dict[str, float]:
    """Train with one seed; the figures after the last step."""
    torch.manual_seed(seed)
    twin = network(options.lm, variant.start)
    if variant.trained:
        config = TrainingConfig(
            epochs=options.epochs,
            batch_size=64,
            learning_rate=options.learning_rate,
            seed=seed,
            **variant.settings,
        )
        Trainer(twin, "cosine-regression", train, config).run()
    return sts(twin.eval().score(*map(list, dev.columns)), dev.target)


def show(results: list[dict[str, Any]]) -> None:
    """One row for each variant: mean and standard deviation over the seeds."""
    for name in dict.fromkeys(result["variant"] for result in results):
        found = [result["spearman"] for result in results if result["variant"] == name]
        spread = f" ± {np.std(found, ddof=1):.4f}" if len(found) > 1 else ""
        print(f"| {name} | {np.mean(found):.4f}{spread} | {len(found)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", help="pairs with score, s1, s2")
    parser.add_argument("dev", help="likewise")
    parser.add_argument("--lm", type=Path, required=True, metavar="DIR", help="what twinnet_ulmfit.pretrain wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="one JSON object a run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument("--epochs", type=int, default=5, metavar="N")
    parser.add_argument("--learning-rate", type=float, default=3e-3, metavar="X")
    parser.add_argument("--unfreeze-every", type=int, default=45, metavar="STEPS")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these variants")
    options = parser.parse_args()
    train, dev = scored_pairs(options.train), scored_pairs(options.dev)
    results = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.is_file() else []
    known = variants(options.unfreeze_every)
    for seed in options.seeds:
        for name, variant in known.items():
            done = {(result["variant"], result["seed"]) for result in results}
            if (options.only and name not in options.only) or (name, 0 if not variant.trained else seed) in done:
                continue
            results.append({"variant": name, "seed": seed, **run(variant, seed, train, dev, options)})
            with options.out.open("a") as file:
                file.write(json.dumps(results[-1]) + "\n")
    show(results)


if __name__ == "__main__":
    main()
