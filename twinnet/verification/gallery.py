"""A gallery: people enrolled by the embeddings of their pictures, who are found again, or found to be nobody."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from twinnet.embeddings import as_embeddings, is_stored
from twinnet.errors import TwinnetError
from twinnet.files import checksum, read_weights, whole_folder, write_weights
from twinnet.index import ExactIndex
from twinnet.network import TwinNetwork
from twinnet.operating_point import system_of
from twinnet.verdict import operating_point_for

MANIFEST = "gallery.json"
ROWS = "embeddings.safetensors"
FORMAT = 1


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


class Gallery:
    """Names with the embeddings of their items; the items themselves are not kept.

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
        self._embeddings = np.empty((0, network.dim), dtype=np.float32)
        self._added: list[Any] = []
        self._index: ExactIndex | None = None

    def __len__(self) -> int:
        """How many people are enrolled."""
        return len(set(self._names))

    @property
    def people(self) -> dict[str, int]:
        """The names, and how many items each is enrolled with."""
        return dict(sorted(Counter(self._names).items()))

    def enrol(self, name: str, items: Any) -> None:
        """Add somebody, or further items of somebody.

        Args:
            name: The name.
            items: One item, several, or stored embeddings (N, D).

        Raises:
            TwinnetError: If the name is empty, or an item cannot be taken; nobody is enrolled then.
        """
        if not name.strip():
            raise TwinnetError("a name is empty: enrol people by a name")
        rows = as_embeddings(np.atleast_2d(self._embed(items, "right")), self.network.dim)
        if not len(rows):
            raise TwinnetError(f"{name}: there is nothing to enrol")
        self._added.append(rows)
        self._names += [name] * len(rows)
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
        self._names = [other for other in self._names if other != name]
        self._index = None

    def identify(self, items: Any) -> list[Identification]:
        """Say who each item shows.

        Args:
            items: One item, several, or stored embeddings (N, D).

        Raises:
            TwinnetError: If the network has no operating point, or an item cannot be taken.
        """
        point = operating_point_for(self.network)
        probes = np.atleast_2d(self._embed(items, "left"))
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
        """Write the gallery into a folder, atomically: names and embeddings, not the network.

        Args:
            folder: A new folder, or one that holds a gallery, which is replaced.
        """
        folder = Path(folder)
        with whole_folder(folder, MANIFEST, "gallery") as temporary:
            write_weights(temporary / ROWS, {"embeddings": torch.from_numpy(self._joined())})
            manifest = {
                "format": FORMAT,
                "model": self.model,
                "system": system_of(self.network),
                "weights": _weights_digest(self.network),
                "names": self._names,
                "files": {ROWS: checksum(temporary / ROWS)},
            }
            manifest["sha256"] = _manifest_digest(manifest)
            (temporary / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
        return folder

    @classmethod
    def load(cls, folder: str | Path, network: TwinNetwork | None = None) -> Self:
        """Read a folder that `save` wrote.

        Args:
            folder: The folder.
            network: The network that the gallery was made with; the one that it names unless given.

        Raises:
            TwinnetError: If a file is missing, truncated or changed, or the network is another one.
        """
        path = Path(folder) / MANIFEST
        manifest = _read_manifest(path)
        rows = read_weights(path.with_name(ROWS))["embeddings"].numpy()
        if checksum(path.with_name(ROWS)) != manifest["files"][ROWS] or len(rows) != len(manifest["names"]):
            raise TwinnetError(f"{path.with_name(ROWS)}: changed since it was saved: enrol again")
        if network is None:
            raise TwinnetError(f"{folder}: pass the network that the gallery was made with ({manifest['model']})")
        if manifest["system"] != system_of(network) or manifest["weights"] != _weights_digest(network):
            made = f" ({manifest['model']})" if manifest["model"] else ""
            raise TwinnetError(f"{folder}: made with another network{made}: load that one, or enrol again")
        gallery = cls(network, manifest["model"])
        gallery._names, gallery._embeddings = list(manifest["names"]), rows
        return gallery

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

    def _embed(self, items: Any, side: Any) -> Any:
        return items if is_stored(items) else self.network.encode(items, side=side, progress=False)


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
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        number, whole = manifest["format"], manifest["sha256"] == _manifest_digest(manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TwinnetError(f"{path}: damaged ({error}): enrol again") from error
    if number > FORMAT:
        raise TwinnetError(f"{path}: format {number} is newer than this twinnet: upgrade it")
    if not whole:
        raise TwinnetError(f"{path}: changed since it was saved: enrol again")
    return manifest


def _manifest_digest(manifest: dict[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _weights_digest(network: TwinNetwork) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
