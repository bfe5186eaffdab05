"""Who is enrolled, who searches, and who is a stranger: a gallery and its probes, drawn from labelled items."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet.data.classes import Rows, rows_by_class
from twinnet.errors import TwinnetError


def draw_gallery(owners: Any, enrol: int, strangers: float, seed: int = 0) -> tuple[Rows, Rows]:
    """Draw a gallery and the probes that search it.

    People with too few items to be both enrolled and searched for are strangers. Further ones are drawn at random until
    the strangers are the share that is asked for. All items of strangers are probes, and those of the others that are
    not enrolled.

    Args:
        owners: Who each item shows (M,).
        enrol: How many random items of a person are enrolled.
        strangers: The share of people who are not.
        seed: Of the random draws.

    Returns:
        The rows that are enrolled, and those of the probes.

    Raises:
        TwinnetError: If nobody is left to be enrolled.
    """
    if not 0 <= strangers < 1:
        raise TwinnetError(f"the share of strangers lies from 0 to below 1, not at {strangers:g}")
    rng = np.random.default_rng(seed)
    members = [rng.permutation(rows) for rows in rows_by_class(owners)]
    able = rng.permutation([person for person, rows in enumerate(members) if len(rows) > enrol])
    enrolled = able[: len(members) - round(strangers * len(members))]
    if not len(enrolled):
        raise TwinnetError(
            f"nobody can be enrolled: of {len(members)} people, {len(able)} have more than {enrol} items, and "
            f"{strangers:.0%} are to be strangers"
        )
    gallery = np.sort(np.concatenate([members[person][:enrol] for person in enrolled]))
    return gallery, np.setdiff1d(np.arange(len(owners)), gallery)
