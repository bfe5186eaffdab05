"""`twinnet demo digits`: trains a twin on handwritten digits, calibrates it, and verifies drawings it never saw."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from twinnet.cli.output import Stages, destination, write_atomically

if TYPE_CHECKING:
    import numpy as np

    from twinnet.network import TwinNetwork

BACKBONE = {"name": "timm", "model": "resnet18", "in_chans": 1, "layers": [1, 1, 1, 1], "channels": [16, 32, 64, 64],
            "stem_width": 16}  # fmt: skip
PREPROCESS = {"name": "image", "size": [32, 32], "mean": [0.3], "std": [0.35]}
TARGET_FMR = 0.01
TRAINING, DEVELOPMENT = 900, 450


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this part: none."""
    del parser


def demonstrate(options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Do the job, and write the DET curve.

    Returns:
        The result, and its lines for people.
    """
    picture = destination(f"{options.out}/digits_det.png")
    stages = Stages()
    with stages("load"):
        from sklearn.metrics import roc_auc_score

        from twinnet.evaluation.curves import error_curve
        from twinnet.plots.verification import draw_det
        from twinnet.verification.calibration import calibrate
        from twinnet.verification.trials import trials_of_identities

        pictures, digits, rows = _read()
    seen, development, unseen = rows[:TRAINING], rows[TRAINING:][:DEVELOPMENT], rows[TRAINING + DEVELOPMENT :]
    with stages("train"):
        network = _train([pictures[i] for i in seen], digits[seen])
    with stages("calibrate"):
        trials = trials_of_identities([pictures[i] for i in development], digits[development], "digits")
        point = calibrate(network, trials, TARGET_FMR)
    with stages("test"):
        trials = trials_of_identities([pictures[i] for i in unseen], digits[unseen], "digits")
        scores = trials.scores(network, progress=False)
        auc = float(roc_auc_score(trials.same, scores))
        curve = error_curve(scores, trials.same)
        errors = curve.at(point.threshold)
        pairs = f"{int(trials.same.sum()):,} genuine, {int((~trials.same).sum()):,} impostor pairs"
    write_atomically(picture, lambda path: draw_det(curve.fmr, curve.fnmr, path, errors, pairs))
    lines = [
        f"\nA twin network trained on {TRAINING} handwritten digits in {stages.seconds['train']:.0f} s. On "
        f"{len(trials.same)} pairs of drawings that it never saw: AUC {auc:.4f}.",
        f"Threshold {point.threshold:.3f} for a false match rate of {TARGET_FMR:.0%}, chosen on other drawings:\n",
    ]
    shown = []
    for a, b in _two_pairs(digits, unseen):
        verdict = network.verify(pictures[a], pictures[b])
        same = {True: "the same digit", False: "different digits", None: "no decision"}[verdict.match]
        shown.append({"digits": [int(digits[a]), int(digits[b])], "match": verdict.match, "score": verdict.score})
        lines.append(f"  a drawing of {digits[a]} and one of {digits[b]}: {same} (score {verdict.score:.3f})")
    result = {"pairs": len(trials.same), "auc": auc, "threshold": point.threshold, "verdicts": shown}
    lines.append(f"\nTime: {stages}\nDET curve: {picture}")
    return result | {"det": str(picture), "seconds": stages.seconds}, lines


def _read() -> tuple[list[np.ndarray[Any, Any]], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The pictures, what each shows, and their rows in a random order that is always the same."""
    import numpy as np
    from sklearn.datasets import load_digits

    found = load_digits()  # 1,797 drawings of 8 x 8, levels 0 to 16
    pictures = list((found.images * 255 / 16).round().astype(np.uint8))
    return pictures, found.target, np.random.default_rng(0).permutation(len(pictures))


def _train(pictures: list[np.ndarray[Any, Any]], digits: np.ndarray[Any, Any]) -> TwinNetwork:
    import torch

    from twinnet.data.examples import labelled
    from twinnet.data.samplers import ClassBalancedBatches
    from twinnet.network import TwinNetwork
    from twinnet.training import Trainer, TrainingConfig

    torch.manual_seed(0)
    examples = labelled(pictures, digits.tolist())
    network = TwinNetwork(BACKBONE, ["pooling/mean", "normalize"], "euclidean", PREPROCESS)
    batches = ClassBalancedBatches(digits.tolist(), classes_per_batch=10, items_per_class=9)
    config = TrainingConfig(epochs=12, learning_rate=3e-3, schedule="cosine")
    Trainer(network, "pml/SupConLoss", examples, config, batches=batches).run()
    return network


def _two_pairs(digits: np.ndarray[Any, Any], rows: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
    """Of the first drawing with its like, and with one of another digit."""
    first, others = int(rows[0]), [int(row) for row in rows[1:]]
    same = next(row for row in others if digits[row] == digits[first])
    return [(first, same), (first, next(row for row in others if digits[row] != digits[first]))]
