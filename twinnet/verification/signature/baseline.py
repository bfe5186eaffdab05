"""What a comparison of trivial measures reaches: what a network does not beat, it did not learn."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from twinnet.verification.signature.ink import Ink

Floats = npt.NDArray[np.float64]


def trivial_measures(ink: Ink) -> Floats:
    """Ink amount (share of the box), stroke width, and the width, height and aspect of the box; logarithms, (5,)."""
    box = ink.box()
    inked = box > 127
    height, width = box.shape
    stroke = 2 * cv2.distanceTransform(np.pad(inked, 1).astype(np.uint8), cv2.DIST_L2, 3)[np.pad(inked, 1)].mean()
    measures: Floats = np.log([inked.mean(), stroke, width, height, width / height])
    return measures


class TrivialBaseline:
    """Scores pairs by the Euclidean distance of their measures, each scaled by its spread over other signatures.

    Args:
        inks: Signatures of writers that are not compared.
    """

    def __init__(self, inks: Sequence[Ink]) -> None:
        measures = np.stack([trivial_measures(ink) for ink in inks])
        self.mean, self.spread = measures.mean(0), measures.std(0) + 1e-9

    def embed(self, inks: Sequence[Ink]) -> npt.NDArray[np.float32]:
        """Scaled measures (N, 5)."""
        measures = np.stack([trivial_measures(ink) for ink in inks])
        scaled: npt.NDArray[np.float32] = ((measures - self.mean) / self.spread).astype(np.float32)
        return scaled
