"""Twin networks for text, images and video: one shared-weight network, pluggable parts."""

from __future__ import annotations

import gc
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinnet.encoding import EncodeReport
    from twinnet.errors import TwinnetError
    from twinnet.mining.clusters import agglomerate, communities
    from twinnet.mining.duplicates import deduplicate
    from twinnet.mining.labels import label
    from twinnet.mining.pairs import most_similar_pairs
    from twinnet.mining.search import search
    from twinnet.models.catalogue import catalogue
    from twinnet.models.loading import load
    from twinnet.models.tracking import track
    from twinnet.network import TwinNetwork
    from twinnet.tower import Tower
    from twinnet.training import Trainer, TrainingConfig

# Name -> module, so that `import twinnet` imports none of them.
_HOMES = {
    "EncodeReport": "encoding",
    "Tower": "tower",
    "Trainer": "training",
    "TrainingConfig": "training",
    "TwinNetwork": "network",
    "TwinnetError": "errors",
    "agglomerate": "mining.clusters",
    "catalogue": "models.catalogue",
    "communities": "mining.clusters",
    "deduplicate": "mining.duplicates",
    "label": "mining.labels",
    "load": "models.loading",
    "most_similar_pairs": "mining.pairs",
    "search": "mining.search",
    "track": "models.tracking",
}

__version__ = "0.1.0"
__all__ = [
    "EncodeReport",
    "Tower",
    "Trainer",
    "TrainingConfig",
    "TwinNetwork",
    "TwinnetError",
    "agglomerate",
    "catalogue",
    "communities",
    "deduplicate",
    "label",
    "load",
    "most_similar_pairs",
    "search",
    "track",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'twinnet' has no attribute {name!r}")
    value = getattr(_imported(f"twinnet.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def _imported(module: str) -> ModuleType:
    """Import a module without looking for garbage, on which the import of torch spends a fifth of its time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return import_module(module)
    finally:
        if collects:
            gc.enable()


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
