"""Training pairs a second."""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import twinnet
from twinnet.bench.contest import Contest, hold
from twinnet.bench.quality import Encode, spearman
from twinnet.data.examples import Examples
from twinnet.training import Trainer, TrainingConfig

LEARNING_RATE = 2e-5


def training(folder: Path, pairs: Examples, batch: int, rounds: int, peers: bool) -> list[Contest]:
    """Train on scored pairs for one epoch, from the same weights, with the squared error of the cosine.

    The quality of a contestant is the rank correlation of its cosines with the scores of these pairs afterwards.

    Args:
        folder: A text network, as sentence-transformers and twinnet read it.
        pairs: Pairs with a score.
        batch: How many are in a batch.
        rounds: How many turns each has.
        peers: Whether sentence-transformers takes part.
    """
    network = twinnet.load(folder)

    def ours() -> Encode:
        trained = copy.deepcopy(network)
        settings = TrainingConfig(epochs=1, batch_size=batch, learning_rate=LEARNING_RATE)
        Trainer(trained, "cosine-regression", pairs, settings).run()
        return lambda items: trained.encode(items, progress=False)

    contest = hold(
        "train",
        {"twinnet": ours},
        {"sentence-transformers": _peer(folder, pairs, batch)} if peers else {},
        rounds=rounds,
        amount=len(pairs),
        unit="pair",
    )
    contest.quality = {each: {"spearman": spearman(runs[-1].result, pairs)} for each, runs in contest.runs.items()}
    return [contest]


def _peer(folder: Path, pairs: Examples, batch: int) -> Callable[[], Encode]:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
    from sentence_transformers import SentenceTransformerTrainingArguments as Arguments
    from sentence_transformers.losses import CosineSimilarityLoss

    untrained = SentenceTransformer(str(folder), device="cpu")
    left, right = pairs.columns
    scores = [float(score) for score in pairs.target or ()]
    table = Dataset.from_dict({"left": list(left), "right": list(right), "score": scores})

    def run() -> Encode:
        model = copy.deepcopy(untrained)
        with tempfile.TemporaryDirectory() as scratch:
            settings = Arguments(
                scratch,
                num_train_epochs=1,
                per_device_train_batch_size=batch,
                learning_rate=LEARNING_RATE,
                use_cpu=True,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
            )
            # It prints its figures where the result belongs.
            with redirect_stdout(sys.stderr):
                SentenceTransformerTrainer(model, settings, table, loss=CosineSimilarityLoss(model)).train()
        return lambda items: model.encode(items, show_progress_bar=False)

    return run
