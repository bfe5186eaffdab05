"""Train twinnet's signature network, and compare it with the Dey recipe and trivial measures on writers unseen so far.

python examples/signature_training.py DATA OUT

DATA holds svc2004.zip and cross_media.zip. Writers 1-25 of SVC2004 fit, 26-30 choose and calibrate, 31-40 are reported.
The Dey recipe is stopped and resumed as any training is; the rest takes minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from twinnet import TwinNetwork
from twinnet.data.examples import Examples
from twinnet.evaluation.verification import verification_report
from twinnet.image.decoding import decode
from twinnet.operating_point import system_of
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig
from twinnet.verification.calibration import choose_operating_point
from twinnet.verification.signature.baseline import TrivialBaseline
from twinnet.verification.signature.data import (
    Signature,
    joined,
    random_trials,
    read_cross_media,
    read_svc2004,
    skilled_trials,
)
from twinnet.verification.signature.ink import Ink, find_ink
from twinnet.verification.signature.preprocess import SignaturePreprocess
from twinnet.verification.trials import Trials

FIT, DEV, REPORT = range(1, 26), range(26, 31), range(31, 41)
REFERENCES = (1, 2, 3, 4, 5, 8)
TARGET_FMR = 0.1
RULE = "centroid"


def main() -> None:
    arguments = parse()
    torch.manual_seed(arguments.seed)
    data = {name: read_svc2004(arguments.data / "svc2004.zip", users) for name, users in (("fit", FIT), ("dev", DEV))}
    inks = {name: inks_of(signatures) for name, signatures in data.items()}
    print(f"{len(inks['fit'])} signatures to fit", flush=True)
    network = train(inks["fit"], arguments.data, arguments.seed)
    calibrate(network, data["dev"], inks["dev"])
    network.save(arguments.out)
    print(f"saved {arguments.out}", flush=True)
    data["report"] = read_svc2004(arguments.data / "svc2004.zip", REPORT)
    inks["report"] = inks_of(data["report"])
    results = {
        "twinnet": report(network, data["report"], inks["report"]),
        "trivial": report(TrivialBaseline(inks["fit"]), data["report"], inks["report"]),
    }
    if arguments.dey_narrow:
        results["dey"] = report(train_dey(data, inks, arguments), data["report"], inks["report"])
    results_file = arguments.out.with_name(arguments.out.name + ".results.json")
    results_file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for name, figures in results.items():
        for trial, values in figures.items():
            eer = values["eer"]
            print(f"{name:<8} {trial:<22} EER {eer['value']:.3f} [{eer['low']:.3f}, {eer['high']:.3f}], "
                  f"{values['genuine']} genuine, {values['impostor']} impostor")  # fmt: skip


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with svc2004.zip and cross_media.zip")
    parser.add_argument("out", type=Path, help="folder of the trained network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dey-narrow", type=int, default=4, help="divide SigNet's channels by this; 0 leaves it out")
    parser.add_argument("--dey-size", type=int, nargs=2, default=(78, 110), help="155 220 in the paper")
    parser.add_argument("--dey-pairs", type=int, default=2000, help="pairs of each kind a Dey epoch has")
    parser.add_argument("--dey-epochs", type=int, default=5)
    return parser.parse_args()


def inks_of(signatures: Sequence[Signature]) -> list[Ink]:
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda signature: find_ink(decode(signature.picture)), signatures))
    return [ink for ink in found if ink is not None]


def train(inks: Sequence[Ink], data: Path, seed: int) -> TwinNetwork:
    """A codebook of strokes, learned without labels from the fit writers and from some of the other set."""
    network = TwinNetwork("codebook", "normalize", "cosine", SignaturePreprocess("fitted", size=[128, 256]))
    reader = network.tower.reader()
    more = inks_of(read_cross_media(data / "cross_media.zip")[::8])
    pictures = reader.collate(reader.prepare([*inks, *more]))["pixels"][:, 0]  # (N, H, W)
    network.tower.backbone.learn_codes(pictures, seed=seed)
    return network


def pairs(signatures: Sequence[Signature], inks: Sequence[Ink], count: int, seed: int) -> Examples:
    """So many genuine pairs, and as many with a skilled forgery, as Dey et al. draw them."""
    rng = np.random.default_rng(seed)
    trials = skilled_trials(signatures, "fit")
    kinds = [np.flatnonzero(trials.same == same) for same in (True, False)]
    rows = np.concatenate([rng.choice(kind, min(len(kind), count), replace=False) for kind in kinds])
    columns = ([inks[i] for i in trials.probes[rows]], [inks[i] for i in trials.references[rows, 0]])
    return Examples(columns, trials.same[rows].astype(int).tolist(), Supervision.LABELLED_PAIRS)


def train_dey(data: Mapping[str, Any], inks: Mapping[str, Any], arguments: argparse.Namespace) -> TwinNetwork:
    """Dey et al. 2017: SigNet and the contrastive loss on pairs, pictures divided by their deviation (with AdamW)."""
    size = list(arguments.dey_size)
    plain = SignaturePreprocess("dey", size=size)
    std = float(np.std([prepared.data for prepared in plain.prepare(inks["fit"])]))
    network = TwinNetwork(
        {"name": "signet", "size": size, "narrow": arguments.dey_narrow},
        distance="euclidean",
        preprocess=SignaturePreprocess("dey", std=std, size=size),
    )
    out = arguments.out.with_name(arguments.out.name + "-dey")
    config = TrainingConfig(
        out=out, epochs=arguments.dey_epochs, batch_size=32, learning_rate=3e-4, weight_decay=5e-4, seed=arguments.seed,
        checkpoint_every=50,
    )  # fmt: skip
    trials = skilled_trials(data["dev"], "dev")

    def evaluate(candidate: TwinNetwork) -> dict[str, float]:
        embedded = candidate.encode(inks["dev"], progress=False)
        figures = verification_report(trials.compare(candidate, embedded, embedded), trials.same, rates=())
        print(f"Dey, dev EER {figures['eer']['value']:.4f}", flush=True)
        return {"negative_eer": -figures["eer"]["value"]}

    examples = pairs(data["fit"], inks["fit"], arguments.dey_pairs, arguments.seed)
    Trainer(network, "contrastive", examples, config, evaluator=evaluate, metric="negative_eer").run(resume=True)
    return network


def calibrate(network: TwinNetwork, signatures: Sequence[Signature], inks: Sequence[Ink]) -> None:
    """An operating point for each number of references, on skilled and random forgeries of the dev writers."""
    embedded = network.encode(inks, progress=False)
    for references in REFERENCES:
        trials = joined(
            skilled_trials(signatures, "SVC2004, users 26-30: skilled forgeries", references),
            random_trials(signatures, "random forgeries", references),
        )
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


def report(
    system: TwinNetwork | TrivialBaseline, signatures: Sequence[Signature], inks: Sequence[Ink]
) -> dict[str, Any]:
    figures = {}
    if isinstance(system, TwinNetwork):
        network, embedded = system, system.encode(inks, progress=False)
    else:
        network, embedded = TwinNetwork("codebook", distance="euclidean"), system.embed(inks)
    for references in (1, 5):
        for kind, trials_of in (("skilled", skilled_trials), ("random", random_trials)):
            trials: Trials = trials_of(signatures, f"SVC2004, users 31-40: {kind}", references)
            scores = scores_of(network, trials, embedded)
            point = network.operating_points.get(references)
            figures[f"{kind}, {references} reference{'s' * (references > 1)}"] = verification_report(
                scores, trials.same, operating_point=point, identities=trials.identities, keys=trials.keys()
            )
    return figures


def scores_of(network: TwinNetwork, trials: Trials, embedded: Any) -> Any:
    """Every system gets the rule that it is better with on the dev writers: the centroid, as it turned out."""
    if embedded.shape[1] == network.dim:
        return trials.compare(network, embedded, embedded, RULE)
    centroids = embedded[trials.references].mean(1)
    return -np.linalg.norm(embedded[trials.probes] - centroids, axis=1)


if __name__ == "__main__":
    main()
