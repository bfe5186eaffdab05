"""Your own pictures, one folder for each class: train, save, and find what is most like a picture.

python examples/own_images.py [FOLDER]

Without FOLDER, the example draws circles, squares and triangles of its own.
"""

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

import twinnet
from twinnet import TwinNetwork
from twinnet.data.pictures import read_pictures
from twinnet.data.samplers import ClassBalancedBatches
from twinnet.training import Trainer, TrainingConfig

BACKBONE = {"name": "timm", "model": "resnet18", "layers": [1, 1, 1, 1], "channels": [16, 32, 64, 64], "stem_width": 16}
PREPROCESS = {"name": "image", "size": [48, 48], "augment": ["RandomHorizontalFlip", "RandomVerticalFlip"]}


def train(folder: Path) -> None:
    examples = read_pictures(folder)
    network = TwinNetwork(BACKBONE, ["gem", "bnneck"], "cosine", PREPROCESS)
    batches = ClassBalancedBatches(examples.target, classes_per_batch=8, items_per_class=4)
    config = TrainingConfig(epochs=15, learning_rate=3e-3)
    result = Trainer(network, "pml/ArcFaceLoss", examples, config, batches=batches).run()
    print(f"{len(examples)} pictures, loss {result.losses[0]:.2f} -> {result.losses[-1]:.2f}")

    with tempfile.TemporaryDirectory() as saved:
        network = twinnet.load(network.save(Path(saved) / "net"))
    paths = examples.columns[0]
    scores = network.similarity([paths[0]], paths)[0]
    for row in np.argsort(-scores)[:4]:
        print(f"{scores[row]:.3f}  {paths[row].parent.name}/{paths[row].name}")


def draw(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for corners, name in {3: "triangle", 4: "square", 40: "circle"}.items():
        (folder / name).mkdir()
        for i in range(16):
            picture = rng.integers(0, 80, (64, 64, 3), dtype=np.uint8)
            angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 6)
            outline = 32 + rng.uniform(14, 26) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
            cv2.fillPoly(picture, [outline.astype(np.int32)], color=rng.integers(120, 256, 3).tolist())
            cv2.imwrite(str(folder / name / f"{i}.jpg"), picture)


if len(sys.argv) > 1:
    train(Path(sys.argv[1]))
else:
    with tempfile.TemporaryDirectory() as drawn:
        draw(Path(drawn))
        train(Path(drawn))
