"""A head layer: a step from features to an embedding."""

from twinnet.features import Features
from twinnet.heads import HeadLayer


class SignedPower(HeadLayer):
    """sign(x) |x|^power: with a power below 1, large values count for less."""

    def __init__(self, power: float = 0.5) -> None:
        super().__init__()
        self.power = power

    def forward(self, features: Features) -> Features:
        """Features of any kind -> the same shape."""
        values = features.values
        size = values.abs().clamp_min(1e-12)  # the root has no slope at 0
        return features.with_values(values.sign() * size.pow(self.power))
