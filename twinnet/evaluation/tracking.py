"""The figures of single-object tracking: one-pass evaluation of OTB, average overlap of GOT-10k."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.boxes import Boxes, centres, iou
from twinnet.errors import TwinnetError

# Wu et al. 2013 (https://doi.org/10.1109/CVPR.2013.312): 21 thresholds of overlap, precision at 20 pixels.
OVERLAPS = np.linspace(0, 1, 21)
PIXELS = np.arange(51)
AT_PIXELS = 20
# Mueller et al. 2018 (https://arxiv.org/abs/1803.10794), section 4.2: errors in terms of the target's size.
SHARES = np.linspace(0, 0.5, 51)
# Rounding must not decide about errors that reach a threshold exactly.
EPS = 1e-9

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OnePass:
    """One run over one sequence, without a restart.

    Attributes:
        overlaps: Intersection over union in each frame where the target is visible, the first one included.
        success: The share of frames whose overlap is above each of `OVERLAPS`.
        precision: The share of frames whose middle is at most each of `PIXELS` away.
        normalised: The share of frames whose middle is at most each of `SHARES` of the target's size away.
    """

    overlaps: Curve
    success: Curve
    precision: Curve
    normalised: Curve

    def figures(self) -> dict[str, float]:
        """`auc`, `precision` (at 20 pixels), `normalised_precision`, `ao`, `sr50`, `sr75`.

        Overlap and success rates of GOT-10k (Huang et al. 2019, https://arxiv.org/abs/1810.11981) leave the first
        frame out, those of OTB do not.
        """
        return {
            "auc": float(self.success.mean()),
            "precision": float(self.precision[AT_PIXELS]),
            "normalised_precision": float(self.normalised.mean()),
            **_overlap_figures(self.overlaps[1:]),
        }


def one_pass(predicted: Any, annotated: Any) -> OnePass:
    """Compare the boxes of one run with the annotation.

    The first box counts as right, whatever it was, as in the toolkits of OTB and GOT-10k.

    Args:
        predicted: Boxes (T, 4).
        annotated: Boxes (T, 4), not a number where the target is not visible; such frames do not count.

    Raises:
        TwinnetError: If there are not as many, or fewer than two.
    """
    a, b = np.array(predicted, dtype=np.float64), np.asarray(annotated, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 4 or len(a) < 2:
        raise TwinnetError(f"boxes {a.shape} and annotation {b.shape} must be two or more boxes (T, 4) each")
    a[0] = b[0]
    visible = ~np.isnan(b).any(1)
    a, b = np.nan_to_num(a[visible], nan=-1e6), b[visible]
    overlaps = np.clip(iou(np.maximum(a, [-1e6, -1e6, 0, 0]), b), 0, 1)
    away = centres(a) - centres(b)
    return OnePass(
        overlaps,
        (overlaps[:, None] > OVERLAPS).mean(0),
        (np.linalg.norm(away, axis=1)[:, None] <= PIXELS).mean(0),
        (np.linalg.norm(away / b[:, 2:], axis=1)[:, None] <= SHARES + EPS).mean(0),
    )


def mean_figures(runs: Sequence[OnePass]) -> dict[str, float]:
    """Figures over several sequences.

    Success and precision are means over sequences as OTB has them, overlap and success rates are over all frames as
    the GOT-10k toolkit has them.
    """
    if not runs:
        raise TwinnetError("there is no run to take a mean of")
    each = [run.figures() for run in runs]
    later = np.concatenate([run.overlaps[1:] for run in runs])
    means = {name: float(np.mean([figures[name] for figures in each])) for name in each[0]}
    return means | _overlap_figures(later)


def _overlap_figures(overlaps: Curve) -> dict[str, float]:
    return {
        "ao": float(overlaps.mean()),
        "sr50": float((overlaps > 0.5).mean()),
        "sr75": float((overlaps > 0.75).mean()),
    }


def jittered(box: Boxes, share: float, rng: np.random.Generator) -> Boxes:
    """A box whose place and size are off by up to `share` of its width and height."""
    width, height = box[2:]
    moved: Boxes = box + rng.uniform(-share, share, 4) * [width, height, width, height]
    return moved
