"""Virtual writers: one large change of hand to all signatures and forgeries of a writer makes those of another one.

A few writers are too few to learn from, and what tells a genuine signature from a forgery survives a change of both.
Everything is drawn on the device of the pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

MARGIN = 4
# The share of the ink that survives a shrinking.
GAIN = 1.4


@dataclass(frozen=True)
class Change:
    """How far a random change of hand goes: the largest values, and the elastic part.

    Attributes:
        turn: In radians.
        shear: Horizontal.
        aspect: Logarithm.
        scale: Logarithm, to both sides.
        zoom: Factor by which places lie further apart, so that nothing leaves the picture.
        bend: Standard deviation of the elastic part, of half the picture.
        knots: Rows and columns of the elastic part's grid.
    """

    turn: float
    shear: float
    aspect: float
    scale: float
    zoom: float
    bend: float
    knots: tuple[int, int]


SMALL = Change(turn=0.07, shear=0.05, aspect=0.04, scale=0.07, zoom=1.0, bend=0.014, knots=(4, 7))
LARGE = Change(turn=0.25, shear=0.4, aspect=0.3, scale=0.0, zoom=1.35, bend=0.045, knots=(3, 4))


def change_hand(ink: Tensor, generator: Generator, virtual: bool = False, flips: bool = False) -> Tensor:
    """Signatures of one writer once more, each a little different, fitted to the picture anew, with other pens.

    Args:
        ink: Fitted ink from 0 to 1 (N, 1, H, W).
        generator: Of the random changes, on the same device.
        virtual: Whether a large change, the same for all, makes them those of a virtual writer.
        flips: Whether that may mirror them.

    Returns:
        Ink from 0 to 1 (N, 1, H, W).
    """
    size = (ink.shape[2], ink.shape[3])
    places = _places(len(ink), size, SMALL, generator)  # (N, H, W, 2)
    if virtual:
        other = _places(1, size, LARGE, generator, flips).expand(len(ink), -1, -1, -1).permute(0, 3, 1, 2)
        places = F.grid_sample(other, places, align_corners=False, padding_mode="border").permute(0, 2, 3, 1)
    moved = (F.grid_sample(ink, places, align_corners=False) * GAIN).clamp_max(1)
    return _other_pens(refitted(moved), generator)


def refitted(ink: Tensor) -> Tensor:
    """Ink (N, 1, H, W) resized to touch a margin, in the middle, as the recipe "fitted" does."""
    count, _, height, width = ink.shape
    inked = ink[:, 0] > 0.5  # (N, H, W)
    (top, tall), (left, wide) = _span(inked.any(2)), _span(inked.any(1))
    factor = torch.minimum((height - 2 * MARGIN) / tall, (width - 2 * MARGIN) / wide)
    matrix = ink.new_zeros(count, 2, 3)
    matrix[:, 0, 0] = matrix[:, 1, 1] = 1 / factor
    matrix[:, 0, 2] = (2 * left + wide) / width - 1
    matrix[:, 1, 2] = (2 * top + tall) / height - 1
    return F.grid_sample(ink, F.affine_grid(matrix, list(ink.shape), align_corners=False), align_corners=False)


def _span(inked: Tensor) -> tuple[Tensor, Tensor]:
    """Where ink begins in a row of places (N, L), and how many places it takes: (N,) each."""
    places = torch.arange(inked.shape[1], device=inked.device)
    first = torch.where(inked, places, inked.shape[1]).amin(1)
    last = torch.where(inked, places, -1).amax(1)
    return first.float(), (last - first + 1).clamp_min(8).float()


def _places(count: int, size: tuple[int, int], change: Change, generator: Generator, flips: bool = False) -> Tensor:
    """Where each pixel comes from, from -1 to 1: (N, H, W, 2)."""
    device, ratio = generator.device, size[1] / size[0]

    def even() -> Tensor:
        return 2 * torch.rand(count, generator=generator, device=device) - 1

    turn, shear = even() * change.turn, even() * change.shear
    aspect, zoom = (even() * change.aspect).exp(), (even() * change.scale).exp() * change.zoom
    mirror = [even().sign() if flips else torch.ones(count, device=device) for _ in range(2)]
    cos, sin = turn.cos(), turn.sin()
    matrix = torch.zeros(count, 2, 3, device=device)
    matrix[:, 0, 0] = cos * zoom * aspect * mirror[0]
    matrix[:, 0, 1] = (shear - sin) * zoom / aspect * mirror[1] / ratio
    matrix[:, 1, 0] = sin * zoom * aspect * mirror[0] * ratio
    matrix[:, 1, 1] = cos * zoom / aspect * mirror[1]
    bend = torch.randn(count, 2, *change.knots, generator=generator, device=device) * change.bend
    bend[:, 1] *= ratio
    smooth = F.interpolate(bend, size, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    return F.affine_grid(matrix, [count, 1, *size], align_corners=False) + smooth


def _other_pens(ink: Tensor, generator: Generator) -> Tensor:
    """Thicker strokes, softer ones, and more or less ink."""
    kind, share, gain = torch.rand(3, len(ink), 1, 1, 1, generator=generator, device=ink.device)
    thick, soft = F.max_pool2d(ink, 3, 1, 1), F.avg_pool2d(ink, 3, 1, 1)
    other = torch.where(kind < 0.3, thick, torch.where(kind > 0.7, soft, ink))
    drawn: Tensor = ((ink + (other - ink) * share) * (1 + gain / 2)).clamp_max(1)
    return drawn
