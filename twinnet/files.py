"""Files that are written whole or not at all, and weights without pickle."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from twinnet.errors import TwinnetError


def checksum(path: Path) -> str:
    """The sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path) -> dict[str, str]:
    """The sha256 of every file in a folder, by its path in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): checksum(path) for path in files}


def manifest_checksum(manifest: Mapping[str, Any]) -> str:
    """The sha256 of a manifest's content, which it holds itself as "sha256"."""
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_files(folder: Path, files: Mapping[str, str], what: str) -> None:
    """Compare the files in a folder with their checksums.

    Args:
        folder: The folder.
        files: The sha256 of each, by its path in the folder.
        what: What the folder holds, for messages.

    Raises:
        TwinnetError: If one lies outside the folder, is missing, truncated or changed; the message names it.
    """
    for name, expected in files.items():
        path = folder / name
        # By name: what the model hub's client caches are links to files elsewhere.
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise TwinnetError(f"{path}: lies outside the folder of the saved {what}: do not trust it")
        if not path.is_file():
            raise TwinnetError(f"{path}: missing from the saved {what}: restore it or save the {what} again")
        try:
            whole = checksum(path) == expected
        except OSError as error:
            raise TwinnetError(f"{path}: cannot be read ({error})") from error
        if not whole:
            raise TwinnetError(
                f"{path}: truncated or changed since the {what} was saved: restore it or save the {what} again"
            )


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        TwinnetError: If it is missing or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TwinnetError(f"{path}: cannot be read ({error}): the file is missing or damaged") from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        TwinnetError: If it is missing or truncated.
    """
    try:
        weights: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise TwinnetError(f"{path}: cannot be read ({error}): the file is missing or damaged") from error
    return weights


def write_weights(path: Path, weights: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors; tensors that share memory are written apart."""
    seen: set[int] = set()
    apart: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        address = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.detach().clone().contiguous() if address in seen else tensor.detach().contiguous()
        seen.add(address)
    save_file(apart, path, metadata={"format": "pt"})


def is_unicode(name: str) -> bool:
    """Whether a text can be written as UTF-8: the name of a file whose bytes are not UTF-8 cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_replaceable(folder: Path, marker: str, what: str) -> None:
    """Check that `folder` is new, or empty, or holds what may be replaced; arguments as for `whole_folder`.

    Raises:
        TwinnetError: If it holds something else, or is not named.
    """
    if not folder.name:
        raise TwinnetError(f"'{folder}' is no name for a folder to save the {what} in: choose a new one")
    if folder.exists() and not folder.is_dir():
        raise TwinnetError(f"{folder} is a file: choose a folder to save the {what} in")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / marker).is_file():
        raise TwinnetError(f"{folder} holds other files and no saved {what}: choose a new folder")


@contextmanager
def whole_folder(folder: Path, marker: str, what: str) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its place when the block has filled it.

    Args:
        folder: A new folder, or one that holds the same kind of thing, which is replaced; other files in it stay.
        marker: The JSON file that a folder of that kind has, with the names of its "files".
        what: What the folder holds, for messages.

    Raises:
        TwinnetError: If `folder` holds something else, or cannot be written; it is then left as it was.
    """
    check_replaceable(folder, marker, what)
    folder = folder.resolve()
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
        temporary.mkdir()
        yield temporary
        _keep_others(folder, marker, temporary)
        _replace(temporary, folder)
    except (OSError, SafetensorError) as error:
        raise TwinnetError(f"{folder}: the {what} could not be saved ({error})") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _replace(temporary: Path, folder: Path) -> None:
    """Put one folder in the place of another; a crash leaves one of them whole."""
    if not folder.exists():
        temporary.rename(folder)
        return
    old = folder.with_name(f".{folder.name}-old-{os.getpid()}")
    folder.rename(old)
    try:
        temporary.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _keep_others(folder: Path, marker: str, replacement: Path) -> None:
    """Copy what somebody put beside what is saved, such as a model card, into the folder that takes its place."""
    try:
        written = {marker, *read_json(folder / marker)["files"]}
    except (TwinnetError, KeyError, TypeError):  # nothing so far, or nobody knows which files are its own
        return
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        is_file = path.is_file() or path.is_symlink()
        if is_file and name.as_posix() not in written and not (replacement / name).exists():
            (replacement / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, replacement / name, follow_symlinks=False)
