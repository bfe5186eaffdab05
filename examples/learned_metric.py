"""A metric learned on what a frozen network has embedded once, judged on people that it never saw.

    python examples/learned_metric.py [FOLDER [MODEL]]

FOLDER has one folder of pictures for each person; MODEL is the frozen network (efficientnet-lite0). Without them the
pixels of scikit-learn's handwritten digits are the embeddings. Half of the people are for training; of each of the
others ten pictures, drawn at random, make the pairs.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import twinnet
from twinnet import TwinNetwork
from twinnet.data.examples import labelled
from twinnet.data.pictures import class_folders
from twinnet.data.samplers import ClassBalancedBatches
from twinnet.evaluation.comparison import Scored, eer_difference
from twinnet.training import Trainer, TrainingConfig

LOSSES = {
    "triplet loss": {"name": "batch-triplet", "mining": "all", "margin": 0.3},
    "pml/NCALoss": {"name": "pml/NCALoss", "softmax_scale": 10},
    "pml/ContrastiveLoss": {"name": "pml/ContrastiveLoss", "pos_margin": 0.3, "neg_margin": 1.0},
}


def scored(network: TwinNetwork, rows: np.ndarray, people: np.ndarray) -> Scored:
    """All pairs, scored by the network's distance."""
    i, j = np.triu_indices(len(rows), 1)
    scores = network.similarity(rows, rows)[i, j]
    return Scored(scores, (people[i] == people[j]).astype(int), np.stack([people[i], people[j]], axis=1))


def behind(frozen: TwinNetwork, metric: TwinNetwork) -> TwinNetwork:
    """The frozen network with the learned distance, which takes pictures again."""
    tower = frozen.tower
    return TwinNetwork(tower.backbone, [*tower.head, "normalize"], metric.distance, tower.preprocess)


frozen = None
if len(sys.argv) > 1:
    files, names = class_folders(Path(sys.argv[1]))
    frozen = twinnet.load(sys.argv[2] if len(sys.argv) > 2 else "efficientnet-lite0")
    rows = frozen.encode(files, normalize=True)
else:
    digits = load_digits(n_class=10)
    rows, names = digits.data[:200].astype(np.float32), digits.target[:200]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

known, people = np.unique(names, return_inverse=True)
rng = np.random.default_rng(0)
learners, others = np.split(rng.permutation(len(known)), [len(known) // 2])
seen = np.isin(people, learners)
judged = np.concatenate([rng.permutation(np.flatnonzero(people == person))[:10] for person in others])
stored = {"name": "vectors", "width": rows.shape[1]}
euclidean = scored(TwinNetwork(stored, distance="euclidean"), rows[judged], people[judged])
everybody = np.ones(len(known))
print(f"{seen.sum()} pictures of {len(learners)} people to train, {len(judged)} of {len(others)} others to judge")
print(f"Euclidean: equal error rate {euclidean.eer(everybody):.4f}")

for name, loss in LOSSES.items():
    network = TwinNetwork(stored, distance="mahalanobis")
    examples = labelled(list(rows[seen]), people[seen].tolist())
    batches = ClassBalancedBatches(examples.target, classes_per_batch=min(16, len(learners)), items_per_class=4)
    Trainer(network, loss, examples, TrainingConfig(epochs=20, learning_rate=1e-3), batches=batches).run()
    learned = scored(network, rows[judged], people[judged])
    change = eer_difference(learned, euclidean)
    print(
        f"Mahalanobis, {name}: {learned.eer(everybody):.4f}, "
        f"{change['value']:+.4f} ({change['low']:+.4f} to {change['high']:+.4f})"
    )

if frozen is not None:
    with tempfile.TemporaryDirectory() as folder:
        whole = twinnet.load(behind(frozen, network).save(Path(folder) / "network"))
    print(f"one network, saved and loaded: {whole.score(files[0], files[1]):.4f} from pictures")
    print(f"and from stored embeddings:    {network.score(rows[0], rows[1]):.4f}")
