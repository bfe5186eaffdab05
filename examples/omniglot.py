"""Koch et al. 2015 on Omniglot: train on 40 alphabets, verify and classify characters of 10 others from one example.

python examples/omniglot.py FOLDER --out runs/omniglot

FOLDER holds images_background.zip and images_evaluation.zip (https://github.com/brendenlake/omniglot). A run that was
interrupted goes on where it was. Without FOLDER, the example draws a tiny Omniglot of its own, to show that it runs.
"""

import argparse
import json
import tempfile
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import torch

from twinnet import TwinNetwork
from twinnet.data.examples import labelled
from twinnet.data.pairing import same_pairs
from twinnet.data.samplers import GroupedBatches
from twinnet.image.omniglot import ARCHIVES, oriented, read_omniglot
from twinnet.image.omniglot_measures import dev_figures, ink_figures, omniglot_figures
from twinnet.training import Trainer, TrainingConfig

BACKBONE = {"name": "small-resnet", "channels": [32, 64, 128], "blocks": [2, 2, 4]}
HEAD = [{"name": "dense", "out_features": 128}, {"name": "flatten", "cells": 64}]
DISTANCE = {"name": "cell-alignment", "channels": 128, "cells": 8}
WARP = {"name": "Warp", "degrees": 10, "scale": 0.14, "aspect": 0.28, "shear": 12, "translate": 0.07, "bend": 0.014,
        "fill": 255}  # fmt: skip
PREPROCESS = {"name": "image", "size": [64, 64], "mean": [0.92], "std": [0.27], "ink": 0.8, "augment": [WARP]}
LOSS = {"name": "infonce", "scale": 25, "symmetric": True}
ALPHABETS_PER_BATCH, CHARACTERS_PER_ALPHABET = 4, 16


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--out")
    parser.add_argument("--pairs", type=int, default=22, help="of drawings of each character (default: 22)")
    parser.add_argument("--precision", default="no", help="bf16 where the processor multiplies such numbers")
    parser.add_argument("--workers", type=int, default=1, help="processes that change the drawings (default: 1)")
    parser.add_argument("--choose", action="store_true", help="learn from 30 alphabets and report the other 10")
    options = parser.parse_args()
    if options.folder is not None:
        run(options.folder, options)
        return
    with tempfile.TemporaryDirectory() as folder:
        draw_tiny_omniglot(Path(folder))
        options.pairs = min(options.pairs, 15)
        run(folder, options)


def run(folder: str, options: argparse.Namespace) -> None:
    split = read_omniglot(folder)
    learned = split.train if options.choose else split.background
    pictures, classes, groups = oriented(learned)
    drawings = labelled(pictures, classes)
    pairs, characters = same_pairs(drawings, options.pairs)
    alphabet_of = dict(zip(drawings.target, groups, strict=True))
    alphabets = [alphabet_of[character] for character in characters]
    batches = GroupedBatches(characters, alphabets, ALPHABETS_PER_BATCH, CHARACTERS_PER_ALPHABET, items_per_class=1)
    torch.manual_seed(0)
    network = TwinNetwork(BACKBONE, HEAD, DISTANCE, PREPROCESS)
    if torch.cuda.is_available():
        network.to("cuda")
    config = TrainingConfig(
        out=options.out, epochs=1, optimizer="muon", learning_rate=7e-3, weight_decay=0.05, schedule="cosine",
        warmup=0.05, max_grad_norm=5.0, checkpoint_every=300, workers=options.workers, precision=options.precision,
    )  # fmt: skip
    result = Trainer(network, LOSS, pairs, config, batches=batches).run(resume=True)
    print(json.dumps({"steps": len(result.losses), "seconds": round(result.seconds)}))
    if options.choose:
        print(json.dumps({"validation": dev_figures(network, split)}))
        return
    print(json.dumps({"ink alone": ink_figures(split)}))
    print(json.dumps({"network": omniglot_figures(network, split)}))


def draw_tiny_omniglot(folder: Path) -> None:
    """Characters of a few random strokes, each drawn shakily by 20 drawers, in the layout of Omniglot."""
    rng = np.random.default_rng(0)
    for first, archive in zip((0, 2), ARCHIVES, strict=True):
        with ZipFile(folder / archive, "w") as file:
            for alphabet, character in np.ndindex(2, 4):
                strokes = rng.integers(15, 90, (3, 4, 2))
                for drawer in range(1, 21):
                    picture = np.full((105, 105), 255, np.uint8)
                    shaky = (strokes + rng.normal(0, 4, strokes.shape)).astype(np.int32)
                    cv2.polylines(picture, list(shaky), isClosed=False, color=0, thickness=3)
                    name = f"{archive[:-4]}/Alphabet{first + alphabet}/character{character:02}/0001_{drawer:02}.png"
                    file.writestr(name, cv2.imencode(".png", picture)[1].tobytes())


if __name__ == "__main__":
    main()
