"""How similar are sentences? Embed once, compare often.

python examples/similarity.py
"""

import twinnet

net = twinnet.load("all-MiniLM-L6-v2")

sentences = [
    "The new movie is awesome.",
    "The new film is so great!",
    "The cat sits outside.",
    "A dog plays in the garden.",
]
embeddings = net.encode(sentences)

for sentence, row in zip(sentences, net.similarity(embeddings, embeddings), strict=True):
    print(" ".join(f"{score:5.2f}" for score in row), sentence)

print("\nOne pair:", round(net.score("A kitten is outdoors.", embeddings[2]), 3))
