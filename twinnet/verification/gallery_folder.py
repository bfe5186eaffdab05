"""The folder of a saved gallery: names, embeddings, what network they belong to, and pictures where they are kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from twinnet.errors import TwinnetError
from twinnet.files import (
    check_files,
    checksums,
    manifest_checksum,
    read_json,
    read_weights,
    whole_folder,
    write_weights,
)
from twinnet.network import TwinNetwork
from twinnet.provenance import provenance

MANIFEST = "gallery.json"
ROWS = "embeddings.safetensors"
PICTURES = "pictures"
FORMAT = 1


@dataclass(frozen=True)
class Enrolled:
    """What a gallery holds.

    Attributes:
        model: The name or path that `twinnet.load` finds its network by, if it is known.
        names: Who each embedding belongs to (N).
        embeddings: The embeddings (N, D).
        pictures: The files that are kept of them (N); None where none is.
        version: The hash of the manifest that it was read from or written to; None for one that is in no folder so far.
    """

    model: str | None
    names: list[str]
    embeddings: npt.NDArray[np.float32]
    pictures: Sequence[Path | None]
    version: str | None = None


def write_gallery(folder: Path, network: TwinNetwork, enrolled: Enrolled) -> Enrolled:
    """Write a gallery into a folder, atomically; see `Gallery.save`.

    Returns:
        The same, with its new version, and with its pictures where they are kept now.
    """
    kept = {row: _file_name(row, picture) for row, picture in enumerate(enrolled.pictures) if picture is not None}
    with whole_folder(folder, MANIFEST, "gallery") as temporary:
        if kept:
            (temporary / PICTURES).mkdir()
        for row, name in kept.items():
            shutil.copyfile(str(enrolled.pictures[row]), temporary / name)
        write_weights(temporary / ROWS, {"embeddings": torch.from_numpy(enrolled.embeddings)})
        manifest = {
            "format": FORMAT,
            "model": enrolled.model,
            **provenance(network),
            "names": enrolled.names,
            "pictures": {str(row): name for row, name in kept.items()},
            "files": checksums(temporary),
        }
        manifest["sha256"] = manifest_checksum(manifest)
        (temporary / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    pictures = [folder / kept[row] if row in kept else None for row in range(len(enrolled.names))]
    return replace(enrolled, pictures=pictures, version=manifest["sha256"])


def read_gallery(folder: Path, network: TwinNetwork) -> Enrolled:
    """Read what `write_gallery` wrote; see `Gallery.load`."""
    path = folder / MANIFEST
    manifest = _read_manifest(path)
    check_files(folder, manifest["files"], "gallery")
    rows = read_weights(folder / ROWS)["embeddings"].numpy()
    kept = {int(row): folder / PICTURES / Path(name).name for row, name in manifest.get("pictures", {}).items()}
    if len(rows) != len(manifest["names"]):
        raise TwinnetError(f"{path}: {len(manifest['names'])} names for {len(rows)} embeddings: enrol again")
    if any(manifest[key] != value for key, value in provenance(network).items()):
        made = f" ({manifest['model']})" if manifest["model"] else ""
        raise TwinnetError(f"{folder}: made with another network{made}: load that one, or enrol again")
    pictures = [kept.get(row) for row in range(len(rows))]
    return Enrolled(manifest["model"], list(manifest["names"]), rows, pictures, manifest["sha256"])


def _file_name(row: int, picture: Path) -> str:
    return f"{PICTURES}/{row:06d}{picture.suffix}"


def check_version(folder: Path, version: str) -> None:
    """Check that a gallery is still the one that was read.

    Raises:
        TwinnetError: If somebody else has saved another one since.
    """
    if (folder / MANIFEST).is_file() and _read_manifest(folder / MANIFEST)["sha256"] != version:
        raise TwinnetError(f"{folder}: somebody else changed the gallery since it was read: load it and enrol again")


def gallery_model(folder: str | Path) -> str | None:
    """The name of the model that a saved gallery was made with.

    Raises:
        TwinnetError: If there is no gallery.
    """
    model: str | None = _read_manifest(Path(folder) / MANIFEST)["model"]
    return model


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise TwinnetError(f"{path.parent} holds no gallery: make one with `twinnet enrol`")
    manifest: dict[str, Any] = read_json(path)
    try:
        known, whole = manifest["format"] <= FORMAT, manifest["sha256"] == manifest_checksum(manifest)
        manifest["files"][ROWS], manifest["names"], manifest["model"]
    except (KeyError, TypeError, AttributeError) as error:
        raise TwinnetError(f"{path}: damaged ({error}): enrol again") from error
    if not known:
        raise TwinnetError(f"{path}: format {manifest['format']} is newer than this twinnet: upgrade it")
    if not whole:
        raise TwinnetError(f"{path}: changed since it was saved: enrol again")
    return manifest
