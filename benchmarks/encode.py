"""Sentences a second: twinnet against sentence-transformers, on the same weights and the same sentences.

python benchmarks/encode.py sentences.txt [--sentences 10000] [--rounds 3]

The contestants take turns, and the best round of each counts: what else the machine does hits all of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sentence_transformers import SentenceTransformer

import twinnet
from twinnet.data.tables import read_column
from twinnet.models.loading import find_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help=".txt, one sentence a line")
    parser.add_argument("--sentences", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    options = parser.parse_args()
    sentences = read_column(options.file)[: options.sentences]
    folder = find_model(options.model)
    theirs, ours = SentenceTransformer(str(folder), device="cpu"), twinnet.load(folder)
    contestants: dict[str, Callable[[], np.ndarray]] = {
        "sentence-transformers": lambda: theirs.encode(sentences, batch_size=32),
        "twinnet": lambda: ours.encode(sentences),
        "twinnet, precision='bf16'": lambda: ours.encode(sentences, precision="bf16"),
    }
    seconds = dict.fromkeys(contestants, np.inf)
    embedded = {}
    for _ in range(options.rounds):
        for name, encode in contestants.items():
            start = time.perf_counter()
            embedded[name] = encode()
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    reference = embedded["sentence-transformers"]
    for name, rows in embedded.items():
        cosines = (rows * reference).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(reference, axis=1)
        print(f"{name:<28} {len(sentences) / seconds[name]:6.0f} sentences/s   least cosine {cosines.min():.6f}")


if __name__ == "__main__":
    main()
