"""Names for components: twinnet's own, plugins' (entry points) and those registered in a running program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from typing import Any, Generic, TypeVar

from twinnet.component import Component
from twinnet.errors import TwinnetError, unknown_name

T = TypeVar("T")
C = TypeVar("C", bound=type)
Spec = str | Mapping[str, Any]

OWN = "twinnet"
HERE = "this program"


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

    @property
    def package(self) -> str:
        """The name of the package that brings it; empty if it is registered by this program."""
        return "" if self.origin == HERE else self.origin.split()[0]


class Registry(Generic[T]):
    """Name -> component class. Looking one name up imports one plugin.

    A name "family/member" is the component `family` made with `member` as its first argument, as in "timm/resnet18".

    Args:
        kind: What is registered, as in "backbone".
        group: The entry-point group, `twinnet.<kind>s` unless given.
        holds_classes: Whether components are registered, and not objects of another kind.
    """

    def __init__(self, kind: str, group: str | None = None, holds_classes: bool = True) -> None:
        self.kind = kind
        self.group = group or f"twinnet.{kind}s"
        self.holds_classes = holds_classes
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
        found += [Entry(name, _target(obj), HERE) for name, obj in self._local.items()]
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
            raise claimed(self.kind, name, map(_origin, points))
        return self._load(points[0])

    def _load(self, point: EntryPoint) -> T:
        where = f"{self.kind} {point.name!r} of package {_origin(point)}"
        try:
            loaded: T = point.load()
        except (Exception, SystemExit) as error:
            raise TwinnetError(
                f"{where} cannot be imported ({type(error).__name__}: {error}): reinstall or remove that package"
            ) from error
        if self.holds_classes and not (isinstance(loaded, type) and issubclass(loaded, Component)):
            raise TwinnetError(f"{where} is no class of a {self.kind}: {point.value} is {loaded!r}")
        return loaded

    def problems(self, get: Callable[[str], object] | None = None) -> list[str]:
        """What keeps names of plugins from being used: two packages claim one, or a package cannot be imported.

        All plugins are imported to see.

        Args:
            get: What looks a name up; the method `get` unless given.
        """
        found = []
        for name, points in self._points.items():
            if any(point.dist is None or point.dist.name != OWN for point in points):
                try:
                    (get or self.get)(name)
                except TwinnetError as error:
                    found.append(str(error))
        return found

    def create(self, spec: Spec, **kwargs: Any) -> Any:
        """Make a component from a name, "family/member", or a mapping with the key "name" and its arguments.

        Raises:
            TwinnetError: If the name is unknown or the arguments do not fit.
        """
        name = self._name_in(spec)
        given = {} if isinstance(spec, str) else {key: value for key, value in spec.items() if key != "name"}
        arguments = {**given, **kwargs}
        family, _, member = name.partition("/")
        component: Any = self.get(family if member else name)
        try:
            return component(member, **arguments) if member else component(**arguments)
        except TwinnetError:
            raise
        except (TypeError, ValueError, RuntimeError, OSError) as error:
            raise TwinnetError(f"{self.kind} {name!r}: {error}") from error
        except LookupError as error:
            raise TwinnetError(f"{self.kind} {name!r}: there is no {error}") from error

    def create_with(self, spec: Spec, **known: Any) -> Any:
        """Make a component as `create` does, telling it what it asks for among `known` and the spec does not say.

        Raises:
            TwinnetError: As `create` does.
        """
        asked = signature(self.named(spec)).parameters  # type: ignore[arg-type]
        given = () if isinstance(spec, str) else spec
        return self.create(spec, **{key: value for key, value in known.items() if key in asked and key not in given})

    def named(self, spec: Spec) -> T:
        """The component that a spec names.

        Raises:
            TwinnetError: As `get`, or if the spec is none.
        """
        return self.get(self._name_in(spec).partition("/")[0])

    def _name_in(self, spec: Any) -> str:
        name = spec.get("name") if isinstance(spec, Mapping) else spec
        if not isinstance(name, str):
            raise TwinnetError(f"{self.kind} {spec!r}: expected a name, or a mapping with a name and its arguments")
        return name

    def entry_of(self, component: object) -> Entry:
        """The entry under which the class of `component` is registered.

        Raises:
            TwinnetError: If it is not registered, so that nothing could find it again.
        """
        target = _target(type(component))
        decorator = self.group.rpartition(".")[2]
        for entry in self.entries():
            if entry.target == target:
                return entry
        raise TwinnetError(
            f"{self.kind} {target} has no registered name: register it with the decorator @{decorator}.register(name) "
            f"or the entry-point group {self.group!r}"
        )

    def name_of(self, component: object) -> str:
        """The name under which the class of `component` is registered.

        Raises:
            TwinnetError: As `entry_of`.
        """
        return self.entry_of(component).name

    def spec_of(self, component: Any) -> dict[str, Any]:
        """The mapping from which `create` makes an equal component.

        Raises:
            TwinnetError: As `entry_of`, or if the constructor has an argument that a mapping cannot hold.
        """
        config = component.config
        for argument in signature(type(component).__init__).parameters.values():
            if argument.name in config and (argument.name == "name" or argument.kind is Parameter.VAR_POSITIONAL):
                raise TwinnetError(
                    f"{type(component).__name__} cannot be described: its argument {argument} has to be another one, "
                    'since "name" is the part\'s own, and the others are given by name'
                )
        return {"name": self.name_of(component), **config}


def claimed(kind: str, name: str, origins: Iterable[str]) -> TwinnetError:
    """The error for a name that several packages claim, given their names and versions."""
    packages = sorted(origins)
    plugins = [package for package in packages if package.split()[0] != OWN]
    remedy = f"uninstall {plugins[0]}, or let it choose another name" if len(plugins) == 1 else "uninstall one of them"
    return TwinnetError(f"{kind} {name!r} is claimed by {' and '.join(packages)}: {remedy}")


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
models: Registry[Any] = Registry("model", holds_classes=False)

ALL = (preprocesses, backbones, heads, distances, losses, indexes, models)
