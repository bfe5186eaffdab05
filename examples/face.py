"""Are two pictures of the same person?

python examples/face.py a.jpg b.jpg    (pip install ".[faces]")
"""

from __future__ import annotations

import sys

import twinnet

if len(sys.argv) < 3:
    sys.exit(__doc__)
network = twinnet.load("face")
verdict = network.verify(sys.argv[1], sys.argv[2])
if verdict.match is None:
    print(f"no decision: {verdict.detail}")
else:
    print("the same person" if verdict.match else "different people", f"(probability {verdict.probability:.3f})")
