"""An optimiser that lets all directions of a weight matrix learn alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# The quintic of Jordan et al. 2024, which takes singular values from 0.01 to 1 near 1 in five steps.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5
MOMENTUM = 0.95
# The root mean square of AdamW's usual update (Liu et al. 2025, section 2.2): learning rates mean the same to both.
UPDATE = 0.2


class Muon(torch.optim.AdamW):
    """Orthogonalised momentum for matrices, AdamW for all else (Jordan et al. 2024).

    https://kellerjordan.github.io/posts/muon/, with the rates of Liu et al. 2025, https://arxiv.org/abs/2502.16982. The
    weights of a group that is marked "orthogonal" are matrices, a convolution's as (out, in * height * width). It
    computes in their precision; the versions of torch and timm round to bfloat16, which is slow where that is emulated.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; the gradients of matrices are used up."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for weight in group["params"] if group.get("orthogonal") else ():
                if weight.grad is not None:
                    self._update(weight, weight.grad, group["lr"], group["weight_decay"])
                    weight.grad = None  # AdamW passes over it
        super().step()
        return loss

    def _update(self, weight: Tensor, gradient: Tensor, rate: float, decay: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
            state["step"] = torch.tensor(0.0)  # AdamW looks for it in every state that it loads
        momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        direction = orthogonalised(gradient.lerp(momentum, MOMENTUM).flatten(1))
        weight.mul_(1 - rate * decay)
        weight.add_(direction.view(weight.shape), alpha=-rate * UPDATE * max(direction.shape) ** 0.5)


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix (N, M) with singular values near 1 (0.7 to 1.2) in place of its own.

    Each step takes X to (a + b G + c G^2) X, where G is X X^T. That of the next step follows from that of this one, so
    the long side is multiplied twice and not ten times.
    """
    if len(matrix) > matrix.shape[1]:
        return orthogonalised(matrix.T).T
    a, b, c = COEFFICIENTS
    matrix = matrix / matrix.norm().clamp_min(1e-7)
    gram = matrix @ matrix.T  # (N, N)
    identity = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    steps = identity
    for _ in range(STEPS):
        step = a * identity + b * gram + c * gram @ gram
        gram = step @ gram @ step
        steps = step @ steps
    return steps @ matrix
