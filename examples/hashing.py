"""Codes of embeddings: how much of an exact search they find, in what memory and time.

    python examples/hashing.py [EMBEDDINGS.npy] [--bits 128 256 512] [--million]

EMBEDDINGS.npy is what `twinnet encode` writes; without it, sentences of this machine's documentation are embedded. A
thousand rows (or a tenth) are the queries, up to 100,000 the corpus, and on the rest the codes are fitted. --million
searches a million rows: those of the corpus, and copies of them with noise (cosine 0.9).
"""

import argparse
import time
from typing import Any

import numpy as np

import twinnet
from twinnet import TwinNetwork
from twinnet.data.docstrings import docstring_sentences
from twinnet.data.examples import Examples
from twinnet.heads import Dense, HeadLayer
from twinnet.heads.hashing import Hyperplanes
from twinnet.heads.rotation import fitted_rotation
from twinnet.index import BucketIndex, ExactIndex, HammingIndex, HashedIndex, Index
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig

K = 10
TIMED = 100  # queries that are asked one at a time


def split(rows: np.ndarray, seed: int = 0) -> tuple[np.ndarray, ...]:
    rows = np.random.default_rng(seed).permutation(rows)
    queries, corpus = min(1000, len(rows) // 10), min(100_000, len(rows) * 17 // 20)
    return rows[:queries], rows[queries : queries + corpus], rows[queries + corpus :]


def trained(rotation: Dense, rows: np.ndarray) -> Dense:
    """The rotation, trained so that rows find their neighbours by their codes."""
    _, neighbours = twinnet.search(rows, rows, K + 1)
    anchors = np.repeat(np.arange(len(rows)), K)
    pairs = Examples((rows[anchors], rows[neighbours[:, 1:].ravel()]), None, Supervision.PAIRS)
    network = TwinNetwork({"name": "vectors", "width": rows.shape[1]}, [rotation, "sign"])
    Trainer(network, "infonce", pairs, TrainingConfig(batch_size=256, learning_rate=1e-3)).run()
    return rotation


def recall(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([len(set(ours) & set(theirs)) / K for ours, theirs in zip(found, truth, strict=True)]))


def report(name: str, index: Index, queries: np.ndarray, truth: np.ndarray, size: float) -> None:
    recalled = recall(index.search(queries, K)[1], truth)
    seconds = []
    for query in queries[:TIMED]:
        start = time.perf_counter()
        index.search(query[None], K)
        seconds.append(time.perf_counter() - start)
    print(f"| {name} | {recalled:.3f} | {size / 1e6:.1f} | {np.median(seconds) * 1000:.2f} |", flush=True)


def coded(layer: HeadLayer | None, rows: np.ndarray, kept: str, codes: Any = "hamming") -> HashedIndex:
    index = HashedIndex("cosine", layer, codes, kept)
    index.add(rows)
    return index


def codes_of(layer: HeadLayer, rows: np.ndarray) -> np.ndarray:
    """What a network with this layer at the end of its head, and the distance `hamming`, would search."""
    return TwinNetwork({"name": "vectors", "width": rows.shape[1]}, [layer], "hamming").encode(rows, quantize="binary")


def compare(queries: np.ndarray, corpus: np.ndarray, sample: np.ndarray, lengths: list[int]) -> None:
    exact = ExactIndex("cosine")
    exact.add(corpus)
    _, truth = exact.search(queries, K)
    print(f"{len(corpus)} rows of width {corpus.shape[1]}, {len(queries)} queries\n")
    print("| search | recall@10 | MB in memory | ms a query |\n|---|---|---|---|")
    report("exact, float32", exact, queries, truth, corpus.nbytes)
    width = corpus.shape[1]
    ways = [("own signs", width, None)]
    for bits in lengths:
        ways.append(("hyperplanes", bits, Hyperplanes(width, bits)))
        if bits <= width:
            ways.append(("fitted rotation", bits, fitted_rotation(sample, bits)))
            ways.append(("rotation, trained", bits, trained(fitted_rotation(sample, bits), sample)))
    for name, bits, layer in ways:
        codes = HammingIndex()
        codes.add(corpus if layer is None else codes_of(layer, corpus))
        asked = queries if layer is None else codes_of(layer, queries)
        report(f"{name}, {bits} bits", codes, asked, truth, codes.codes.nbytes)
        for kept in ("float16", "int8"):
            index = coded(layer, corpus, kept)
            size = codes.codes.nbytes + index.rows.values.nbytes
            report(f"{name}, {bits} bits, rescored by {kept}", index, queries, truth, size)


def million(queries: np.ndarray, corpus: np.ndarray, layer: HeadLayer) -> None:
    rng = np.random.default_rng(0)
    unit = corpus / np.linalg.norm(corpus, axis=1, keepdims=True)
    noise = 0.484 / np.sqrt(corpus.shape[1])  # cosine 0.9 to the row
    rows = np.concatenate([unit, *(unit + rng.normal(0, noise, unit.shape).astype("float32") for _ in range(9))])
    queries = queries[: 2 * TIMED]
    _, truth = twinnet.search(queries, rows, K)
    print(f"\n{len(rows)} rows\n\n| search | recall@10 | MB in memory | ms a query |\n|---|---|---|---|")
    bits = codes_of(layer, rows)
    for name, codes in (("every code", HammingIndex()), ("codes of 32 buckets", BucketIndex(probes=32))):
        codes.add(bits)
        codes.search(codes_of(layer, queries[:1]), K)
        report(name, codes, codes_of(layer, queries), truth, bits.nbytes * (1 + isinstance(codes, BucketIndex)))
    for probes in (16, 32, 64):
        index = coded(layer, rows, "int8", {"name": "hamming-buckets", "probes": probes})
        index.search(queries[:1], K)
        report(f"{probes} buckets, rescored by int8", index, queries, truth, 2 * bits.nbytes + index.rows.values.nbytes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("embeddings", nargs="?")
    parser.add_argument("--bits", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--million", action="store_true")
    options = parser.parse_args()
    if options.embeddings:
        embeddings = np.load(options.embeddings)
    else:
        embeddings = twinnet.load("all-MiniLM-L6-v2").encode(docstring_sentences(3000))
    queries, corpus, sample = split(embeddings)
    if options.million:
        million(queries, corpus, fitted_rotation(sample, options.bits[0]))
    else:
        compare(queries, corpus, sample, options.bits)
