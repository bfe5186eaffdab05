"""The one error type that users of twinnet have to know."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

UNREADABLE = "unreadable"
# More names of what could be meant help nobody.
MOST_NAMES = 30


class TwinnetError(ValueError):
    """Bad input, named, with the way out."""


class ItemError(TwinnetError):
    """One item of many cannot be taken.

    Args:
        position: Its place among the items, from 0.
        problem: What is wrong with it.
        reason: In a few words ("no face found", "blank page"), why a well-formed item gives no ground for a verdict;
            None for bad input. "unreadable" is the reason of a file that cannot be decoded.
    """

    def __init__(self, position: int, problem: str, reason: str | None = None) -> None:
        super().__init__(f"item {position}: {problem}")
        self.position = position
        self.problem = problem
        self.reason = reason

    def __reduce__(self) -> tuple[type[ItemError], tuple[int, str, str | None]]:
        return type(self), (self.position, self.problem, self.reason)

    def at(self, position: int) -> ItemError:
        """The same of the item at another position."""
        return type(self)(position, self.problem, self.reason)

    @property
    def is_bad_input(self) -> bool:
        """Whether the item itself is at fault (damaged, missing, of another kind), and not what it shows."""
        return self.reason in (None, UNREADABLE)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> TwinnetError:
    """The error for a name that nobody registered, offering the near ones.

    Args:
        kind: What was looked for, as in "distance".
        name: The name that was not found.
        known: The names that exist.
    """
    candidates = sorted(known)
    near = difflib.get_close_matches(name, candidates, n=3, cutoff=0.5)
    rest = len(candidates) - MOST_NAMES
    listed = ", ".join(candidates[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
    offer = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {listed or 'none'}"
    return TwinnetError(f"unknown {kind} {name!r}: {offer}")
