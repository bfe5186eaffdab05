"""An embedded corpus, and the folder that `twinnet search --save-index` keeps it in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinnet.cli.items import Source, embed
from twinnet.cli.output import write_atomically
from twinnet.errors import TwinnetError

if TYPE_CHECKING:
    from twinnet.encoder import Side
    from twinnet.index import Index
    from twinnet.network import TwinNetwork

CORPUS = "corpus.json"


@dataclass(frozen=True)
class Corpus:
    """Items and their embeddings, ready to be searched.

    Attributes:
        items: Sentences, or paths of pictures.
        index: Their embeddings, whose ids are positions in `items`.
        side: The side of the network that embedded them.
        problems: What is wrong with those that could not be embedded.
        made_with: The name of its network and the network's `provenance`, of a corpus that was kept.
    """

    items: Sequence[str]
    index: Index
    side: Side
    problems: Sequence[str] = ()
    made_with: Mapping[str, Any] | None = None

    @classmethod
    def embed(cls, network: TwinNetwork, source: Source, side: Side, index_name: str) -> Corpus:
        """Embed an input into an index of that name.

        Raises:
            TwinnetError: If it is not what that side of the network takes, or no index ranks as the network does.
        """
        from twinnet.registry import indexes

        index = indexes.create_with(index_name, metric=network.index_metric)
        embedded = embed(network, source.items(network, side), side)
        index.add(network.comparable(embedded.rows))
        return cls(embedded.items, index, side, embedded.problems)

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """Read what `save` wrote.

        Raises:
            TwinnetError: If it is damaged.
        """
        from twinnet.index import load_index

        path = folder / CORPUS
        try:
            corpus = json.loads(path.read_text(encoding="utf-8"))
            made_with = {key: corpus[key] for key in ("model", "system", "weights")}
            items, side = list(map(str, corpus["items"])), corpus["side"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise TwinnetError(f"{path}: missing or damaged ({error}): save the index again") from error
        index = load_index(folder)
        if len(index) != len(items):
            raise TwinnetError(f"{folder}: {len(index)} embeddings and {len(items)} items: save the index again")
        return cls(items, index, side, made_with=made_with)

    def check(self, network: TwinNetwork) -> None:
        """Check that a network is the one that embedded it.

        Raises:
            TwinnetError: If it is another one, or has other weights now.
        """
        from twinnet.provenance import provenance

        known = self.made_with
        if known is not None and any(known[key] != value for key, value in provenance(network).items()):
            name = known["model"]
            raise TwinnetError(
                f"the saved index was embedded by another network: search it with --model {name}, or save it again if "
                f"{name} has changed since"
            )

    def save(self, folder: Path, network: TwinNetwork, model: str) -> None:
        """Keep it in a folder, with the name of its network."""
        from twinnet.provenance import provenance

        items = {"side": self.side, "items": list(self.items)}
        content = json.dumps({"model": model, **provenance(network), **items})
        path = self.index.save(folder) / CORPUS
        path.unlink(missing_ok=True)  # that of the index before
        write_atomically(path, lambda target: target.write_text(content, "utf-8"))


def is_stored(folder: Path) -> bool:
    """Whether a folder holds a corpus that was kept."""
    return (folder / CORPUS).is_file()
