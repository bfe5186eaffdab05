"""Train a tracking network on clips of your own: a folder for each clip, with its pictures and boxes.csv.

python examples/train_tracker.py [CLIPS [OUT]]

Without arguments it makes two clips of things that move over noise, and trains a small network on them for a moment.
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from twinnet.tracking.training.folder import clips, patches
from twinnet.tracking.training.pairs import TrackingPairs
from twinnet.tracking.training.recipe import new_network
from twinnet.tracking.training.settings import PairSettings
from twinnet.training import Trainer, TrainingConfig

SMALL = {"name": "timm-pyramid", "model": "test_efficientnet", "nodes": ["blocks.2", "blocks.3"], "width": 32}


def make_clips(root: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        (root / name).mkdir()
        thing = cv2.resize(rng.integers(0, 255, (4, 5, 3), dtype=np.uint8), (40, 32))
        lines = ["file,x,y,w,h"]
        for i in range(10):
            frame = rng.integers(90, 130, (120, 160, 3), dtype=np.uint8)
            x, y = 10 + 8 * i, 20 + 4 * i
            frame[y : y + 32, x : x + 40] = thing
            cv2.imwrite(str(root / name / f"{i}.png"), frame)
            lines.append(f"{i}.png,{x},{y},40,32")
        (root / name / "boxes.csv").write_text("\n".join(lines) + "\n")
    return root


with tempfile.TemporaryDirectory() as temporary:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else make_clips(Path(temporary))
    out = sys.argv[2] if len(sys.argv) > 2 else None
    # Three of four pairs from the clips, the others from random patches of their pictures.
    pairs = TrackingPairs([(3.0, clips(data)), (1.0, patches(data))], PairSettings.reaching(129, 161))
    network = new_network(SMALL)
    config = TrainingConfig(out=out, batch_size=8, learning_rate=3e-3, schedule="cosine")
    result = Trainer(network, "tracking", pairs.examples(80), config).run()
print(f"{len(result.losses)} steps, loss {result.losses[0]:.2f} -> {result.losses[-1]:.2f}")
