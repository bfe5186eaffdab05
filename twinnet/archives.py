"""Files in zip archives."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from os import PathLike
from zipfile import BadZipFile, ZipFile

from twinnet.errors import TwinnetError

# Pictures of one drawing or signature are far smaller.
MOST_BYTES = 10_000_000


def members(archive: str | PathLike[str], pattern: str) -> Iterator[tuple[re.Match[str], bytes]]:
    """The files of an archive whose whole name matches a regular expression, in the order of names.

    Raises:
        TwinnetError: If there is no such archive, it is damaged or encrypted, or one of them has more than `MOST_BYTES`
            bytes.
    """
    try:
        with ZipFile(archive) as files:
            for info in sorted(files.infolist(), key=lambda info: info.filename):
                match = re.fullmatch(pattern, info.filename)
                if match is None:
                    continue
                if info.file_size > MOST_BYTES:
                    raise TwinnetError(
                        f"{archive}: {info.filename} has {info.file_size:,} bytes, more than {MOST_BYTES:,}"
                    )
                yield match, files.read(info)
    except FileNotFoundError as error:
        raise TwinnetError(f"{archive}: no such file") from error
    except TwinnetError:
        raise
    except (OSError, EOFError, BadZipFile, zlib.error, LZMAError, RuntimeError, UnicodeDecodeError) as error:
        raise TwinnetError(f"{archive} cannot be read as a zip archive ({error})") from error
