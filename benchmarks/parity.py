"""The largest difference between the embeddings of twinnet and of sentence-transformers, over text of every kind.

python benchmarks/parity.py [--texts 2000]

Ends with 1 if it is above 1e-5.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from sentence_transformers import SentenceTransformer

import twinnet
from twinnet.models.loading import find_model

TOLERANCE = 1e-5
ODD = [
    "", " ", "\n", "\t\t", "🙂", "👩‍👩‍👧‍👦" * 3, "word " * 10_000, "a" * 5_000, "مرحبا بالعالم", "שלום עולם",
    "\x00\x01\x02",
    "a\x00b", "\x7f\x80\x9f", "\u200b\u200e\u202e", "\ufeffBOM", "[SEP] [CLS] [PAD] [MASK]", "e\u0301 vs \u00e9",
    "ＦＵＬＬ ｗｉｄｔｈ", "漢字とかな", "한국어 문장", "ÀÉÎÕÜ ß ẞ", "1,234.56 + 7e-9 = ?", "\ud7ff\ue000",
    "https://example.org/?q=a&b=c#d", "don't can't won't", "UPPER lower MiXeD", "line one\nline two\r\nline three",
]  # fmt: skip
WORDS = "the of twin network compares sentences quickly 42 ? ! , naïve 3.14 🙂 مرحبا 漢字 \x01".split(" ")


def texts_of_every_kind(count: int) -> list[str]:
    """Texts of every kind: empty, emoji, long, right-to-left, control characters, and any mixture of them."""
    rng = np.random.default_rng(0)
    lengths = rng.gamma(2, 8, size=max(0, count - len(ODD))).astype(int) + 1
    return (ODD + [" ".join(rng.choice(WORDS, size=length)) for length in lengths])[:count]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2_000)
    parser.add_argument("--model", default="all-MiniLM-L6-v2")
    options = parser.parse_args()
    texts, folder = texts_of_every_kind(options.texts), find_model(options.model)
    expected = SentenceTransformer(str(folder), device="cpu").encode(texts)
    differences = np.abs(twinnet.load(folder).encode(texts) - expected).max(axis=1)
    worst = int(differences.argmax())
    print(f"{len(texts)} texts: largest difference {differences[worst]:.2e}, at {texts[worst][:60]!r}")
    return int(differences[worst] > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
