"""Train twinnet's signature network, and compare it with the Dey recipe and trivial measures on writers unseen so far.

python examples/signature_training.py DATA OUT [--dey]

DATA holds svc2004.zip. Strokes of writers 1-25 make the codebook, without labels; thresholds are chosen on 1-30, and
31-40 are reported. Dey's SigNet learns from 1-25 and keeps the epoch that is best on 26-30: minutes on a GPU, days on
two cores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from twinnet import TwinNetwork
from twinnet.data.examples import Examples
from twinnet.evaluation.comparison import Scored, eer_difference
from twinnet.evaluation.curves import error_curve
from twinnet.evaluation.verification import verification_report
from twinnet.image.decoding import decode
from twinnet.operating_point import OperatingPoint, system_of
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig
from twinnet.verification.calibration import choose_operating_point
from twinnet.verification.signature.baseline import TrivialBaseline
from twinnet.verification.signature.data import Signature, random_trials, read_svc2004, skilled_trials
from twinnet.verification.signature.ink import Ink, find_ink
from twinnet.verification.signature.preprocess import SignaturePreprocess
from twinnet.verification.trials import Scores, Trials

FIT, DEV, REPORT = range(1, 26), range(26, 31), range(31, 41)
REFERENCES = (1, 2, 3, 4, 5)
TARGET_FMR = 0.1
RULE = "centroid"
Compare = Callable[[Trials], Scores]


@dataclass(frozen=True)
class Part:
    """Signatures of some writers, and the ink found on them."""

    signatures: list[Signature]
    inks: list[Ink]

    @classmethod
    def read(cls, archive: Path, users: Iterable[int]) -> Self:
        signatures = read_svc2004(archive, users)
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda signature: find_ink(decode(signature.picture)), signatures))
        return cls(signatures, [ink for ink in found if ink is not None])

    def __add__(self, other: Part) -> Part:
        return Part(self.signatures + other.signatures, self.inks + other.inks)


def main() -> None:
    arguments = parse()
    fit, dev, unseen = (Part.read(arguments.data / "svc2004.zip", users) for users in (FIT, DEV, REPORT))
    print(f"{len(fit.inks)} signatures to fit", flush=True)
    network = train(fit, arguments.seed)
    calibrate(network, fit + dev)
    network.save(arguments.out)
    print(f"saved {arguments.out}", flush=True)
    systems = {"twinnet": comparing(network, unseen), "trivial": comparing_measures(TrivialBaseline(fit.inks), unseen)}
    if arguments.dey:
        systems["dey"] = comparing(train_dey(fit, dev, arguments), unseen)
    results = {name: figures_of(compare, unseen, network.operating_points if name == "twinnet" else {})
               for name, compare in systems.items()} | {"differences": differences(systems, unseen)}  # fmt: skip
    results_file = arguments.out.with_name(arguments.out.name + ".results.json")
    results_file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show(results)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with svc2004.zip")
    parser.add_argument("out", type=Path, help="folder of the trained network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dey", action="store_true", help="train the Dey recipe too")
    parser.add_argument("--dey-narrow", type=int, default=1, help="divide SigNet's channels by this")
    parser.add_argument("--dey-size", type=int, nargs=2, default=(155, 220))
    parser.add_argument("--dey-pairs", type=int, default=4750, help="pairs of each kind an epoch has")
    parser.add_argument("--dey-epochs", type=int, default=10)
    return parser.parse_args()


def train(fit: Part, seed: int) -> TwinNetwork:
    """A codebook of strokes, learned without labels."""
    network = TwinNetwork("codebook", "normalize", "cosine", SignaturePreprocess("fitted", size=[128, 256]))
    reader = network.tower.reader()
    pictures = reader.collate(reader.prepare(fit.inks))["pixels"][:, 0]  # (N, H, W)
    network.tower.backbone.learn_codes(pictures, seed=seed)
    return network


def calibrate(network: TwinNetwork, part: Part) -> None:
    """An operating point for each number of references, on skilled forgeries: what signatures are checked for."""
    embedded = network.encode(part.inks, progress=False)
    for references in REFERENCES:
        trials = skilled_trials(part.signatures, "SVC2004, users 1-30, skilled forgeries alone", references)
        network.operating_points[references] = choose_operating_point(
            trials.compare(network, embedded, embedded, RULE),
            trials.same,
            TARGET_FMR,
            system=system_of(network),
            source=trials.source,
            identities=trials.identities,
            keys=trials.keys(),
            references=references,
            rule=RULE,
        )


def train_dey(fit: Part, dev: Part, arguments: argparse.Namespace) -> TwinNetwork:
    """Dey et al. 2017: SigNet and the contrastive loss on pairs (AdamW for RMSprop, in bfloat16 on a GPU)."""
    size = list(arguments.dey_size)
    plain = SignaturePreprocess("dey", size=size)
    std = float(np.std([prepared.data for prepared in plain.prepare(fit.inks)]))
    network = TwinNetwork(
        {"name": "signet", "size": size, "narrow": arguments.dey_narrow},
        distance="euclidean",
        preprocess=SignaturePreprocess("dey", std=std, size=size),
    ).to("cuda" if torch.cuda.is_available() else "cpu")
    config = TrainingConfig(
        epochs=arguments.dey_epochs, batch_size=128, learning_rate=1e-4, weight_decay=5e-4, warmup=0.05,
        precision="bf16" if torch.cuda.is_available() else "no", seed=arguments.seed,
    )  # fmt: skip
    trials = skilled_trials(dev.signatures, "dev")
    seen: list[float] = []

    def evaluate(candidate: TwinNetwork) -> dict[str, float]:
        seen.append(error_curve(comparing(candidate, dev)(trials), trials.same).eer)
        print(f"Dey, epoch {len(seen) - 1}: EER {seen[-1]:.4f} on dev", flush=True)
        return {"score": -seen[-1] if len(seen) > 1 else -1.0}  # the untrained network is not the recipe

    examples = dey_pairs(fit, arguments.dey_pairs, arguments.seed)
    Trainer(network, "contrastive", examples, config, evaluator=evaluate, metric="score").run()
    return network


def dey_pairs(part: Part, count: int, seed: int) -> Examples:
    """So many genuine pairs, and as many with a skilled forgery."""
    rng = np.random.default_rng(seed)
    trials = skilled_trials(part.signatures, "fit")
    kinds = [np.flatnonzero(trials.same == same) for same in (True, False)]
    rows = np.concatenate([rng.choice(kind, min(len(kind), count), replace=False) for kind in kinds])
    columns = ([part.inks[i] for i in trials.probes[rows]], [part.inks[i] for i in trials.references[rows, 0]])
    return Examples(columns, trials.same[rows].astype(int).tolist(), Supervision.LABELLED_PAIRS)


def comparing(network: TwinNetwork, part: Part) -> Compare:
    embedded = network.encode(part.inks, progress=False)
    return lambda trials: trials.compare(network, embedded, embedded, RULE)


def comparing_measures(baseline: TrivialBaseline, part: Part) -> Compare:
    embedded = baseline.embed(part.inks)
    return lambda trials: -np.linalg.norm(embedded[trials.probes] - embedded[trials.references].mean(1), axis=1)


def trials_of(part: Part) -> dict[tuple[str, int], Trials]:
    kinds = {"skilled": skilled_trials, "random": random_trials}
    return {(kind, references): make(part.signatures, f"SVC2004, users 31-40: {kind}", references)
            for references in (1, 5) for kind, make in kinds.items()}  # fmt: skip


def figures_of(compare: Compare, part: Part, points: dict[int, OperatingPoint]) -> dict[str, Any]:
    return {
        f"{kind}, {references} reference{'s' * (references > 1)}": verification_report(
            compare(trials), trials.same, operating_point=points.get(references), identities=trials.identities,
            keys=trials.keys(),
        )
        for (kind, references), trials in trials_of(part).items()
    }  # fmt: skip


def differences(systems: dict[str, Compare], part: Part) -> dict[str, dict[str, float]]:
    """How much lower twinnet's equal error rate is on skilled forgeries, and what five references add."""
    trials = {references: of for (kind, references), of in trials_of(part).items() if kind == "skilled"}
    scored = {
        (name, references): Scored(compare(of), of.same, of.identities)
        for name, compare in systems.items()
        for references, of in trials.items()
    }
    found = {
        f"twinnet - {name}, {references}": eer_difference(scored["twinnet", references], scored[name, references])
        for name in systems if name != "twinnet" for references in trials
    }  # fmt: skip
    return found | {"twinnet, 5 - 1": eer_difference(scored["twinnet", 5], scored["twinnet", 1])}


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
