"""Parsers from bytes to columns. Only a line feed, perhaps after a carriage return, ends a line: any text survives."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from twinnet.errors import TwinnetError


@dataclass(frozen=True)
class Columns:
    """What a file holds.

    Attributes:
        values: The values of each column.
        numbers: The 1-based number of each row in its file.
        unit: What `numbers` counts, "line" or "row".
    """

    values: Mapping[str, list[Any]]
    numbers: Sequence[int]
    unit: str = "line"


def parse_txt(data: bytes, path: str) -> Columns:
    """One item a line, in the column "text"."""
    lines = _lines(data, path)
    return Columns({"text": lines}, range(1, len(lines) + 1))


def parse_tsv(data: bytes, path: str) -> Columns:
    """Tab-separated with a header and no quoting: a quote is a character like any other."""
    lines = _lines(data, path)
    rows = [(number, line.split("\t")) for number, line in enumerate(lines, start=1)]
    return _table([row for row in rows if row[1] != [""] or "\t" not in lines[0]], path)


def parse_csv(data: bytes, path: str) -> Columns:
    """Comma-separated with a header, quoted as in RFC 4180."""
    reader = csv.reader(io.StringIO(_decode(data, path), newline=""), strict=True)
    csv.field_size_limit(max(csv.field_size_limit(), len(data)))
    rows, start = [], 1
    try:
        for row in reader:
            if row:
                rows.append((start, row))
            start = reader.line_num + 1
    except csv.Error as error:
        raise TwinnetError(f"{path}, line {start}: {error}: check the quotes") from error
    return _table(rows, path)


def parse_jsonl(data: bytes, path: str) -> Columns:
    """One JSON object a line. A key that a row lacks counts as null."""
    numbers, rows = [], []
    for number, line in enumerate(_lines(data, path), start=1):
        if line.strip():
            numbers.append(number)
            rows.append(_json_object(line, f"{path}, line {number}"))
    names = dict.fromkeys(name for row in rows for name in row)
    return Columns({name: [row.get(name) for row in rows] for name in names}, numbers)


def parse_parquet(data: bytes, path: str) -> Columns:
    """An Apache Parquet file."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(pyarrow.BufferReader(data))
        names = list(table.column_names)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise TwinnetError(f"{path} is no Parquet file that can be read: {error}") from error
    return Columns(_ParquetColumns(table, names, path), range(1, table.num_rows + 1), "row")


class _ParquetColumns(Mapping[str, list[Any]]):
    """Columns that are made Python values when they are asked for: nobody needs most of a wide table."""

    def __init__(self, table: Any, names: Sequence[str], path: str) -> None:
        self.table = table
        self.places = {name: place for place, name in enumerate(names)}
        self.path = path
        self.known: dict[str, list[Any]] = {}

    def __getitem__(self, name: str) -> list[Any]:
        if name not in self.known:
            place = self.places[name]
            try:
                self.known[name] = self.table.column(place).to_pylist()
            except (ValueError, OverflowError, LookupError) as error:  # among them are pyarrow's own
                raise TwinnetError(f"{self.path}: the column {name!r} cannot be read ({error})") from error
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


PARSERS: dict[str, Callable[[bytes, str], Columns]] = {
    "txt": parse_txt,
    "tsv": parse_tsv,
    "csv": parse_csv,
    "jsonl": parse_jsonl,
    "parquet": parse_parquet,
}


def _decode(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TwinnetError(
            f"{path}, line {line} is not UTF-8 (byte 0x{data[error.start]:02x}): save the file as UTF-8"
        ) from error


def _lines(data: bytes, path: str) -> list[str]:
    text = _decode(data, path)
    if not text:
        return []
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _table(rows: list[tuple[int, list[str]]], path: str) -> Columns:
    if not rows:
        return Columns({}, [])
    names = [name.strip() for name in rows[0][1]]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise TwinnetError(f"{path}: two columns are named {twice!r} in the header")
    for number, cells in rows[1:]:
        if len(cells) != len(names):
            raise TwinnetError(f"{path}, line {number} has {len(cells)} columns, the header has {len(names)}")
    values = [list(column) for column in zip(*(cells for _, cells in rows[1:]), strict=True)] or [[] for _ in names]
    return Columns(dict(zip(names, values, strict=True)), [number for number, _ in rows[1:]])


def _json_object(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if "\\u" in line:  # an escaped half of a surrogate pair is no text
            json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise TwinnetError(f"{place} is not valid JSON: {error}") from error
    if not isinstance(row, dict):
        raise TwinnetError(f"{place} is {type(row).__name__}: expected one JSON object a line")
    return row
