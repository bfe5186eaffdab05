"""What to follow: a box in a frame, a picture of it, or a box in another picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from PIL import Image

from twinnet.boxes import Boxes
from twinnet.errors import ItemError, TwinnetError
from twinnet.image.decoding import Pixels, decode

WANTED = (
    "a box x, y, w, h in the first frame, a pair (n, box) for a box in frame n, a picture of the target, a pair "
    "(picture, box), or a list of these"
)


@dataclass(frozen=True)
class Exemplar:
    """What to follow.

    Attributes:
        name: What results call the target.
        frame: The frame from which it is followed; a picture is looked for from the first frame on.
        box: Where it is, in that frame or in the picture; the whole picture unless given.
        picture: A picture of it; without one it is shown by the video itself.
    """

    name: str
    frame: int = 0
    box: Boxes | None = None
    picture: Pixels | None = None


def as_exemplars(given: Any) -> list[Exemplar]:
    """Read one exemplar, a list of them, or a mapping from names to them.

    Raises:
        TwinnetError: If something is none.
    """
    if isinstance(given, Mapping) and given:
        names = Counter(map(str, given))
        if max(names.values()) > 1:
            raise TwinnetError(f"several targets are called {max(names, key=names.__getitem__)!r}: name them apart")
        return [_exemplar(one, str(name)) for name, one in given.items()]
    if _is_one(given):
        return [_exemplar(given, "0")]
    if not isinstance(given, Sequence | np.ndarray) or len(given) == 0:
        raise TwinnetError(f"{_shown(given)} is no exemplar: pass {WANTED}")
    return [_exemplar(one, str(number)) for number, one in enumerate(given)]


def _is_one(given: Any) -> bool:
    if _is_box(given) or _is_picture(given):
        return True
    return _is_pair(given) and (_is_picture(given[0]) or isinstance(given[0], Integral))


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and _is_box(given[1])


def _is_box(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return bool(given.shape == (4,))
    return isinstance(given, Sequence) and len(given) == 4 and all(isinstance(value, Real) for value in given)


def _is_picture(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        boxes = given.ndim == 2 and given.shape[1] == 4
        return given.ndim == 3 or (given.ndim == 2 and given.dtype in (np.uint8, np.uint16) and not boxes)
    return isinstance(given, str | bytes | PathLike | Image.Image)


def _exemplar(given: Any, name: str) -> Exemplar:
    if _is_box(given):
        return Exemplar(name, box=_box(given))
    if _is_picture(given):
        return Exemplar(name, picture=_picture(given))
    if _is_pair(given):
        first, box = given[0], _box(given[1])
        if _is_picture(first):
            return Exemplar(name, box=box, picture=_picture(first))
        if isinstance(first, Integral) and int(first) >= 0:
            return Exemplar(name, frame=int(first), box=box)
    raise TwinnetError(f"{_shown(given)} is no exemplar: pass {WANTED}")


def _box(given: Any) -> Boxes:
    try:
        return np.asarray(given, dtype=np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        raise TwinnetError(f"the box {_shown(given)} is not four finite numbers x, y, w, h") from error


def _picture(given: Any) -> Pixels:
    try:
        return decode(given)
    except ItemError as error:
        raise TwinnetError(f"the exemplar: {error.problem}") from error


def _shown(given: Any) -> str:
    shown = repr(given)
    return shown if len(shown) <= 60 else shown[:59] + "…"
