"""Semantic search: a corpus is embedded and stored once, and searched many times.

python examples/search.py
"""

import tempfile
from pathlib import Path

import twinnet
from twinnet.index import ExactIndex

net = twinnet.load("all-MiniLM-L6-v2")
corpus = [
    "A man is eating food.",
    "A man is riding a horse.",
    "A woman is playing the violin.",
    "Two men pushed carts through the woods.",
    "A cheetah is running behind its prey.",
]

with tempfile.TemporaryDirectory() as folder:
    index = ExactIndex(net.index_metric)
    index.add(net.encode(corpus))
    index.save(Path(folder) / "index")

    stored = ExactIndex.load(Path(folder) / "index")
    queries = ["Someone is having a meal.", "A fast animal hunts."]
    scores, rows = twinnet.search(net.encode(queries), stored, k=2)

for query, found, row_scores in zip(queries, rows, scores, strict=True):
    print(query)
    for row, score in zip(found, row_scores, strict=True):
        print(f"  {score:.3f}  {corpus[row]}")
