import numpy as np
import torch
from twinnet import Trainer, TrainingConfig, TwinNetwork
from twinnet.data.examples import Examples
from twinnet.registry import losses
from twinnet.supervision import Supervision

TwoMargins = losses.get("part-name")


def test_it_is_the_mean_of_what_is_beyond_the_margins():
    a, b = torch.randn(6, 4), torch.randn(6, 4)
    same = torch.tensor([1, 0, 1, 0, 1, 0])
    expected = 0.0
    for left, right, label in zip(a, b, same, strict=True):
        apart = float((left - right).norm())
        expected += max(0.0, apart - 1.0 if label else 3.0 - apart) / 6
    loss = TwoMargins(near=1.0, far=3.0)([a, b], same)
    torch.testing.assert_close(float(loss), expected, rtol=1e-5, atol=1e-6)


def test_the_trainer_takes_it_by_name():
    picture = {"name": "image", "size": [32, 32]}
    network = TwinNetwork("timm/resnet10t", distance="euclidean", preprocess=picture)
    pictures = list(np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8))
    pairs = (pictures[:4], pictures[4:])
    examples = Examples(pairs, [1, 0, 1, 0], Supervision.LABELLED_PAIRS)
    config = TrainingConfig(epochs=2, batch_size=4, learning_rate=1e-3)
    result = Trainer(network, "part-name", examples, config).run()
    assert len(result.losses) == 2
    assert np.isfinite(result.losses).all()
