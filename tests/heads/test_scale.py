import torch

from twinnet.features import Features
from twinnet.heads.scale import Scale


def test_is_nothing_before_training_and_a_product_after():
    layer, values = Scale(5), torch.randn(3, 5)
    assert torch.equal(layer(Features(values)).values, values)
    with torch.no_grad():
        layer.log_weight.copy_(torch.tensor([0.0, 1.0, -1.0, 2.0, 0.5]))
    expected = torch.tensor(
        [[v * torch.e**w for v, w in zip(row, (0.0, 1.0, -1.0, 2.0, 0.5), strict=True)] for row in values]
    )
    assert torch.allclose(layer(Features(values)).values, expected)
