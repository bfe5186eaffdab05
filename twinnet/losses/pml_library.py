"""What pytorch-metric-learning has, what each part can learn from, and how it is made from JSON values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from pytorch_metric_learning.distances import CosineSimilarity, LpDistance

from twinnet.distances import Distance, Mahalanobis
from twinnet.errors import TwinnetError, unknown_name
from twinnet.losses.pml_repairs import DISTANCES, REDUCERS
from twinnet.supervision import Supervision

MODULES = {"loss": "losses", "miner": "miners", "reducer": "reducers", "regularizer": "regularizers"}
BASES = {
    "loss": "BaseMetricLossFunction",
    "miner": "BaseMiner",
    "reducer": "BaseReducer",
    "regularizer": "BaseRegularizer",
}
REFUSED = {
    "CrossBatchMemory": "it wraps another loss",
    "MultipleLosses": "it wraps other losses",
    "SelfSupervisedLoss": "it wraps another loss, which learns from pairs here without it",
    "GenericPairLoss": "it is the base of other losses",
    "EmbeddingsAlreadyPackagedAsTriplets": "triplets in the data need no miner",
    "DivisorReducer": "losses choose it themselves",
    "DoNothingReducer": "it does not reduce to one number",
    "MultipleReducers": "it wraps other reducers",
}

# Comparing the items of one column with those of the others.
COMPARING = frozenset(
    {
        "AngularLoss",
        "CircleLoss",
        "ContrastiveLoss",
        "DynamicSoftMarginLoss",
        "GeneralizedLiftedStructureLoss",
        "IntraPairVarianceLoss",
        "LiftedStructureLoss",
        "MarginLoss",
        "MultiSimilarityLoss",
        "NCALoss",
        "NTXentLoss",
        "SignalToNoiseRatioContrastiveLoss",
        "SupConLoss",
        "TripletMarginLoss",
        "TupletMarginLoss",
    }
)
# Comparing a batch only with itself.
JOINING = frozenset(
    {
        "FastAPLoss",
        "HistogramLoss",
        "InstanceLoss",
        "NPairsLoss",
        "PNPLoss",
        "RankedListLoss",
        "ThresholdConsistentMarginLoss",
    }
)
# Losses in which a positive pair counts without a negative pair of the same anchor.
PAIR_BY_PAIR = frozenset(
    {
        "ContrastiveLoss",
        "GeneralizedLiftedStructureLoss",
        "IntraPairVarianceLoss",
        "MultiSimilarityLoss",
        "SignalToNoiseRatioContrastiveLoss",
        "ThresholdConsistentMarginLoss",
    }
)
LEARNS_FROM = {
    Supervision.PAIRS: COMPARING | JOINING | {"VICRegLoss"},
    Supervision.LABELLED_PAIRS: PAIR_BY_PAIR,
    Supervision.TRIPLETS: COMPARING | {"HistogramLoss", "ThresholdConsistentMarginLoss"},
}
UNMINED = frozenset({"InstanceLoss", "ManifoldLoss", "P2SGradLoss", "PNPLoss", "RankedListLoss", "VICRegLoss"})

EUCLIDEAN = (LpDistance, Mahalanobis)
# The constants of these hold on the scale of one kind of distance.
SCALED = {
    "ContrastiveLoss": EUCLIDEAN,
    "GeneralizedLiftedStructureLoss": EUCLIDEAN,
    "LiftedStructureLoss": EUCLIDEAN,
    "ManifoldLoss": CosineSimilarity,
    "MarginLoss": EUCLIDEAN,
    "PairMarginMiner": EUCLIDEAN,
    "ProxyAnchorLoss": CosineSimilarity,
    "RankedListLoss": LpDistance,
}
NESTED = {"reducer": "reducer", "embedding_regularizer": "regularizer", "weight_regularizer": "regularizer"}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
WIDTH = frozenset({"embedding_size", "descriptors_dim", "l"})
CLASSES = frozenset({"num_classes", "K"})


def learns_from(name: str) -> frozenset[Supervision]:
    """The kinds of data that the loss of that name can learn from."""
    kinds = {kind for kind, names in LEARNS_FROM.items() if name in names}
    return frozenset(kinds if name == "VICRegLoss" else kinds | {Supervision.LABELS})


def known(kind: str) -> list[str]:
    """The names of all losses, miners, reducers or regularizers that can be used by name."""
    module = _module(kind)
    base = getattr(module, BASES[kind])
    parts = {name for name, part in vars(module).items() if inspect.isclass(part) and issubclass(part, base)}
    return sorted(parts - {BASES[kind], *REFUSED})


def make(kind: str, name: str, options: Mapping[str, Any], distance: Distance | None = None) -> Any:
    """Make a part from its name and JSON values.

    Args:
        kind: A key of `BASES`.
        name: The class name in pytorch-metric-learning.
        options: Arguments of its constructor. Reducers and regularizers are names, or mappings with the key "name".
        distance: The network's distance, which is used if the part can take it; or None for the part's own.

    Raises:
        TwinnetError: If the name or an option is unknown, needed and missing, or of a value that does not fit.
    """
    part = _find(kind, name)
    accepted = _parameters(part)
    for option in options:
        if option not in accepted:
            raise unknown_name(f"option of {name}", option, accepted)
    missing = [
        key for key, parameter in accepted.items() if parameter.default is parameter.empty and key not in options
    ]
    if missing:
        raise TwinnetError(f"{name} needs {' and '.join(missing)}: {_way_out(set(missing))}")
    arguments = {key: make_from(NESTED[key], value) if key in NESTED else value for key, value in options.items()}
    if name in REDUCERS and "reducer" not in arguments:
        arguments["reducer"] = REDUCERS[name]()
    if name in DISTANCES:
        arguments["distance"] = DISTANCES[name]()
    elif distance is not None and isinstance(distance, SCALED.get(name, Distance)):
        try:
            return part(**arguments, distance=distance)
        except (AssertionError, TypeError, ValueError):  # the part insists on a distance of its own
            pass
    try:
        return part(**arguments)
    except (AssertionError, TypeError, ValueError) as error:
        raise TwinnetError(f"{name}: {error or type(error).__name__}") from error


def make_from(kind: str, spec: str | Mapping[str, Any], distance: Distance | None = None) -> Any:
    """Make a part from a name, or from a mapping with the key "name" and its options.

    Raises:
        TwinnetError: If it is neither, or the part cannot be made.
    """
    options = {"name": spec} if isinstance(spec, str) else spec
    if not isinstance(options, Mapping) or "name" not in options:
        raise TwinnetError(f"a {kind} is given by its name, or by a mapping with the key 'name', not by {spec!r}")
    return make(kind, options["name"], {key: value for key, value in options.items() if key != "name"}, distance)


def fitting(name: str, dim: int | None, classes: int | None) -> dict[str, int]:
    """The options of a loss that follow from the width of the embeddings and the number of classes."""
    accepted = _parameters(_find("loss", name))
    wanted = {key for key, parameter in accepted.items() if parameter.default is parameter.empty or key == "K"}
    sizes = dict.fromkeys(wanted & WIDTH, dim) | dict.fromkeys(wanted & CLASSES, classes)
    return {key: size for key, size in sizes.items() if size is not None}


def _module(kind: str) -> ModuleType:
    return import_module(f"pytorch_metric_learning.{MODULES[kind]}")


def _find(kind: str, name: str) -> type:
    if name in REFUSED:
        raise TwinnetError(f"pytorch-metric-learning's {name} cannot be used by name: {REFUSED[name]}")
    names = known(kind)
    if name not in names:
        raise unknown_name(f"pytorch-metric-learning {kind}", name, names)
    found: type = getattr(_module(kind), name)
    return found


def _parameters(part: type) -> dict[str, inspect.Parameter]:
    """The constructor arguments of a class and those that it passes on to its bases."""
    found: dict[str, inspect.Parameter] = {}
    for base in part.__mro__:
        if not base.__module__.startswith("pytorch_metric_learning") or "__init__" not in vars(base):
            continue
        for key, parameter in inspect.signature(vars(base)["__init__"]).parameters.items():
            if parameter.kind in NAMED and key not in {"self", "distance", "mat_based_loss"}:
                found.setdefault(key, parameter)
    return found


def _way_out(missing: set[str]) -> str:
    if missing <= WIDTH:
        return "pass dim, the width of the embeddings"
    if missing <= CLASSES:
        return "pass classes, the number of classes, which only labelled items have"
    return "pass dim and classes" if missing <= WIDTH | CLASSES else "pass them as options"
