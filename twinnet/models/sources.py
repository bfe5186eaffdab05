"""Where weights come from: an installed package's data, or a model hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from twinnet.errors import TwinnetError
from twinnet.packages import package_folder

# What a text network needs; a hub repository often holds the same weights in five further formats.
HUB_PATTERNS = ["*.json", "*.txt", "*.model", "*.safetensors", "*/config.json", "*/*.safetensors"]
HUB_FALLBACK = ["pytorch_model.bin", "*/pytorch_model.bin"]
WEIGHTS = ("*.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class PackageData:
    """A folder among the data files of an installed package. The package is not imported.

    Attributes:
        package: The importable name.
        path: The folder inside it.
        install: What to install to have it.
    """

    package: str
    path: str
    install: str

    def __str__(self) -> str:
        return f"package {self.package}"

    def available(self) -> bool:
        """Whether the package is installed."""
        return self._folder() is not None

    def fetch(self) -> Path:
        """The folder.

        Raises:
            TwinnetError: If the package is not installed.
        """
        folder = self._folder()
        if folder is None:
            raise TwinnetError(f"package {self.package} is not installed: pip install {self.install}")
        return folder

    def _folder(self) -> Path | None:
        home = package_folder(self.package)
        return home / self.path if home and (home / self.path).is_dir() else None


@dataclass(frozen=True)
class HubRepo:
    """A repository on the model hub; what was fetched once is read from the cache, without the network.

    Attributes:
        repo: "owner/name".
    """

    repo: str

    def __str__(self) -> str:
        return f"hub {self.repo}"

    def available(self) -> bool:
        """Whether the cache holds it."""
        return self._cached() is not None

    def fetch(self) -> Path:
        """The folder in the cache, after downloading what is missing.

        Raises:
            TwinnetError: If neither the cache nor the hub has it.
        """
        cached = self._cached()
        if cached is not None:
            return cached
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(self.repo, allow_patterns=HUB_PATTERNS))
            if not any(folder.glob("*.safetensors")):
                folder = Path(snapshot_download(self.repo, allow_patterns=HUB_PATTERNS + HUB_FALLBACK))
        except Exception as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise TwinnetError(
                f"model {self.repo!r} is neither in the hub's cache nor to be had from the hub ({reason}): check the "
                "name and the connection, or pass the path of a folder"
            ) from error
        return folder

    def _cached(self) -> Path | None:
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(self.repo, allow_patterns=HUB_PATTERNS, local_files_only=True))
        except Exception:
            return None
        # Another library may have fetched the transformer alone, without what comes behind it, or a download stopped.
        wanted = ["modules.json"] if self.repo.startswith("sentence-transformers/") else ["modules.json", "config.json"]
        described = any((folder / name).is_file() for name in wanted)
        weights = any(path.is_file() for name in WEIGHTS for path in folder.rglob(name))
        return folder if described and weights else None


Source = PackageData | HubRepo
