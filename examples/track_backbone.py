"""Another backbone under the same tracker: a stage of any timm model, without training for tracking.

python examples/track_backbone.py
"""

import cv2
import numpy as np

import twinnet
from twinnet.tracking.preprocess import TrackingPreprocess

network = twinnet.TwinNetwork(
    {"name": "timm", "model": "resnet10t", "out_index": 2},  # its map of stride 8; pretrained=True where there is a hub
    head=[],
    distance="cosine",
    preprocess=TrackingPreprocess(exemplar_size=127, search_size=255, mean=[127] * 3, std=[64] * 3),
)

rng = np.random.default_rng(0)
background = cv2.GaussianBlur(rng.integers(0, 256, size=(120, 160, 3), dtype=np.uint8), (0, 0), 3)
frames = np.stack([background] * 5)
for number, frame in enumerate(frames):
    frame[40:60, 30 + 4 * number : 50 + 4 * number] = (220, 60, 20)

for hit in twinnet.track(frames, (30, 40, 20, 20), model=network):
    print(f"frame {hit.frame}: {hit.box.round(1)} score {hit.score:.2f}")
