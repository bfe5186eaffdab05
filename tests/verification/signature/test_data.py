import zipfile

import numpy as np
import pytest

from twinnet.errors import TwinnetError
from twinnet.verification.signature.data import (
    random_trials,
    read_cross_media,
    read_svc2004,
    skilled_trials,
)


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "svc2004.zip"
    with zipfile.ZipFile(path, "w") as file:
        for user in (1, 2, 3):
            for n in range(1, 13):
                kind = "genuine" if n <= 8 else "forged"
                file.writestr(f"svc2004/user{user}/{kind}/U{user}S{n}.png", f"{user} {n}")
    return path


def test_reads_users_in_order(archive):
    found = read_svc2004(archive, [3, 1])
    assert [s.name for s in found[:3]] == [f"svc2004/user1/genuine/U1S{n}.png" for n in (1, 2, 3)]
    assert [(s.writer, s.genuine) for s in found] == (
        [(1, True)] * 8 + [(1, False)] * 4 + [(3, True)] * 8 + [(3, False)] * 4
    )
    assert found[0].picture == b"1 1"


@pytest.mark.parametrize("references", [1, 3])
@pytest.mark.parametrize("kind", [skilled_trials, random_trials])
def test_trials_by_loops(archive, references, kind):
    signatures = read_svc2004(archive, [1, 2])
    trials = kind(signatures, "test", references)
    expected = []
    for writer in (1, 2):
        mine = [i for i, s in enumerate(signatures) if s.writer == writer and s.genuine]
        other = [
            i
            for i, s in enumerate(signatures)
            if (s.writer == writer and not s.genuine if kind is skilled_trials else s.writer != writer and s.genuine)
        ]
        sets = [[i] for i in mine] if references == 1 else [[mine[(s + 2 * k) % 8] for k in range(3)] for s in range(2)]
        for chosen in sets:
            for probe in mine:
                if probe not in chosen and (references > 1 or probe > chosen[0]):
                    expected += [(probe, tuple(chosen), True)]
            expected += [(probe, tuple(chosen), False) for probe in other]
    found = [
        (int(p), tuple(r.tolist()), bool(s))
        for p, r, s in zip(trials.probes, trials.references, trials.same, strict=True)
    ]
    assert sorted(found) == sorted(expected)
    assert set(trials.owners.tolist()) == {1, 2}


def test_too_few_references(archive):
    with pytest.raises(TwinnetError, match="8 genuine"):
        skilled_trials(read_svc2004(archive, [1]), "test", 8)


def test_a_user_that_is_not_there(archive):
    with pytest.raises(TwinnetError, match="user 7"):
        read_svc2004(archive, [1, 7])


def test_no_zip_file(tmp_path):
    (tmp_path / "a.zip").write_text("no zip")
    for read in (lambda path: read_svc2004(path, [1]), read_cross_media):
        with pytest.raises(TwinnetError, match=r"a\.zip"):
            read(tmp_path / "a.zip")


def test_the_real_sets(data):
    signatures = read_svc2004(data / "signatures" / "svc2004.zip", range(1, 41))
    assert len(signatures) == 1600
    assert np.bincount([s.writer for s in signatures if s.genuine])[1:].tolist() == [20] * 40
    names = read_cross_media(data / "signatures" / "cross_media.zip")
    assert len(names) == 93 * 40
    assert np.bincount([s.text for s in names]).tolist() == [372] * 10
