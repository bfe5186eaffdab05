"""What every pluggable part shares: it remembers how it was made, so that it can be saved and made again."""

from __future__ import annotations

import inspect
from os import PathLike, fspath
from typing import Any, ClassVar, Self


class Component:
    """Base of preprocesses, backbones, heads, distances, losses and indexes.

    The arguments of the constructor are kept in `config`. They must be JSON values (numbers, strings, lists,
    dictionaries; those of NumPy are made such), because a saved network stores them in `twin.json` and builds the part
    from them again.

    Attributes:
        traceable: Whether `forward` does the same operations whatever the values in a batch are, so that a network of
            such parts may be traced and compiled where that makes it faster.
    """

    traceable: ClassVar[bool] = False
    _config: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        bound = inspect.signature(cls.__init__).bind_partial(self, *args, **kwargs)
        config = dict(list(bound.arguments.items())[1:])
        for name, parameter in bound.signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                config |= config.pop(name, {})
        object.__setattr__(self, "_config", {name: _plain(value) for name, value in config.items()})
        return self

    @property
    def config(self) -> dict[str, Any]:
        """The constructor arguments that build an equal component."""
        return dict(self._config)


def _plain(value: Any) -> Any:
    """Numbers and arrays of NumPy, paths, and what holds them, as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, PathLike):
        return fspath(value)
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return {key: _plain(inner) for key, inner in value.items()} if type(value) is dict else value
