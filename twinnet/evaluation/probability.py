"""From scores to probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import optimize

from twinnet.errors import TwinnetError

Floats = npt.NDArray[np.float64]


def fit_probability(scores: Floats, same: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the logistic function from score to probability (Platt 1999, with his smoothed targets).

    Both kinds of pairs weigh equally, so the probability holds for a prior of one half, whatever their shares are here.

    Raises:
        TwinnetError: If a larger score does not mean a larger probability.
    """
    centre, spread = float(scores.mean()), float(scores.std()) or 1.0
    x = (scores - centre) / spread
    genuine, impostor = int(same.sum()), int((~same).sum())
    target = np.where(same, (genuine + 1) / (genuine + 2), 1 / (impostor + 2))
    weight = np.where(same, 0.5 / genuine, 0.5 / impostor)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        logit = parameters[0] * x + parameters[1]
        error = weight * (_sigmoid(logit) - target)
        value = weight @ (np.logaddexp(0, logit) - target * logit)
        return float(value), np.array([error @ x, error.sum()])

    slope, intercept = optimize.minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    if slope <= 0:
        raise TwinnetError(
            "genuine pairs do not score more than impostor pairs, so no threshold helps: does label 1 mean the same, "
            "and is the network trained for such items?"
        )
    return float(slope / spread), float(intercept - slope * centre / spread)


def _sigmoid(logit: Floats) -> Floats:
    value: Floats = np.exp(-np.logaddexp(0, -logit))
    return value
