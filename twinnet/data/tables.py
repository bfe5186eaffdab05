"""Columns of text and numbers from .txt, .tsv, .csv, .jsonl and .parquet files, or from standard input."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from twinnet.data.classes import is_missing
from twinnet.data.formats import PARSERS, Columns
from twinnet.errors import TwinnetError, unknown_name

STDIN = "-"


@dataclass(frozen=True)
class Table:
    """The columns of a file, which remembers where each row stood.

    Attributes:
        path: The file, for messages.
        source: What the file holds.
    """

    path: str
    source: Columns

    @property
    def columns(self) -> Mapping[str, list[Any]]:
        """The values of each column, all equally many."""
        return self.source.values

    def __len__(self) -> int:
        return len(self.source.numbers)

    def place(self, row: int) -> str:
        """Where row `row` stands, as in "a.tsv, line 7"."""
        return f"{self.path}, {self.source.unit} {self.source.numbers[row]}"

    def name_of(self, *names: str) -> str:
        """The first of `names` that is a column.

        Raises:
            TwinnetError: If none is.
        """
        for name in names:
            if name in self.columns:
                return name
        wanted = " or ".join(map(repr, names))
        raise TwinnetError(f"{self.path} has no column {wanted}: its columns are {_listed(self.columns)}")

    def texts(self, *names: str) -> list[str]:
        """The strings of the first column that exists among `names`.

        Raises:
            TwinnetError: If there is no such column, or a value is no string.
        """
        name = self.name_of(*names)
        values = self.columns[name]
        for row, value in enumerate(values):
            if not isinstance(value, str):
                found = "empty (null)" if value is None else f"{type(value).__name__} {value!r:.60}"
                raise TwinnetError(f"{self.place(row)}: column {name!r} is {found}: expected text")
        return values

    def labels(self, *names: str) -> list[str]:
        """The values of the first column that exists among `names`, as names of classes.

        Raises:
            TwinnetError: If there is no such column, or a value is missing.
        """
        name = self.name_of(*names)
        for row, value in enumerate(self.columns[name]):
            if is_missing(value):
                raise TwinnetError(f"{self.place(row)}: column {name!r} is empty: expected a label")
        return [str(value) for value in self.columns[name]]

    def numbers(self, *names: str, lowest: float = -math.inf, highest: float = math.inf) -> list[float]:
        """The numbers of the first column that exists among `names`.

        Raises:
            TwinnetError: If there is no such column, or a value is no finite number from `lowest` to `highest`.
        """
        name = self.name_of(*names)
        numbers = []
        for row, value in enumerate(self.columns[name]):
            number = _number(value)
            if number is None:
                raise TwinnetError(f"{self.place(row)}: column {name!r} is {value!r:.60}: expected a number")
            if not lowest <= number <= highest:
                raise TwinnetError(
                    f"{self.place(row)}: column {name!r} is {number:g}: expected {lowest:g} to {highest:g}"
                )
            numbers.append(number)
        return numbers

    def same(self) -> list[int]:
        """The column "label" of pairs: 1 for the same, 0 for different.

        Raises:
            TwinnetError: If there is no such column, or a value is something else.
        """
        labels = self.numbers("label", lowest=0, highest=1)
        for row, label in enumerate(labels):
            if label not in (0, 1):
                raise TwinnetError(f"{self.place(row)}: column 'label' is {label:g}: expected 0 or 1")
        return [int(label) for label in labels]


def read_table(path: str | PathLike[str], file_format: str | None = None) -> Table:
    """Read all columns of a file.

    A .txt file has the one column "text"; .tsv and .csv files have a header.

    Args:
        path: The file; "-" is standard input.
        file_format: "txt", "tsv", "csv", "jsonl" or "parquet"; by default what the name ends in, and "txt" for a name
            without an ending and for standard input.

    Raises:
        TwinnetError: If the file cannot be read, is empty, or is not what its format says. The message names the line.
    """
    name = "standard input" if str(path) == STDIN else str(path)
    parser = PARSERS[_format_of(path, file_format)]
    data = _read(path, name)
    if not data.strip():
        raise TwinnetError(f"{name} is empty")
    columns = parser(data, name)
    if not columns.numbers:
        raise TwinnetError(f"{name} has a header and no rows")
    return Table(name, columns)


def read_column(path: str | PathLike[str], column: str | None = None, file_format: str | None = None) -> list[str]:
    """Read one column of text.

    Args:
        path: The file; "-" is standard input.
        column: Its name; by default "text" or "image", or the only column there is.
        file_format: As in `read_table`.

    Raises:
        TwinnetError: As in `read_table`, and if the column is not there or holds something else than text.
    """
    table = read_table(path, file_format)
    if column is not None:
        return table.texts(column)
    if len(table.columns) == 1:
        return table.texts(next(iter(table.columns)))
    if not {"text", "image"} & table.columns.keys():
        raise TwinnetError(f"{table.path} has the columns {_listed(table.columns)}: choose one with --column")
    return table.texts("text", "image")


def _format_of(path: str | PathLike[str], file_format: str | None) -> str:
    name = file_format or Path(path).suffix.removeprefix(".").lower() or "txt"
    if name not in PARSERS:
        hint = "" if file_format else f" ({path})"
        raise unknown_name(f"file format{hint}", name, PARSERS)
    return name


def _read(path: str | PathLike[str], name: str) -> bytes:
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise TwinnetError(f"{name}: no such file") from error
    except IsADirectoryError as error:
        raise TwinnetError(f"{name} is a folder: expected a file") from error
    except (OSError, ValueError) as error:
        raise TwinnetError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _number(value: object) -> float | None:
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{name!r:.40}" for name in names)
