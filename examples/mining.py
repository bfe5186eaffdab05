"""The most similar pairs, groups and near duplicates among the sentences on this machine.

python examples/mining.py [how many sentences]
"""

import sys

import twinnet
from twinnet.data.docstrings import docstring_sentences
from twinnet.text.folding import trivially_equal

sentences = docstring_sentences(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
embeddings = twinnet.load("all-MiniLM-L6-v2").encode(sentences)

print("Most similar:")
for pair in twinnet.most_similar_pairs(embeddings, top_k=5, skip=trivially_equal(sentences)):
    print(f"  {pair.score:.3f}  {sentences[pair.i]}\n         {sentences[pair.j]}")

groups = twinnet.communities(embeddings, threshold=0.7, min_size=3)
print(f"\n{len(groups)} groups of three or more")
for group in groups[:3]:
    print(f"  {len(group)}: {sentences[group[0]]}")

kept = twinnet.deduplicate(embeddings, threshold=0.9).kept
print(f"\n{len(kept)} of {len(sentences)} are left when near duplicates are dropped")
