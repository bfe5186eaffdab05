"""The saved index: a folder with `index.json` and safetensors, written whole or not at all, checked when read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from twinnet.errors import TwinnetError
from twinnet.files import check_files, checksums, manifest_checksum, read_weights, whole_folder, write_weights
from twinnet.index.base import Index
from twinnet.registry import indexes

Kind = TypeVar("Kind", bound=Index)

MANIFEST = "index.json"
ROWS = "rows.safetensors"


def load_index(folder: str | Path) -> Index:
    """Read an index of any kind.

    Raises:
        TwinnetError: If there is none, or a file is missing, truncated or changed.
    """
    spec, _ = _manifest(Path(folder))
    index: Index = indexes.get(spec["name"]).load(folder)
    return index


def write_index(
    index: Index, folder: Path, tensors: Mapping[str, Tensor], further: Callable[[Path], None] | None = None
) -> Path:
    """Write an index.

    Args:
        index: Its spec is written.
        folder: A new folder, or one that holds an index, which is replaced.
        tensors: What it holds.
        further: Writes more files into the folder that it is given.

    Returns:
        The folder.

    Raises:
        TwinnetError: If `folder` holds something else, or cannot be written; it is then left as it was.
    """
    with whole_folder(folder, MANIFEST, "index") as temporary:
        write_weights(temporary / ROWS, tensors)
        if further is not None:
            further(temporary)
        manifest: dict[str, Any] = {"index": indexes.spec_of(index), "files": checksums(temporary)}
        manifest["sha256"] = manifest_checksum(manifest)
        (temporary / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def read_index(folder: Path, kind: type[Kind]) -> tuple[Kind, dict[str, Tensor]]:
    """An empty index as it was made, and what it holds, after every file was compared with its checksum.

    Raises:
        TwinnetError: If a file is missing, truncated or changed, or the index is of another kind.
    """
    spec, files = _manifest(folder)
    if not issubclass(kind, indexes.get(spec["name"])):
        raise TwinnetError(f"{folder} holds an index of the kind {spec['name']!r}: read it with load_index")
    check_files(folder, files, "index")
    try:
        index = kind(**{name: value for name, value in spec.items() if name != "name"})
    except TypeError as error:
        raise TwinnetError(f"{folder}: of another version of twinnet ({error}): build the index again") from error
    return index, read_weights(folder / ROWS)


def _manifest(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        spec, files = dict(manifest["index"]), dict(manifest["files"])
        spec["name"], files[ROWS]
        whole = manifest["sha256"] == manifest_checksum(manifest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TwinnetError(f"{path}: missing or damaged ({error}): build the index again") from error
    if not whole:
        raise TwinnetError(f"{path}: changed since the index was saved: build the index again")
    return spec, files
