"""One run at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from twinnet.errors import TwinnetError

LOCK = ".lock"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the lock ends with the process, however that ends.

    Raises:
        TwinnetError: If another run is in it, or it cannot be made.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TwinnetError(
            f"{folder}: another run trains into it: wait for its end, or choose another folder"
        ) from error
    except OSError as error:
        raise TwinnetError(f"{folder} cannot be written ({error})") from error
    try:
        yield
    finally:
        lock.release()
