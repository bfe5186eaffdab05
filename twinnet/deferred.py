"""Modules that other libraries import at once and rarely use."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands in for a module until something in it is asked for."""

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), attribute)


def defer(name: str) -> None:
    """Let a module be imported only when something in it is asked for, unless it has been imported already.

    The standard library's `LazyLoader` cannot do that: the next `import` statement of anybody ends its laziness.
    """
    sys.modules.setdefault(name, _Deferred(name))
