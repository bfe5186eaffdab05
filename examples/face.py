"""Are two pictures of the same person? Run it as: python examples/face.py a.jpg b.jpg."""

from __future__ import annotations

import sys

import twinnet

network = twinnet.load("face")
verdict = network.verify(sys.argv[1], sys.argv[2])
if verdict.match is None:
    print(f"no decision: {verdict.detail}")
else:
    print("the same person" if verdict.match else "different people", f"(probability {verdict.probability:.3f})")
