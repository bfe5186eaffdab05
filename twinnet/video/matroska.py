"""Whether a Matroska or WebM file is whole (RFC 9559)."""

from __future__ import annotations

from pathlib import Path

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def is_cut(path: Path) -> bool | None:
    """Whether a file ends before its segment does; None where it is no Matroska, or does not know its length."""
    with path.open("rb") as file:
        head = file.read(4096)
    place = head.find(SEGMENT) + len(SEGMENT)
    if not head.startswith(EBML) or place < len(SEGMENT) or not any(head[place : place + 1]):
        return None
    octets = 9 - head[place].bit_length()
    unknown = (1 << 7 * octets) - 1
    size = int.from_bytes(head[place : place + octets], "big") & unknown
    return None if size == unknown else place + octets + size > path.stat().st_size
