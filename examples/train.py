"""SBERT's three objectives on a few rows: regression on a score, softmax over classes, and triplets.

python examples/train.py
"""

import twinnet
from twinnet.data.examples import Examples
from twinnet.supervision import Supervision
from twinnet.training import Trainer, TrainingConfig

ANIMALS = ["A cat sleeps.", "A dog barks.", "A horse runs.", "A bird sings."]
SAME = ["A kitten is sleeping.", "A dog is barking loudly.", "A pony gallops.", "The bird is singing."]
OTHER = ["Stocks fell.", "The train was late.", "He paid the bill.", "It rains."]

OBJECTIVES = {
    "cosine-regression": Examples((ANIMALS + ANIMALS, SAME + OTHER), [0.9] * 4 + [0.0] * 4, Supervision.SCORED_PAIRS),
    "softmax": Examples(
        (ANIMALS + ANIMALS, SAME + OTHER), [0] * 4 + [1] * 4, Supervision.CLASS_PAIRS, ("entailment", "neutral")
    ),
    "triplet": Examples((ANIMALS, SAME, OTHER), None, Supervision.TRIPLETS),
}

for loss, examples in OBJECTIVES.items():
    net = twinnet.load("all-MiniLM-L6-v2")
    config = TrainingConfig(epochs=5, batch_size=4, learning_rate=1e-4, loss_learning_rate=1e-2)
    result = Trainer(net, loss, examples, config).run()
    gap = net.score(ANIMALS, SAME).mean() - net.score(ANIMALS, OTHER).mean()
    print(f"{loss:<18} loss {result.losses[0]:.3f} -> {result.losses[-1]:.3f}, same minus other {gap:.3f}")
