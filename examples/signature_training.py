"""Train twinnet's signature network.

python examples/signature_training.py DATA OUT

DATA holds svc2004.zip and cross_media.zip. Writers 1-20 of SVC2004 fit, with forgeries, and so do the 93 writers of the
other set, without; writers 21-30 choose and calibrate. benchmarks/signatures.py reports on 31-40. The residual network
takes three minutes on a GPU and hours on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from twinnet import TwinNetwork
from twinnet.data.examples import Examples
from twinnet.data.samplers import Batches
from twinnet.evaluation.curves import error_curve
from twinnet.image.decoding import decode
from twinnet.operating_point import system_of
from twinnet.preprocess import Prepared
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig
from twinnet.verification.calibration import choose_operating_point
from twinnet.verification.signature.data import Signature, read_cross_media, read_svc2004, skilled_trials
from twinnet.verification.signature.ink import Ink, find_ink
from twinnet.verification.signature.preprocess import SignaturePreprocess
from twinnet.verification.signature.virtual import change_hand

FIT, CHOOSE = range(1, 21), range(21, 31)
SIZE = [128, 256]
CODEBOOK = {"name": "codebook"}
RESIDUAL = {"name": "timm", "model": "resnet10t", "in_chans": 1, "channels": [32, 64, 128, 256]}
HEAD = ["gem", {"name": "dense", "out_features": 256}, "bnneck"]
WEIGHT = 0.2  # of the residual network's cosine beside the codebook's
REFERENCES, TARGET_FMR, RULE = (1, 2, 3, 4, 5), 0.1, "centroid"
AS_THEY_ARE, VIRTUAL, NAMES = 12, 40, 3  # how often a writer is drawn, as a virtual one, and a name of the other set
ROWS = 64  # a batch has so many triplets with a second negative
Pictures = npt.NDArray[np.uint8]


class ReadyPictures(SignaturePreprocess):
    """Takes fitted ink as it is."""

    def prepare_for_training(self, items: Sequence[Pictures], seeds: Sequence[int]) -> list[Prepared]:
        del seeds
        return [Prepared(item, item.size) for item in items]


class InOrder(Batches):
    """The rows as they were drawn."""

    def __init__(self, rows: int) -> None:
        super().__init__(0)
        self.rows = rows

    def _draw(self, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
        del rng
        return [np.arange(first, first + ROWS) for first in range(0, self.rows, ROWS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with svc2004.zip and cross_media.zip")
    parser.add_argument("out", type=Path, help="folder of the trained network")
    parser.add_argument("--steps", type=int, default=494, help="of the residual network; 0 for the codebook alone")
    parser.add_argument("--precision", default="bf16" if torch.cuda.is_available() else "no")
    arguments = parser.parse_args()
    fit, choose = (read_svc2004(arguments.data / "svc2004.zip", users) for users in (FIT, CHOOSE))
    preprocess = SignaturePreprocess("fitted", size=SIZE)
    fitted = np.stack([prepared.data for prepared in preprocess.prepare(inks_of(fit))])
    parts = [{"backbone": CODEBOOK}]
    if arguments.steps:
        residual = train_residual(fit, fitted, choose, arguments)
        parts.append({"backbone": RESIDUAL, "head": HEAD, "weight": WEIGHT})
    network = TwinNetwork({"name": "joined", "parts": parts}, [], "cosine", preprocess)
    towers = network.tower.backbone.towers
    towers[0].backbone.learn_codes(torch.from_numpy(fitted).float() / 255)
    if arguments.steps:
        towers[1].load_state_dict(residual.tower.state_dict())
    network.eval()
    calibrate(network, choose)
    network.save(arguments.out)
    print(f"saved {arguments.out}")


def inks_of(signatures: Sequence[Signature]) -> list[Ink]:
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda signature: find_ink(decode(signature.picture)), signatures))
    return [ink for ink in found if ink is not None]


def train_residual(
    fit: Sequence[Signature], fitted: Pictures, choose: Sequence[Signature], arguments: argparse.Namespace
) -> TwinNetwork:
    """InfoNCE over virtual writers: the negatives of a signature are two forgeries of it, and what else is drawn."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator, rng = torch.Generator(device).manual_seed(0), np.random.default_rng(0)
    torch.manual_seed(0)
    network = TwinNetwork(RESIDUAL, [*HEAD, "normalize"], "cosine", ReadyPictures("fitted", size=SIZE)).to(device)
    others = read_cross_media(arguments.data / "cross_media.zip")
    drawn = np.stack([prepared.data for prepared in network.tower.reader().prepare(inks_of(others))])
    writers = list(virtual_writers(fit, fitted, generator))
    names = list(virtual_names(others, drawn, generator))
    rows = [triplet_of(writers if row % 5 < 4 else names, row % 5 < 4, rng) for row in range(arguments.steps * ROWS)]
    examples = Examples(tuple(zip(*rows, strict=True)), None, Supervision.TRIPLETS)
    config = TrainingConfig(
        batch_size=ROWS, learning_rate=2e-3, weight_decay=0.05, schedule="cosine", warmup=0.08,
        precision=arguments.precision, evaluate_every=max(1, arguments.steps // 8),
    )  # fmt: skip
    trials, inks = skilled_trials(choose, "users 21-30"), inks_of(choose)

    def evaluate(candidate: TwinNetwork) -> dict[str, float]:
        embedded = candidate.encode(inks, progress=False)
        eer = error_curve(trials.compare(candidate, embedded, embedded), trials.same).eer
        print(f"residual network, writers 21-30: EER {eer:.4f}", flush=True)
        return {"negative_eer": -eer}

    loss = {"name": "infonce", "scale": 15.0}
    Trainer(
        network, loss, examples, config, evaluator=evaluate, metric="negative_eer", batches=InOrder(len(rows))
    ).run()
    return network.to("cpu")


def virtual_writers(
    signatures: Sequence[Signature], fitted: Pictures, generator: torch.Generator
) -> Iterator[list[Pictures]]:
    """The genuine signatures and the forgeries of each writer, and of virtual writers made of them."""
    owners, genuine = (np.array([getattr(s, name) for s in signatures]) for name in ("writer", "genuine"))
    for writer in np.unique(owners):
        for view in range(AS_THEY_ARE + VIRTUAL):
            changed = changed_hand(fitted[owners == writer], generator, view >= AS_THEY_ARE, view % 2 == 1)
            yield [changed[genuine[owners == writer]], changed[~genuine[owners == writer]]]


def virtual_names(
    signatures: Sequence[Signature], fitted: Pictures, generator: torch.Generator
) -> Iterator[list[Pictures]]:
    """What each writer made of one name, and of virtual names made of it."""
    owners, texts = (np.array([getattr(s, name) for s in signatures]) for name in ("writer", "text"))
    for text in np.unique(texts):
        for view in range(NAMES):
            changed = changed_hand(fitted[texts == text], generator, view > 0, view % 2 == 1)
            yield [changed[owners[texts == text] == writer] for writer in np.unique(owners)]


def changed_hand(fitted: Pictures, generator: torch.Generator, virtual: bool, flips: bool) -> Pictures:
    ink = torch.from_numpy(fitted)[:, None].to(generator.device).float() / 255
    changed = change_hand(ink, generator, virtual, flips)
    pictures: Pictures = (changed * 255).round().to(torch.uint8)[:, 0].cpu().numpy()
    return pictures


def triplet_of(groups: Sequence[list[Pictures]], forgeries: bool, rng: np.random.Generator) -> list[Pictures]:
    """Two genuine signatures and two forgeries of a writer, or two of a name by one writer and two by others."""
    group = groups[rng.integers(len(groups))]
    own, *others = [0, 1, 1] if forgeries else rng.choice(len(group), 3, replace=False)
    first, second = rng.choice(len(group[own]), 2, replace=False)
    return [group[own][first], group[own][second], *(group[of][rng.integers(len(group[of]))] for of in others)]


def calibrate(network: TwinNetwork, signatures: Sequence[Signature]) -> None:
    """An operating point for each number of references, on skilled forgeries alone: what signatures are checked for."""
    embedded = network.encode(inks_of(signatures), progress=False)
    for references in REFERENCES:
        trials = skilled_trials(signatures, "SVC2004, users 21-30, skilled forgeries alone", references)
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


if __name__ == "__main__":
    main()
