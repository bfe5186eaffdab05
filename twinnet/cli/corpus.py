"""An embedded corpus, and the folder that `twinnet search --save-index` keeps it in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
    """

    items: Sequence[str]
    index: Index
    side: Side
    problems: Sequence[str] = ()

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
    def load(cls, folder: Path, model: str) -> Corpus:
        """Read what `save` wrote.

        Raises:
            TwinnetError: If it is damaged, or another model embedded it.
        """
        from twinnet.index import load_index

        path = folder / CORPUS
        try:
            corpus = json.loads(path.read_text(encoding="utf-8"))
            embedded_by, items, side = str(corpus["model"]), list(map(str, corpus["items"])), corpus["side"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise TwinnetError(f"{path}: missing or damaged ({error}): save the index again") from error
        if embedded_by != model:
            raise TwinnetError(f"{folder} was embedded by another model: search it with --model {embedded_by}")
        index = load_index(folder)
        if len(index) != len(items):
            raise TwinnetError(f"{folder}: {len(index)} embeddings and {len(items)} items: save the index again")
        return cls(items, index, side)

    def save(self, folder: Path, model: str) -> None:
        """Keep it in a folder."""
        content = json.dumps({"model": model, "side": self.side, "items": list(self.items)})
        path = self.index.save(folder) / CORPUS
        write_atomically(path, lambda target: target.write_text(content, "utf-8"))


def is_stored(folder: Path) -> bool:
    """Whether a folder holds a corpus that was kept."""
    return (folder / CORPUS).is_file()
