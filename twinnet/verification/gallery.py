"""A gallery: people enrolled by the embeddings of their pictures, who are found again, or found to be nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from twinnet.embeddings import Embeddings, as_embeddings, as_rows, is_stored
from twinnet.errors import TwinnetError
from twinnet.files import is_unicode
from twinnet.index import ExactIndex
from twinnet.network import TwinNetwork
from twinnet.verdict import operating_point_for
from twinnet.verification.gallery_folder import Enrolled, check_version, read_gallery, write_gallery


@dataclass(frozen=True)
class Identification:
    """Who an item shows.

    Attributes:
        name: The name of the closest one; None for nobody, with a score below the threshold or in an empty gallery.
        score: The best score; larger is closer; None in an empty gallery.
        closest: The name of the closest one, also where the score is below the threshold.
        threshold: The score from which somebody counts as found.
    """

    name: str | None
    score: float | None
    closest: str | None
    threshold: float

    def to_dict(self) -> dict[str, Any]:
        """The values by name, for JSON."""
        return asdict(self)


def check_name(name: str) -> None:
    """Check that somebody can be enrolled by a name.

    Raises:
        TwinnetError: If it is no text, empty, not Unicode, or "nobody", which is what strangers are called.
    """
    if not isinstance(name, str) or not name.strip():
        raise TwinnetError(f"{name!r} is no name: enrol people by a text that is not empty")
    if name.strip().lower() == "nobody":
        raise TwinnetError(f"{name!r} is what strangers are called: enrol by another name")
    if not is_unicode(name):
        raise TwinnetError(f"{name!r} is not Unicode: rename the folder, or give another name")


class Gallery:
    """Names with the embeddings of their items; the items themselves are not kept unless that is asked for.

    An item is compared with every enrolled one, and the best score decides (its threshold is that of the network's
    operating point for one reference). So a stranger has as many chances to be taken for somebody as there are enrolled
    items: see `false_positive_bound`.

    Args:
        network: What embeds and compares.
        model: The name or path that `twinnet.load` finds it by, kept for who loads the gallery.

    Raises:
        TwinnetError: If no index ranks by the network's distance.
    """

    def __init__(self, network: TwinNetwork, model: str | None = None) -> None:
        self.network = network
        self.model = model
        self._metric = network.index_metric
        self._names: list[str] = []
        self._pictures: list[Path | None] = []
        self._embeddings = np.empty((0, network.dim), dtype=np.float32)
        self._added: list[Any] = []
        self._index: ExactIndex | None = None
        self._folder: Path | None = None
        self._version: str | None = None

    def __len__(self) -> int:
        """How many people are enrolled."""
        return len(set(self._names))

    @property
    def people(self) -> dict[str, int]:
        """The names, and how many items each is enrolled with."""
        return dict(sorted(Counter(self._names).items()))

    @property
    def pictures(self) -> dict[str, list[Path]]:
        """The files that are kept of each name, where any are."""
        kept: dict[str, list[Path]] = {}
        for name, picture in zip(self._names, self._pictures, strict=True):
            if picture is not None:
                kept.setdefault(name, []).append(picture)
        return kept

    def enrol(self, name: str, items: Any, keep: Sequence[Path] | None = None) -> None:
        """Add somebody, or further items of somebody.

        Args:
            name: The name.
            items: One item, several, or stored embeddings (N, D).
            keep: The picture files of these items (N), which `save` copies beside the embeddings.

        Raises:
            TwinnetError: If the name cannot be one, an item cannot be taken, or there are not as many files as items;
                nobody is enrolled then.
        """
        check_name(name)
        rows = self._embed(items, "right").copy()
        if not len(rows):
            raise TwinnetError(f"{name}: there is nothing to enrol")
        if keep is not None and len(keep) != len(rows):
            raise TwinnetError(f"{name}: {len(keep)} pictures to keep of {len(rows)} items")
        self._added.append(rows)
        self._names += [name] * len(rows)
        self._pictures += keep if keep is not None else [None] * len(rows)
        self._index = None

    def forget(self, name: str) -> None:
        """Remove somebody with everything that is known of them.

        Raises:
            TwinnetError: If nobody has that name.
        """
        stays = np.array([other != name for other in self._names], dtype=bool)
        if stays.all():
            raise TwinnetError(f"nobody in the gallery is called {name!r}")
        self._embeddings = self._joined()[stays]
        kept = np.flatnonzero(stays).tolist()
        self._names = [self._names[row] for row in kept]
        self._pictures = [self._pictures[row] for row in kept]
        self._index = None

    def identify(self, items: Any) -> list[Identification]:
        """Say who each item shows.

        Args:
            items: One item, several, or stored embeddings (N, D).

        Raises:
            TwinnetError: If the network has no operating point, or an item cannot be taken.
        """
        point = operating_point_for(self.network)
        probes = self._embed(items, "left")
        if not self._names:
            return [Identification(None, None, None, point.threshold) for _ in probes]
        _, found = self._ready().search(self.network.comparable(probes), 1)
        scores = np.atleast_1d(self.network.score(probes, self._embeddings[found[:, 0]])).tolist()
        closest = [self._names[row] for row in found[:, 0].tolist()]
        return [
            Identification(name if point.accepts(score) else None, score, name, point.threshold)
            for name, score in zip(closest, scores, strict=True)
        ]

    def false_positive_bound(self) -> float:
        """The largest share of strangers that are taken for somebody (the FPIR).

        With N enrolled items it is at most N times the false match rate of one comparison, however they depend on each
        other (Boole's inequality).
        """
        return min(1.0, len(self._names) * operating_point_for(self.network).fmr.value)

    def save(self, folder: str | Path) -> Path:
        """Write the gallery into a folder, atomically: names, embeddings and kept pictures, not the network.

        Args:
            folder: A new folder, or one that holds a gallery, which is replaced.

        Raises:
            TwinnetError: If the folder holds something else, or is the one that this gallery was read from and somebody
                else changed it since.
        """
        folder = Path(folder)
        if self._version is not None and folder.resolve() == self._folder:
            check_version(folder, self._version)
        enrolled = Enrolled(self.model, self._names, self._joined(), self._pictures)
        self._remember(folder, write_gallery(folder, self.network, enrolled))
        return folder

    @classmethod
    def load(cls, folder: str | Path, network: TwinNetwork) -> Self:
        """Read a folder that `save` wrote.

        Args:
            folder: The folder.
            network: The network that the gallery was made with, see `gallery_model`.

        Raises:
            TwinnetError: If a file is missing, truncated or changed, or the network is another one.
        """
        enrolled = read_gallery(Path(folder), network)
        gallery = cls(network, enrolled.model)
        gallery._names, gallery._embeddings = enrolled.names, enrolled.embeddings
        gallery._remember(Path(folder), enrolled)
        return gallery

    def _remember(self, folder: Path, saved: Enrolled) -> None:
        """Keep in mind where this is saved, and in what state."""
        self._folder, self._version, self._pictures = folder.resolve(), saved.version, list(saved.pictures)

    def _joined(self) -> Any:
        """All embeddings (N, D), in the order of the names."""
        if self._added:
            self._embeddings = np.concatenate([self._embeddings, *self._added])
            self._added = []
        return self._embeddings

    def _ready(self) -> ExactIndex:
        """The index, made once after the last change."""
        if self._index is None:
            self._index = ExactIndex(self._metric)
            self._index.add(self.network.comparable(self._joined()))
        return self._index

    def _embed(self, items: Any, side: Any) -> Embeddings:
        """Items or stored embeddings (N, D) or (D,) -> (N, D)."""
        rows = items if is_stored(items) else self.network.encode(items, side=side, progress=False)
        return as_embeddings(as_rows(rows), self.network.dim)
