from __future__ import annotations

import zlib
from zipfile import ZIP_DEFLATED, ZipFile

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


@pytest.mark.parametrize("make", [damaged, truncated, encrypted, lambda path: path.write_bytes(b"no zip")])
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
