"""A half-twin from scratch: names in words on the left, pictures of handwritten numbers on the right.

python examples/half_twin.py [--pairs N] [--out FOLDER]

Two of scikit-learn's digits side by side are a number from 0 to 99. Half of the drawings never occur in training, and
neither do sixteen of the numbers: their names have to be put together from words that occur in others.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from tokenizers import Tokenizer, models, pre_tokenizers

import twinnet
from twinnet import Tower, TwinNetwork
from twinnet.data.examples import Examples
from twinnet.data.samplers import DistinctBatches
from twinnet.losses.infonce import InfoNCELoss
from twinnet.supervision import Supervision
from twinnet.text.preprocess import TextPreprocess
from twinnet.training import Trainer, TrainingConfig

SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
         "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NAMES = [*SMALL, *(ten if unit == "zero" else f"{ten}-{unit}" for ten in TENS for unit in SMALL[:10])]
UNSEEN = [number for number in range(20, 100) if (number // 10 + number % 10) % 5 == 0]
SEEN = [number for number in range(100) if number not in UNSEEN]

BERT = {"model_type": "bert", "vocab_size": 32, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 128, "max_position_embeddings": 8}  # fmt: skip
RESNET = {"name": "timm", "model": "resnet18", "in_chans": 1, "layers": [1, 1, 1, 1], "channels": [16, 32, 64, 64],
          "stem_width": 16}  # fmt: skip
IMAGE = {"name": "image", "size": [32, 64], "mean": [0.3], "std": [0.35]}


def make_network() -> TwinNetwork:
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(["[PAD]", "[UNK]", *SMALL, *TENS])}, "[UNK]"))
    words.pre_tokenizer = pre_tokenizers.CharDelimiterSplit("-")
    text = TextPreprocess(max_length=8, tokenizer=words.to_str())
    pictures = Tower(RESNET, [{"name": "flatten", "cells": 2}, {"name": "dense", "out_features": 64}], IMAGE)
    return TwinNetwork({"name": "transformers", "architecture": BERT}, "pooling/mean", "scaled-cosine", text, pictures)


def draw(numbers: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Pictures (8, 16) of numbers, put together from the drawings in some rows."""
    digits = load_digits()  # 1,797 drawings of 8 x 8, levels 0 to 16
    drawings = (digits.images * 255 / 16).round().astype(np.uint8)
    of = [rows[digits.target[rows] == digit] for digit in range(10)]
    return [np.hstack([drawings[rng.choice(of[digit])] for digit in divmod(number, 10)]) for number in numbers.tolist()]


def report(network: TwinNetwork, kind: str, numbers: np.ndarray, embeddings: np.ndarray, asked: list[int]) -> None:
    """Names for pictures among all names, pictures for names among all pictures."""
    members = np.isin(numbers, asked)
    best = twinnet.label(network, embeddings[members], NAMES).best
    named = np.mean([name == NAMES[number] for name, number in zip(best, numbers[members], strict=True)])
    _, found = twinnet.search(network.encode([NAMES[number] for number in asked]), embeddings, k=10)
    right = np.mean(numbers[found] == np.array(asked)[:, None])
    print(f"{kind}: {named:.1%} of pictures get their name, {right:.1%} of the ten pictures closest to a name fit")


parser = argparse.ArgumentParser()
parser.add_argument("--pairs", type=int, default=8000, help="names and pictures to learn from (default: 8000)")
parser.add_argument("--out", type=Path, help="a new folder for the network and the pictures of the test")
options = parser.parse_args()

rng = np.random.default_rng(0)
rows = rng.permutation(1797)
numbers = rng.choice(SEEN, options.pairs)
training = Examples(([NAMES[n] for n in numbers], draw(numbers, rows[:900], rng)), None, Supervision.PAIRS)

torch.manual_seed(0)
network = make_network()
loss = InfoNCELoss(scale=1, symmetric=True, distance=network.distance)  # the scale is learned
batches = DistinctBatches(training.columns[:1], batch_size=64)  # no name twice in a batch
config = TrainingConfig(epochs=3, learning_rate=2e-3, schedule="cosine")
result = Trainer(network, loss, training, config, batches=batches).run()
print(f"{len(result.losses)} steps in {result.seconds:.0f} s, loss {result.losses[0]:.2f} -> {result.losses[-1]:.2f}")

test = np.repeat(np.arange(100), 10)
pictures = draw(test, rows[900:], rng)
embeddings = network.encode(pictures, side="right")
for kind, members in (("numbers seen in training", SEEN), ("numbers never seen", UNSEEN)):
    report(network, kind, test, embeddings, members)

if options.out:
    network.save(options.out / "network")
    (options.out / "pictures").mkdir()
    for i, (number, picture) in enumerate(zip(test, pictures, strict=True)):
        Image.fromarray(picture).resize((64, 32)).save(options.out / "pictures" / f"{number:02}-{i % 10}.png")
