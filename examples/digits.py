"""A contrastive twin of handwritten digits, trained on half of the drawings and tested on pairs of the others.

python examples/digits.py
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from twinnet import TwinNetwork
from twinnet.data.examples import labelled
from twinnet.data.pairing import draw_pairs
from twinnet.data.samplers import ClassBalancedBatches
from twinnet.training import Trainer, TrainingConfig

BACKBONE = {"name": "timm", "model": "resnet18", "in_chans": 1, "layers": [1, 1, 1, 1], "channels": [16, 32, 64, 64],
            "stem_width": 16}  # fmt: skip
PREPROCESS = {"name": "image", "size": [32, 32], "mean": [0.3], "std": [0.35]}

digits = load_digits()  # 1,797 drawings of 8 x 8, levels 0 to 16
pictures = list((digits.images * 255 / 16).round().astype(np.uint8))
rows = np.random.default_rng(0).permutation(len(pictures))
seen, unseen = rows[:900], rows[900:]

training = labelled([pictures[i] for i in seen], digits.target[seen])
network = TwinNetwork(BACKBONE, ["pooling/mean", "normalize"], "euclidean", PREPROCESS)
config = TrainingConfig(epochs=12, learning_rate=3e-3, schedule="cosine")
batches = ClassBalancedBatches(training.target, classes_per_batch=10, items_per_class=9)
loss = "pml/SupConLoss"  # supervised contrastive (Khosla et al. 2020): every pair within a batch
result = Trainer(network, loss, training, config, batches=batches).run()

test = draw_pairs(labelled([pictures[i] for i in unseen], digits.target[unseen]), count=4000, seed=1)
scores = network.score(*map(list, test.columns))
print(f"{len(result.losses)} steps in {result.seconds:.0f} s, loss {result.losses[0]:.3f} -> {result.losses[-1]:.3f}")
print(f"AUC on {len(test)} pairs of unseen drawings: {roc_auc_score(test.target, scores):.4f}")
