"""Names for components: twinnet's own, plugins' (entry points) and those registered in a running program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from inspect import signature
from typing import Any, Generic, TypeVar

from twinnet.errors import TwinnetError, unknown_name

T = TypeVar("T")
C = TypeVar("C", bound=type)
Spec = str | Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One name in a registry.

    Attributes:
        name: The registered name.
        target: Where the object is, as "module:attribute".
        origin: The package and version that brings it, or "this program".
    """

    name: str
    target: str
    origin: str


class Registry(Generic[T]):
    """Name -> component class. Looking one name up imports one plugin.

    A name "family/member" is the component `family` made with `member` as its first argument, as in "timm/resnet18".

    Args:
        kind: What is registered, as in "backbone". The entry-point group is `group`.
        group: The entry-point group, `twinnet.<kind>s` unless given.
    """

    def __init__(self, kind: str, group: str | None = None) -> None:
        self.kind = kind
        self.group = group or f"twinnet.{kind}s"
        self._local: dict[str, Any] = {}

    def register(self, name: str) -> Callable[[C], C]:
        """Register a class under `name` for the rest of the program.

        Raises:
            TwinnetError: If the name is taken by something else.
        """

        def decorate(component: C) -> C:
            taken = self._local.get(name)
            if name in self._points or (taken is not None and _target(taken) != _target(component)):
                raise TwinnetError(f"{self.kind} {name!r} is registered already: choose another name")
            self._local[name] = component
            return component

        return decorate

    @cached_property
    def _points(self) -> dict[str, list[EntryPoint]]:
        points: dict[str, list[EntryPoint]] = {}
        for point in sorted(set(entry_points(group=self.group)), key=lambda p: (p.name, _origin(p))):
            points.setdefault(point.name, []).append(point)
        return points

    def names(self) -> list[str]:
        """All registered names, sorted."""
        return sorted({*self._points, *self._local})

    def entries(self) -> list[Entry]:
        """All registered names with their origin; nothing is imported. Clashing names appear once for each package."""
        found = [Entry(p.name, p.value, _origin(p)) for points in self._points.values() for p in points]
        found += [Entry(name, _target(obj), "this program") for name, obj in self._local.items()]
        return sorted(found, key=lambda entry: (entry.name, entry.origin))

    def get(self, name: str) -> T:
        """The object registered under `name`.

        Raises:
            TwinnetError: If nothing has that name (near names are offered), if two packages claim it, or if the
                plugin that brings it cannot be imported.
        """
        if name in self._local:
            found: T = self._local[name]
            return found
        points = self._points.get(name, [])
        if not points:
            raise unknown_name(self.kind, name, self.names())
        if len(points) > 1:
            claims = " and ".join(_origin(point) for point in points)
            raise TwinnetError(f"{self.kind} {name!r} is claimed by {claims}: uninstall one of them")
        return self._load(points[0])

    def _load(self, point: EntryPoint) -> T:
        try:
            loaded: T = point.load()
        except Exception as error:
            raise TwinnetError(
                f"{self.kind} {point.name!r} of package {_origin(point)} cannot be imported "
                f"({type(error).__name__}: {error}): reinstall or remove that package"
            ) from error
        return loaded

    def create(self, spec: Spec, **kwargs: Any) -> Any:
        """Make a component from a name, "family/member", or a mapping with the key "name" and its arguments.

        Raises:
            TwinnetError: If the name is unknown or the arguments do not fit.
        """
        if isinstance(spec, str):
            name, arguments = spec, dict(kwargs)
        else:
            arguments = {**spec, **kwargs}
            name = arguments.pop("name")
        family, _, member = name.partition("/")
        component: Any = self.get(family if member else name)
        try:
            return component(member, **arguments) if member else component(**arguments)
        except TypeError as error:
            raise TwinnetError(f"{self.kind} {name!r}: {error}") from error

    def create_with(self, spec: Spec, **known: Any) -> Any:
        """Make a component as `create` does, telling it what it asks for among `known` and the spec does not say.

        Raises:
            TwinnetError: As `create` does.
        """
        name = spec if isinstance(spec, str) else spec["name"]
        component: Any = self.get(name.partition("/")[0])
        asked = signature(component).parameters
        given = () if isinstance(spec, str) else spec
        return self.create(spec, **{key: value for key, value in known.items() if key in asked and key not in given})

    def name_of(self, component: object) -> str:
        """The name under which the class of `component` is registered.

        Raises:
            TwinnetError: If it is not registered, so that nothing could find it again.
        """
        target = _target(type(component))
        for entry in self.entries():
            if entry.target == target:
                return entry.name
        raise TwinnetError(
            f"{self.kind} {target} has no registered name: register it with the decorator @{self.kind}s.register(name) "
            f"or the entry-point group {self.group!r}"
        )

    def spec_of(self, component: Any) -> dict[str, Any]:
        """The mapping from which `create` makes an equal component.

        Raises:
            TwinnetError: As `name_of`.
        """
        return {"name": self.name_of(component), **component.config}


def _target(obj: Any) -> str:
    return f"{obj.__module__}:{getattr(obj, '__qualname__', type(obj).__qualname__)}"


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown package"


preprocesses: Registry[Any] = Registry("preprocess", "twinnet.preprocesses")
backbones: Registry[Any] = Registry("backbone")
heads: Registry[Any] = Registry("head")
distances: Registry[Any] = Registry("distance")
losses: Registry[Any] = Registry("loss", "twinnet.losses")
indexes: Registry[Any] = Registry("index", "twinnet.indexes")
models: Registry[Any] = Registry("model")

ALL = (preprocesses, backbones, heads, distances, losses, indexes, models)
