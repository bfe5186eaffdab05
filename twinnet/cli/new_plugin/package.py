"""What the new package is called and what is in it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from twinnet.errors import TwinnetError
from twinnet.registry import ALL

TEMPLATES = Path(__file__).parent / "templates"
# Kind -> the class of its template.
PARTS = {
    "backbone": "ColourGrid",
    "distance": "Chebyshev",
    "head": "SignedPower",
    "index": "TreeIndex",
    "loss": "TwoMargins",
}
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 64


@dataclass(frozen=True)
class Plugin:
    """A package that does not exist yet.

    Attributes:
        name: The name of the package and of its folder.
        kind: What it brings.

    Raises:
        TwinnetError: If the name is none, or taken by something that is installed.
    """

    name: str
    kind: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or len(self.name) > LONGEST:
            raise TwinnetError(
                f"{self.name!r} cannot name a package: up to {LONGEST} small letters, digits and single hyphens, "
                "a letter first, as in twinnet-chebyshev"
            )
        if iskeyword(self.module) or self.module == "tests":
            raise TwinnetError(f"{self.name!r} cannot name a package: {self.module!r} has a meaning of its own")
        if find_spec(self.module) is not None:
            raise TwinnetError(f"a module {self.module!r} is installed already: choose another name")
        registry = next(registry for registry in ALL if registry.kind == self.kind)
        for entry in registry.entries():
            if entry.name == self.part:
                raise TwinnetError(f"{entry.origin} has a {self.kind} {self.part!r} already: choose another name")

    @property
    def module(self) -> str:
        """The name by which Python imports it."""
        return self.name.replace("-", "_")

    @property
    def part(self) -> str:
        """The name of the part in twinnet."""
        return self.name.removeprefix("twinnet-")

    def files(self) -> Iterator[tuple[str, str]]:
        """The paths in the package, and what is in the files."""
        group = next(registry.group for registry in ALL if registry.kind == self.kind)
        words = {
            "plugin-name": self.name,
            "part-name": self.part,
            "plugin_module": self.module,
            "plugin_kind": self.kind,
            "plugin_group": group,
            "PluginClass": PARTS[self.kind],
        }
        templates = {
            "pyproject.toml": "pyproject.toml",
            "README.md": "README.md",
            f"{self.module}/__init__.py": "__init__.py",
            f"{self.module}/{self.kind}.py": f"{self.kind}.py",
            f"tests/test_{self.kind}.py": f"test_{self.kind}.py",
        }
        for path, template in templates.items():
            content = (TEMPLATES / template).read_text(encoding="utf-8")
            yield path, re.sub("|".join(words), lambda found: words[found[0]], content)


def write(plugin: Plugin) -> list[str]:
    """Write the package into a new folder of the current one.

    Returns:
        The paths of its files.

    Raises:
        TwinnetError: If there is something of that name.
    """
    folder = Path(plugin.name)
    if folder.exists() or folder.is_symlink():
        raise TwinnetError(f"{folder} exists already: choose another name, or another place")
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        paths = []
        for name, content in plugin.files():
            path = temporary / "package" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            paths.append((folder / name).as_posix())
        (temporary / "package").rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return paths
