"""The saved network: a folder with `twin.json` and safetensors, written whole or not at all, checked when read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from twinnet.acceleration import ActivationRanges
from twinnet.component import Component
from twinnet.errors import TwinnetError
from twinnet.files import (
    check_files,
    check_replaceable,
    checksums,
    manifest_checksum,
    read_weights,
    whole_folder,
    write_weights,
)
from twinnet.operating_point import OperatingPoint
from twinnet.quantization import Int8Ranges
from twinnet.registry import ALL, OWN, Registry, backbones, distances, heads, preprocesses
from twinnet.tower import Tower

if TYPE_CHECKING:
    from twinnet.network import TwinNetwork

Network = TypeVar("Network", bound="TwinNetwork")

MANIFEST = "twin.json"
WEIGHTS = "model.safetensors"
DISTANCE_WEIGHTS = "distance.safetensors"
INT8_RANGES = "int8_ranges.safetensors"
INT8_ACTIVATIONS = "int8_activations.safetensors"
OPERATING_POINTS = "operating_points"
OTHER = "other"
FORMAT = 1


def save(network: TwinNetwork, folder: Path) -> Path:
    """Write a network into `folder`, replacing a saved network that is there; other files beside it stay.

    Raises:
        TwinnetError: If `folder` holds something else, or cannot be written (the folder is left as it was), or a part
            cannot be described.
    """
    check_savable(network)
    with whole_folder(folder, MANIFEST, "network") as temporary:
        _write(network, temporary)
    return folder


def check_destination(folder: Path) -> None:
    """Check that `save` may write there, before the work whose result it will save.

    Raises:
        TwinnetError: If something else than a saved network is there.
    """
    check_replaceable(folder, MANIFEST, "network")


def check_savable(network: TwinNetwork) -> None:
    """Check that every part can be described, before the work whose result `save` will write.

    Raises:
        TwinnetError: If the class of a part is not registered, or an argument of it is no JSON value.
    """
    for registry, part in _parts(network):
        try:
            json.dumps(registry.spec_of(part))
        except TypeError as error:
            raise TwinnetError(
                f"{type(part).__name__} cannot be saved, since its arguments must be JSON values: {error}"
            ) from error


def load(cls: type[Network], folder: Path) -> Network:
    """Read a network that `save` wrote, after checking every file against its checksum.

    Raises:
        TwinnetError: If there is no saved network, or a file is missing, truncated or changed.
    """
    manifest = _read_manifest(folder)
    check_files(folder, manifest["files"], "network")
    _check_strangers(folder, manifest["files"])
    _check_plugins(folder, manifest.get("plugins", []))
    try:
        tower = _load_tower(folder, manifest["tower"])
        other = _load_other(folder, manifest["other"], tower)
        distance = distances.create(manifest["distance"])
    except KeyError as error:
        raise TwinnetError(f"{folder / MANIFEST}: {error} is missing: save the network again") from error
    if (folder / DISTANCE_WEIGHTS).is_file():
        _fill(distance.load_state_dict, folder / DISTANCE_WEIGHTS)
    network = cls(tower.backbone, tower.head, distance, tower.preprocess, other)
    network.tower.activation_ranges = tower.activation_ranges
    network.truncate_dim = manifest.get("truncate_dim")
    if (folder / INT8_RANGES).is_file():
        ranges = read_weights(folder / INT8_RANGES)
        network.int8_ranges = Int8Ranges(ranges["low"].numpy(), ranges["high"].numpy())
    network.operating_points = read_operating_points(folder / OPERATING_POINTS)
    return network


def read_operating_points(folder: Path) -> dict[int, OperatingPoint]:
    """The operating points in a folder, by the number of references; none where there is no such folder.

    Raises:
        TwinnetError: If a file is no operating point.
    """
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    points = [OperatingPoint.from_json(path.read_text(encoding="utf-8"), str(path)) for path in paths]
    return {point.references: point for point in points}


def write_operating_points(points: Mapping[int, OperatingPoint], folder: Path) -> None:
    """Write operating points as `read_operating_points` reads them."""
    folder.mkdir(exist_ok=True)
    for references, point in points.items():
        (folder / f"{references}.json").write_text(point.to_json(), encoding="utf-8")


def head_folder(position: int, layer: nn.Module) -> str:
    """The subfolder of a head layer, numbered from 1 behind the backbone, as sentence-transformers has it."""
    return f"{position + 1}_{type(layer).__name__}"


def _write(network: TwinNetwork, folder: Path) -> None:
    manifest: dict[str, Any] = {"format": FORMAT, "tower": _save_tower(network.tower, folder), "other": None}
    if network.other is not None:
        manifest["other"] = _save_other(network.tower, network.other, folder / OTHER)
    manifest["distance"] = distances.spec_of(network.distance)
    manifest["truncate_dim"] = network.truncate_dim
    manifest["plugins"] = _plugins(network)
    if network.distance.state_dict():
        write_weights(folder / DISTANCE_WEIGHTS, network.distance.state_dict())
    if network.int8_ranges is not None:
        ranges = {"low": network.int8_ranges.low, "high": network.int8_ranges.high}
        write_weights(folder / INT8_RANGES, {name: torch.from_numpy(values) for name, values in ranges.items()})
    if network.operating_points:
        write_operating_points(network.operating_points, folder / OPERATING_POINTS)
    if network.tower.preprocess is not None:
        network.tower.preprocess.write_companions(network, folder)
    manifest["files"] = checksums(folder)
    manifest["sha256"] = manifest_checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _save_tower(tower: Tower, folder: Path, *, backbone_is_shared: bool = False) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    if not backbone_is_shared:
        write_weights(folder / WEIGHTS, tower.backbone.weights())
    for position, layer in enumerate(tower.head):
        if layer.state_dict():
            (folder / head_folder(position, layer)).mkdir()
            write_weights(folder / head_folder(position, layer) / WEIGHTS, layer.state_dict())
    if tower.preprocess is not None:
        tower.preprocess.save(folder)
    if tower.activation_ranges is not None:
        tower.activation_ranges.save(folder / INT8_ACTIVATIONS)
    return {
        "preprocess": None if tower.preprocess is None else preprocesses.spec_of(tower.preprocess),
        "backbone": None if backbone_is_shared else backbones.spec_of(tower.backbone),
        "head": [heads.spec_of(layer) for layer in tower.head],
    }


def _save_other(tower: Tower, other: Tower, folder: Path) -> dict[str, Any]:
    spec = _save_tower(other, folder, backbone_is_shared=other.backbone is tower.backbone)
    places = {id(layer): place for place, layer in enumerate(tower.head)}
    shared = {str(place): places[id(layer)] for place, layer in enumerate(other.head) if id(layer) in places}
    return spec | {"head_is_shared": other.head is tower.head, "shared_layers": shared}


def _plugins(network: TwinNetwork) -> list[str]:
    """The packages, with their versions, that brought parts of the network."""
    entries = [registry.entry_of(part) for registry, part in _parts(network)]
    return sorted({entry.origin for entry in entries if entry.package not in ("", OWN)})


def _parts(network: TwinNetwork) -> Iterator[tuple[Registry[Any], Component]]:
    """The parts, each with where its kind is registered."""
    yield distances, network.distance
    for tower in network.towers:
        yield backbones, tower.backbone
        yield from ((heads, layer) for layer in tower.head)
        if tower.preprocess is not None:
            yield preprocesses, tower.preprocess


def _check_strangers(folder: Path, files: Mapping[str, str]) -> None:
    """Other files may lie beside a network, but none that would be taken for a part of it."""
    optional = (DISTANCE_WEIGHTS, INT8_RANGES, INT8_ACTIVATIONS, f"{OTHER}/{INT8_ACTIVATIONS}")
    parts = [folder / name for name in optional] + sorted((folder / OPERATING_POINTS).glob("*.json"))
    for path in parts:
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            raise TwinnetError(f"{path}: was not saved with the network: remove it, or save the network again")


def _check_plugins(folder: Path, plugins: list[str]) -> None:
    installed = {entry.package for registry in ALL for entry in registry.entries()}
    missing = [plugin for plugin in plugins if plugin.split()[0] not in installed]
    if missing:
        raise TwinnetError(f"{folder}: the network has parts of {', '.join(missing)}: install that first")


def _load_tower(folder: Path, spec: Mapping[str, Any], shared: Tower | None = None) -> Tower:
    backbone = shared.backbone if shared is not None else None
    if backbone is None:
        backbone = backbones.create(spec["backbone"])
        _fill(backbone.load_weights, folder / WEIGHTS)
    preprocess = spec["preprocess"]
    if preprocess is not None:
        config = {key: value for key, value in preprocess.items() if key != "name"}
        try:
            preprocess = preprocesses.get(preprocess["name"]).load(folder, config)
        except TypeError as error:
            raise TwinnetError(
                f"{folder}: a preprocess of another version of twinnet or of a plugin ({error})"
            ) from error
    tower = Tower(backbone, list(spec["head"]), preprocess)
    for position, layer in enumerate(tower.head):
        if layer.state_dict():
            _fill(layer.load_state_dict, folder / head_folder(position, layer) / WEIGHTS)
    if (folder / INT8_ACTIVATIONS).is_file():
        tower.activation_ranges = ActivationRanges.load(folder / INT8_ACTIVATIONS)
    return tower


def _load_other(folder: Path, spec: Mapping[str, Any] | None, tower: Tower) -> Tower | None:
    if spec is None:
        return None
    other = _load_tower(folder / OTHER, spec, tower if spec["backbone"] is None else None)
    if spec["head_is_shared"]:
        other.head = tower.head
    for place, own in spec.get("shared_layers", {}).items():
        other.head.layers[int(place)] = tower.head.layers[own]
    return other


def _fill(load_weights: Any, path: Path) -> None:
    try:
        load_weights(read_weights(path))
    except (RuntimeError, AttributeError) as error:
        raise TwinnetError(f"{path}: the weights do not fit the network that {MANIFEST} describes: {error}") from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise TwinnetError(f"{folder} holds no saved network: there is no {MANIFEST}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        known = manifest["format"] <= FORMAT
        whole = manifest["sha256"] == manifest_checksum(manifest)
        dict(manifest["files"]), dict(manifest["tower"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TwinnetError(f"{path}: damaged ({error}): restore it or save the network again") from error
    if not known:
        raise TwinnetError(f"{path}: format {manifest['format']} is newer than this twinnet: upgrade it")
    if not whole:
        raise TwinnetError(f"{path}: changed since the network was saved: restore it or save the network again")
    found: dict[str, Any] = manifest
    return found
