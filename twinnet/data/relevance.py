"""Documents, queries, and which document answers which query."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

from twinnet.data.tables import read_table
from twinnet.errors import TwinnetError


def read_documents(path: str | PathLike[str], file_format: str | None = None) -> dict[str, str]:
    """Read documents or queries: columns id, text.

    Raises:
        TwinnetError: If the file is not as described, or an id occurs twice.
    """
    table = read_table(path, file_format)
    ids = table.labels("id")
    documents: dict[str, str] = {}
    for row, (name, text) in enumerate(zip(ids, table.texts("text"), strict=True)):
        if name in documents:
            raise TwinnetError(f"{table.place(row)}: id {name!r} occurs twice")
        documents[name] = text
    return documents


def read_relevance(
    path: str | PathLike[str], queries: Mapping[str, str], corpus: Mapping[str, str], file_format: str | None = None
) -> dict[str, dict[str, float]]:
    """Read judgements: columns query, document, gain (a larger gain is more relevant, 0 is not relevant).

    Returns:
        For each judged query its documents and their gains.

    Raises:
        TwinnetError: If the file is not as described, or names a query or document that is not there.
    """
    table = read_table(path, file_format)
    names = table.labels("query"), table.labels("document")
    gains = table.numbers("gain", lowest=0.0)
    relevance: dict[str, dict[str, float]] = {}
    for row, (query, document, gain) in enumerate(zip(*names, gains, strict=True)):
        for kind, name, known in (("query", query, queries), ("document", document, corpus)):
            if name not in known:
                raise TwinnetError(f"{table.place(row)}: there is no {kind} {name!r}")
        if gain > 0:
            relevance.setdefault(query, {})[document] = gain
    return relevance
