"""The Cranfield collection: aeronautics abstracts, questions, and judged answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from twinnet.data.tables import read_column
from twinnet.errors import TwinnetError

DOCUMENTS, QUERIES, JUDGEMENTS = "cran.all.1400", "cran.qry", "cranqrel"
CODES = range(1, 5)

Collection = tuple[dict[str, str], dict[str, str], dict[str, dict[str, float]]]


def read_cranfield(folder: str | Path) -> Collection:
    """Read a folder with the files `cran.all.1400`, `cran.qry` and `cranqrel`.

    The codes of the judgements run from 1, a complete answer, to 4, of minimum interest: they become the gains 4 to 1.
    The code -1 is no gain. Queries are numbered by their place in the file, as in the judgements.

    Returns:
        Documents by number (the abstract, which begins with the title), queries by number, and for each query the
        gains of its documents.

    Raises:
        TwinnetError: If a file is missing, or is not as described.
    """
    folder = Path(folder)
    documents = {name: record.get("W") or record.get("T", "") for name, record in _records(folder / DOCUMENTS)}
    queries = {str(place): record.get("W", "") for place, (_, record) in enumerate(_records(folder / QUERIES), start=1)}
    gains: dict[str, dict[str, float]] = {}
    for number, line in enumerate(read_column(folder / JUDGEMENTS, file_format="txt"), start=1):
        query, document, code = (*line.split(), "", "", "")[:3]
        if query not in queries or document not in documents:
            raise TwinnetError(
                f"{folder / JUDGEMENTS}, line {number}: there is no such query or document: {line!r:.60}"
            )
        if code in map(str, CODES):
            gains.setdefault(query, {})[document] = float(CODES.stop - int(code))
    return documents, queries, gains


def _records(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The number and the fields of each record."""
    text = "\n".join(read_column(path, file_format="txt"))
    before, *parts = re.split(r"^\.I (\d+)\s*$", text, flags=re.MULTILINE)
    if before.strip() or not parts:
        raise TwinnetError(f"{path}: expected records, which begin with .I and a number")
    for number, body in zip(parts[::2], parts[1::2], strict=True):
        _, *fields = re.split(r"^\.([A-Z])\s*$", body, flags=re.MULTILINE)
        yield number, {name: " ".join(value.split()) for name, value in zip(fields[::2], fields[1::2], strict=True)}
