"""The preprocess contract: raw items in, batches of tensors out."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from twinnet.component import Component
from twinnet.errors import ItemError, unknown_name
from twinnet.features import Batch

if TYPE_CHECKING:
    from twinnet.network import TwinNetwork


@dataclass(frozen=True, slots=True)
class Prepared:
    """An item made ready for a batch.

    Attributes:
        data: What `collate` takes.
        cost: Its size in the unit of the budget (tokens, pixels).
        lost: How much of the item was cut off to make it fit, in the same unit.
    """

    data: Any
    cost: int
    lost: int = 0


class Preprocess(Component, ABC):
    """Turns raw items of one modality into batches. It holds no state that encoding changes, so threads can share it.

    Attributes:
        budget: The cost that a batch may reach, by device type; "cpu" is the default for the others.
        lookahead: How many items are prepared ahead, and sorted together.
        pads: Whether `collate` can join items of different cost.
        options: The names that `vary` takes.
        takes_files: Whether a string among the items is the path of a file.
    """

    budget: ClassVar[dict[str, int]]
    lookahead: ClassVar[int] = 1024
    pads: ClassVar[bool] = True
    options: ClassVar[tuple[str, ...]] = ()
    takes_files: ClassVar[bool] = False

    @abstractmethod
    def prepare(self, items: Sequence[Any]) -> list[Prepared]:
        """Prepare items, in order. Called in worker threads.

        Raises:
            ItemError: If an item cannot be taken.
        """

    def prepare_at(self, items: Sequence[Any], positions: Sequence[int]) -> list[Prepared]:
        """Prepare the items at some positions; an error names the position in `items`."""
        try:
            return self.prepare([items[i] for i in positions])
        except ItemError as error:
            raise error.at(positions[error.position]) from None

    def prepare_for_training(self, items: Sequence[Any], seeds: Sequence[int]) -> list[Prepared]:
        """Prepare items for a training step, with random changes where the preprocess declares any.

        Args:
            items: Raw items.
            seeds: A number for each item that decides its changes: the same item and number give the same result, so
                that a resumed run sees what the first one saw.

        Raises:
            ItemError: If an item cannot be taken.
        """
        del seeds
        return self.prepare(items)

    @abstractmethod
    def collate(self, prepared: Sequence[Prepared]) -> Batch:
        """Join prepared items, of any cost if the preprocess `pads`, into one batch."""

    def is_single(self, items: Any) -> bool:
        """Whether this is one raw item and not a collection of them."""
        return isinstance(items, str | bytes | PathLike) or not isinstance(items, Iterable)

    def key(self, item: Any) -> Hashable:
        """What makes two items equal, so that they are embedded once; None if that is not worth knowing."""
        del item
        return None

    def vary(self, **options: Any) -> Self:
        """The same preprocess with other options for one call.

        Raises:
            TwinnetError: If an option is unknown.
        """
        for name in options:
            if name not in self.options:
                raise unknown_name(f"option of encode for {type(self).__name__}", name, self.options)
        return self

    def save(self, folder: Path) -> None:
        """Write the files that the constructor arguments do not hold; none by default."""
        del folder

    @classmethod
    def load(cls, folder: Path, config: dict[str, Any]) -> Self:
        """Make the preprocess from its constructor arguments and the files that `save` wrote."""
        del folder
        return cls(**config)

    def write_companions(self, network: TwinNetwork, folder: Path) -> None:
        """Write what other tools want to find in a saved network of this modality; nothing by default."""
        del network, folder

    def fingerprint(self) -> str:
        """A hash of all that decides what the preprocess does."""
        identity = json.dumps([type(self).__qualname__, self.config], sort_keys=True, default=str)
        return hashlib.sha256(identity.encode()).hexdigest()


def refuse(position: int, item: Any, wanted: str) -> ItemError:
    """The error for an item of the wrong kind."""
    shown = repr(item)
    return ItemError(position, f"{type(item).__name__} {shown[:60]}{'…' if len(shown) > 60 else ''}, expected {wanted}")
