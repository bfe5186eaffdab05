from __future__ import annotations

import zlib
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest

from twinnet import archives
from twinnet.archives import members
from twinnet.errors import TwinnetError


def test_what_matches_comes_in_the_order_of_names(tmp_path):
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("b/2.png", "a/1.png", "b/1.txt", "x/a/1.png.txt"):
            archive.writestr(name, name)
    found = [(match[1], content) for match, content in members(tmp_path / "a.zip", r"(.*)\.png")]
    assert found == [("a/1", b"a/1.png"), ("b/2", b"b/2.png")]


def damaged(path):
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.png", zlib.compress(bytes(range(256)) * 40))
    content = bytearray(path.read_bytes())
    content[45:60] = b"\xff" * 15
    path.write_bytes(content)


def truncated(path):
    damaged(path)
    path.write_bytes(path.read_bytes()[:50])


def encrypted(path):
    with ZipFile(path, "w") as archive:
        archive.writestr("a.png", b"1")
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    path.write_bytes(content)


def shortened(path):
    """A member that ends before the size that the directory says."""
    with ZipFile(path, "w") as archive:
        archive.writestr("a.png", bytes(100))
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 20 : place + 28] = (100_000).to_bytes(4, "little") * 2
    path.write_bytes(content)


def lzma_damaged(path):
    with ZipFile(path, "w", ZIP_LZMA) as archive:
        archive.writestr("a.png", bytes(range(256)) * 40)
    content = bytearray(path.read_bytes())
    content[50:90] = b"\xff" * 40
    path.write_bytes(content)


def badly_named(path):
    with ZipFile(path, "w") as archive:
        archive.writestr("\u00e9.png", b"1")
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xff\xff"))


@pytest.mark.parametrize(
    "make",
    [damaged, truncated, shortened, lzma_damaged, badly_named, encrypted, lambda path: path.write_bytes(b"no zip")],
)
def test_what_cannot_be_read_is_refused(tmp_path, make):
    make(tmp_path / "a.zip")
    with pytest.raises(TwinnetError, match=r"a\.zip cannot be read"):
        list(members(tmp_path / "a.zip", ".*"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TwinnetError, match="no such file"):
        list(members(tmp_path / "a.zip", ".*"))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    with ZipFile(tmp_path / "a.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(1001))
    with pytest.raises(TwinnetError, match=r"a\.png has 1,001 bytes"):
        list(members(tmp_path / "a.zip", ".*"))
