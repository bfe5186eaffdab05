"""Signatures of SVC2004, writers 31-40: a network, the Dey recipe, and trivial measures, compared on the same writers.

python benchmarks/signatures.py DATA OUT.json [--model signature] [--dey FILE | --train-dey FILE]

DATA holds svc2004.zip. Dey's SigNet learns from writers 1-25 and keeps the epoch that is best on 26-30: minutes on a
GPU, days on two cores. So `--train-dey` writes its embeddings of writers 31-40 into a file, and `--dey` reads one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

import twinnet
from twinnet import TwinNetwork
from twinnet.data.examples import Examples
from twinnet.evaluation.comparison import Scored, eer_difference
from twinnet.evaluation.curves import error_curve
from twinnet.evaluation.verification import verification_report
from twinnet.image.decoding import decode
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig
from twinnet.verification.signature.data import Signature, random_trials, read_svc2004, skilled_trials
from twinnet.verification.signature.ink import INKED, Ink, find_ink
from twinnet.verification.signature.preprocess import SignaturePreprocess
from twinnet.verification.trials import Scores, Trials

FIT, DEV, REPORT = range(1, 26), range(26, 31), range(31, 41)
KINDS = {"skilled": skilled_trials, "random": random_trials}
RULE = "centroid"
PAIRS = 4750  # all genuine pairs of the fit writers, and as many with a forgery
Compare = Callable[[Trials], Scores]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with svc2004.zip")
    parser.add_argument("out", type=Path, help="JSON file for the figures")
    parser.add_argument("--model", default="signature")
    parser.add_argument("--dey", type=Path, help="embeddings that --train-dey wrote")
    parser.add_argument("--train-dey", type=Path)
    parser.add_argument("--narrow", type=int, default=1, help="divide SigNet's channels by this")
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    fit, unseen = (read_svc2004(arguments.data / "svc2004.zip", users) for users in (FIT, REPORT))
    inks = inks_of(unseen)
    if arguments.train_dey:
        dev = read_svc2004(arguments.data / "svc2004.zip", DEV)
        np.save(arguments.train_dey, train_dey(fit, dev, arguments).encode(inks, progress=False))
    network = twinnet.load(arguments.model)
    embedded, measures = network.encode(inks, progress=False), scaled_measures(inks, inks_of(fit))
    systems: dict[str, Compare] = {
        "network": lambda trials: trials.compare(network, embedded, embedded, RULE),
        "trivial": lambda trials: by_distance(measures, trials),
    }
    if file := arguments.dey or arguments.train_dey:
        dey = np.load(file)
        systems["dey"] = lambda trials: by_distance(dey, trials)
    results = {name: figures_of(name, compare, unseen, network) for name, compare in systems.items()}
    results["differences"] = differences(systems, unseen)
    arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show(results)


def scaled_measures(inks: Sequence[Ink], others: Sequence[Ink]) -> npt.NDArray[np.float32]:
    """Trivial measures (N, 5), each scaled by its spread over other signatures."""
    measures, known = (np.stack([trivial_measures(ink) for ink in part]) for part in (inks, others))
    scaled: npt.NDArray[np.float32] = ((measures - known.mean(0)) / (known.std(0) + 1e-9)).astype(np.float32)
    return scaled


def trivial_measures(ink: Ink) -> npt.NDArray[np.float64]:
    """Ink amount (share of the box), stroke width, and the width, height and aspect of the box; logarithms, (5,)."""
    box = ink.box()
    inked = box > INKED
    height, width = box.shape
    stroke = 2 * cv2.distanceTransform(np.pad(inked, 1).astype(np.uint8), cv2.DIST_L2, 3)[np.pad(inked, 1)].mean()
    measures: npt.NDArray[np.float64] = np.log([inked.mean(), stroke, width, height, width / height])
    return measures


def inks_of(signatures: Sequence[Signature]) -> list[Ink]:
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda signature: find_ink(decode(signature.picture)), signatures))
    return [ink for ink in found if ink is not None]


def train_dey(fit: Sequence[Signature], dev: Sequence[Signature], arguments: argparse.Namespace) -> TwinNetwork:
    """Dey et al. 2017: SigNet and the contrastive loss on pairs (AdamW for RMSprop, and bfloat16 on a GPU)."""
    inks, cuda = inks_of(fit), torch.cuda.is_available()
    plain = SignaturePreprocess("dey")
    std = float(np.std([prepared.data for prepared in plain.prepare(inks)]))
    signet = {"name": "signet", "narrow": arguments.narrow}
    network = TwinNetwork(signet, distance="euclidean", preprocess=SignaturePreprocess("dey", std=std))
    config = TrainingConfig(
        epochs=arguments.epochs, batch_size=128, learning_rate=1e-4, weight_decay=5e-4, warmup=0.05,
        precision="bf16" if cuda else "no",
    )  # fmt: skip
    trials, dev_inks = skilled_trials(dev, "dev"), inks_of(dev)
    seen: list[float] = []

    def evaluate(candidate: TwinNetwork) -> dict[str, float]:
        embedded = candidate.encode(dev_inks, progress=False)
        seen.append(error_curve(trials.compare(candidate, embedded, embedded), trials.same).eer)
        print(f"Dey, epoch {len(seen) - 1}: EER {seen[-1]:.4f} on dev", flush=True)
        return {"score": -seen[-1] if len(seen) > 1 else -1.0}  # the untrained network is not the recipe

    Trainer(network.to("cuda" if cuda else "cpu"), "contrastive", dey_pairs(fit, inks), config,
            evaluator=evaluate, metric="score").run()  # fmt: skip
    return network


def dey_pairs(signatures: Sequence[Signature], inks: Sequence[Ink], seed: int = 0) -> Examples:
    """Genuine pairs, and as many of a genuine signature and a skilled forgery."""
    rng, trials = np.random.default_rng(seed), skilled_trials(signatures, "fit")
    kinds = [np.flatnonzero(trials.same == same) for same in (True, False)]
    rows = np.concatenate([rng.choice(kind, min(len(kind), PAIRS), replace=False) for kind in kinds])
    columns = ([inks[i] for i in trials.probes[rows]], [inks[i] for i in trials.references[rows, 0]])
    return Examples(columns, trials.same[rows].astype(int).tolist(), Supervision.LABELLED_PAIRS)


def by_distance(embedded: Any, trials: Trials) -> Scores:
    distances: Scores = np.linalg.norm(embedded[trials.probes] - embedded[trials.references].mean(1), axis=1)
    return -distances


def trials_of(signatures: Sequence[Signature]) -> Iterable[tuple[str, int, Trials]]:
    for references in (1, 5):
        for kind, make in KINDS.items():
            yield kind, references, make(signatures, f"SVC2004, users 31-40: {kind}", references)


def figures_of(
    name: str, compare: Compare, signatures: Sequence[Signature], network: TwinNetwork
) -> dict[str, dict[str, Any]]:
    return {
        f"{kind}, {references} reference{'s' * (references > 1)}": verification_report(
            compare(trials), trials.same, identities=trials.identities, keys=trials.keys(),
            operating_point=network.operating_points.get(references) if name == "network" else None,
        )
        for kind, references, trials in trials_of(signatures)
    }  # fmt: skip


def differences(systems: dict[str, Compare], signatures: Sequence[Signature]) -> dict[str, dict[str, float]]:
    """By how much equal error rates on skilled forgeries differ, and what five references add."""
    scored = {
        (name, references): Scored(compare(trials), trials.same, trials.identities)
        for kind, references, trials in trials_of(signatures)
        for name, compare in systems.items()
        if kind == "skilled"
    }
    found = {
        f"network - {name}, {references}": eer_difference(scored["network", references], scored[name, references])
        for name, references in scored
        if name != "network"
    }
    return found | {"network, 5 - 1": eer_difference(scored["network", 5], scored["network", 1])}


def show(results: dict[str, Any]) -> None:
    for name, figures in results.items():
        for trial, values in figures.items():
            counts = f", {values['genuine']} genuine, {values['impostor']} impostor" if "eer" in values else ""
            print(f"{name:<11} {trial:<22} EER {interval(values.get('eer', values))}{counts}")
            if point := values.get("operating_point"):
                print(f"{'at its threshold':>34}: FMR {interval(point['fmr'])}, FNMR {interval(point['fnmr'])}")


def interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


if __name__ == "__main__":
    main()
