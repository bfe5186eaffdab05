"""Data sets of signatures, and the comparisons that verification is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twinnet.archives import members
from twinnet.errors import TwinnetError
from twinnet.verification.trials import Trials


@dataclass(frozen=True)
class Signature:
    """One picture of a signature.

    Attributes:
        writer: Whose signature it is, or pretends to be.
        text: What is written, where one writer wrote several names.
        genuine: Whether the writer wrote it.
        picture: The bytes of the file.
        name: Its name in the archive.
    """

    writer: int
    text: int
    genuine: bool
    picture: bytes
    name: str


def read_svc2004(archive: str | Path, users: Iterable[int]) -> list[Signature]:
    """Signatures of SVC2004 (Yeung et al. 2004) as pictures: `svc2004/user<N>/{genuine,forged}/U<N>S<n>.png`.

    Args:
        archive: The zip file.
        users: Whose signatures to read.

    Raises:
        TwinnetError: If it cannot be read, or lacks one of the users.
    """
    wanted = set(users)
    found = []
    for match, picture in members(archive, r"svc2004/user(\d+)/(genuine|forged)/U\d+S(\d+)\.png"):
        if (user := int(match[1])) in wanted:
            found.append(
                (
                    user,
                    match[2] == "forged",
                    int(match[3]),
                    Signature(user, 0, match[2] == "genuine", picture, match[0]),
                )
            )
    if lacking := wanted - {user for user, *_ in found}:
        raise TwinnetError(f"{archive} has no signatures of user {min(lacking)}")
    return [signature for *_, signature in sorted(found, key=lambda row: row[:3])]


def read_cross_media(archive: str | Path) -> list[Signature]:
    """The same ten names written by 93 people, four times each: `cross_media/<writer>/<n>.png`.

    Raises:
        TwinnetError: If it cannot be read.
    """
    found = []
    for match, picture in members(archive, r"cross_media/(\d+)/(\d+)\.png"):
        writer, number = int(match[1]), int(match[2]) - 1
        found.append((writer, number, Signature(writer, number % 10, True, picture, match[0])))
    return [signature for *_, signature in sorted(found, key=lambda row: row[:2])]


def skilled_trials(signatures: Sequence[Signature], source: str, references: int = 1) -> Trials:
    """Genuine signatures and skilled forgeries, each compared with references of the writer it claims to be.

    With one reference these are all pairs of genuine signatures, and all pairs of a genuine one and a forgery. With
    several, four sets of evenly spread genuine signatures are the references in turn.

    Args:
        signatures: Of several writers.
        source: What they are, in words.
        references: How many references an item is compared with.
    """
    forgeries = {writer: forged for writer, (_, forged) in _by_writer(signatures).items()}
    return _trials_against(forgeries, signatures, source, references)


def random_trials(signatures: Sequence[Signature], source: str, references: int = 1) -> Trials:
    """The same with random forgeries: the impostors are genuine signatures of the other writers."""
    writers = _by_writer(signatures)
    strangers = {
        writer: [row for other, (rows, _) in writers.items() if other != writer for row in rows] for writer in writers
    }
    return _trials_against(strangers, signatures, source, references)


def _trials_against(
    impostors: Mapping[int, Sequence[int]], signatures: Sequence[Signature], source: str, references: int
) -> Trials:
    """Each set of a writer's references with the writer's other genuine signatures and with the writer's impostors."""
    probes, enrolled, same = [], [], []
    for writer, (genuine, _) in _by_writer(signatures).items():
        for chosen in _reference_sets(genuine, references):
            others = [row for row in genuine if row not in chosen and (references > 1 or row > chosen[0])]
            probes += [*others, *impostors[writer]]
            enrolled += [chosen] * (len(others) + len(impostors[writer]))
            same += [True] * len(others) + [False] * len(impostors[writer])
    return _trials(signatures, probes, enrolled, same, source)


def _trials(
    signatures: Sequence[Signature], probes: list[int], enrolled: list[list[int]], same: list[bool], source: str
) -> Trials:
    # A forgery belongs to the writer that it attacks: all trials against one writer depend on each other.
    owners = np.array([signature.writer for signature in signatures])
    items = [signature.picture for signature in signatures]
    return Trials(items, np.array(probes), np.array(enrolled), np.array(same), owners, source)


def _by_writer(signatures: Sequence[Signature]) -> dict[int, tuple[list[int], list[int]]]:
    """Positions of the genuine signatures and of the forgeries of each writer."""
    writers: dict[int, tuple[list[int], list[int]]] = {}
    for position, signature in enumerate(signatures):
        genuine, forged = writers.setdefault(signature.writer, ([], []))
        (genuine if signature.genuine else forged).append(position)
    return writers


def _reference_sets(genuine: list[int], references: int) -> list[list[int]]:
    if len(genuine) <= references:
        raise TwinnetError(f"{len(genuine)} genuine signatures of a writer are too few for {references} references")
    if references == 1:
        return [[row] for row in genuine]
    apart = len(genuine) // references
    return [[genuine[(start + apart * k) % len(genuine)] for k in range(references)] for start in range(min(4, apart))]
