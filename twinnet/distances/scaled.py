"""The cosine with a learned temperature, as dual encoders of text and images are trained."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from twinnet.distances.similarity import Cosine


class ScaledCosine(Cosine):
    """scale * cosine + bias, with both learned: the logit that two items belong together.

    The scale is the inverse of the temperature of CLIP (Radford et al. 2021, section 2.3,
    https://arxiv.org/abs/2103.00020); SigLIP adds the bias (Zhai et al. 2023, eq. 1,
    https://arxiv.org/abs/2303.15343). An index ranks by the cosine, which ranks the same way.

    Args:
        scale: Where the scale begins.
        bias: Where the bias begins; None is no bias. With one, the logits of several candidates are independent of
            each other, without they are a choice among them.
    """

    def __init__(self, scale: float = 1 / 0.07, bias: float | None = None) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(scale)))
        self.bias = None if bias is None else nn.Parameter(torch.tensor(float(bias)))

    def pairwise(self, a: Tensor, b: Tensor) -> Tensor:
        """(B, D), (B, D) -> (B,)."""
        return self._logits(super().pairwise(a, b))

    def matrix(self, a: Tensor, b: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M)."""
        return self._logits(super().matrix(a, b))

    def dense(self, exemplar: Tensor, search: Tensor) -> Tensor:
        """(B, C, h, w), (B, C, H, W) -> (B, H-h+1, W-w+1)."""
        return self._logits(super().dense(exemplar, search))

    def to_distance(self, values: Tensor) -> Tensor:
        """The cosine distance, 1 - cos."""
        return super().to_distance((values - self._bias) / self.log_scale.exp())

    def probabilities(self, scores: Tensor) -> Tensor:
        """Of each candidate: the softmax over the candidates, or with a bias the logistic function of each score."""
        return scores.softmax(1) if self.bias is None else scores.sigmoid()

    def _logits(self, cosines: Tensor) -> Tensor:
        return cosines * self.log_scale.exp() + self._bias

    @property
    def _bias(self) -> Tensor | float:
        return 0.0 if self.bias is None else self.bias
