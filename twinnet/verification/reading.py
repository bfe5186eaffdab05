"""Comparisons from a file of pairs, a file of labelled items, or a folder with a folder of pictures for each class."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from twinnet.data.examples import FIRST, SECOND
from twinnet.data.pictures import class_folders, paths_of
from twinnet.data.tables import Table, read_table
from twinnet.errors import TwinnetError
from twinnet.verification.trials import Trials, trials_of_identities, trials_of_pairs


def read_trials(
    path: str | PathLike[str], file_format: str | None = None, references: int | None = None, seed: int = 0
) -> Trials:
    """Read comparisons.

    Args:
        path: Listed pairs: a table with the columns label (1 same, 0 different), s1, s2 for text, or label, image1,
            image2 for pictures, whose paths are relative to the table; s3 or image3 and so on are further references of
            the identity of the second one. Or items that are all compared with all, see `read_identities`.
        file_format: As in `read_table`.
        references: How many references of one identity each item is compared with; what the columns of pairs say, and
            otherwise one, unless given.
        seed: Of the random choice of references, and of pairs where there are too many.

    Raises:
        TwinnetError: If the file is not as described, or a picture is missing.
    """
    table = None if Path(path).is_dir() else read_table(path, file_format)
    if table is None or _column_of_items(table) is not None:
        source = str(path) if table is None else table.path
        return trials_of_identities(*_identities(path, table), source, references or 1, seed)
    columns = _columns_of_pairs(table)
    if references not in (None, len(columns) - 1):
        raise TwinnetError(f"{table.path} has pairs with {len(columns) - 1} references, not {references}")
    return trials_of_pairs(columns, table.same(), table.path)


def read_identities(path: str | PathLike[str], file_format: str | None = None) -> tuple[Sequence[Any], list[str]]:
    """Read items, and who or what each shows.

    Args:
        path: A folder with one folder of pictures for each identity, or a table with the columns label, text or label,
            image (paths relative to the table).
        file_format: As in `read_table`.

    Raises:
        TwinnetError: If it is neither, or a picture is missing.
    """
    return _identities(path, None if Path(path).is_dir() else read_table(path, file_format))


def _identities(path: str | PathLike[str], table: Table | None) -> tuple[Sequence[Any], list[str]]:
    if table is None:
        return class_folders(Path(path))
    single = _column_of_items(table) or table.name_of("image", "text")
    items: Sequence[Any] = paths_of(table, single) if single == "image" else table.texts(single)
    return items, table.labels("label")


def _column_of_items(table: Table) -> str | None:
    return next((name for name in ("image", "text") if name in table.columns), None)


def _columns_of_pairs(table: Table) -> list[Sequence[Any]]:
    if "image1" not in table.columns:
        further = [name for name in (f"s{i}" for i in range(3, len(table.columns) + 1)) if name in table.columns]
        return [table.texts(*FIRST), table.texts(*SECOND), *(table.texts(name) for name in further)]
    names = ["image1", table.name_of("image2")]
    while f"image{len(names) + 1}" in table.columns:
        names.append(f"image{len(names) + 1}")
    return [paths_of(table, name) for name in names]
