"""What is made of a module and kept until its weights or its parts change."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Lock, RLock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

Made = TypeVar("Made")
# How many numbers of each tensor tell whether it has changed.
SAMPLES = 16
# Attributes of these types, and tuples of them, are settings.
PLAIN = {bool, int, float, str}

_KEPT: WeakKeyDictionary[nn.Module, tuple[Any, dict[Hashable, Any]]] = WeakKeyDictionary()
_MAKING, _CHANGING = RLock(), Lock()


def kept(owner: nn.Module, key: Hashable, make: Callable[[], Made]) -> Made:
    """What was made of a module before under that key, as long as its parts, weights and ranges are the same.

    Args:
        owner: The module; what was made of it is forgotten with it.
        key: What else distinguishes it.
        make: Makes it where that was not done yet. It must not hold on to `owner` afterwards.
    """
    known = all_kept(owner)
    if key not in known:
        with _MAKING:  # another thread may have made it by now
            known = all_kept(owner)
            if key not in known:
                known[key] = make()
    made: Made = known[key]
    return made


def all_kept(owner: nn.Module) -> dict[Hashable, Any]:
    """All that was made of a module with its weights of now; what was made of others is forgotten."""
    state = _state(owner)
    if owner not in _KEPT or _KEPT[owner][0] != state:
        with _CHANGING:
            if owner not in _KEPT or _KEPT[owner][0] != state:
                _KEPT[owner] = (state, {})
    return _KEPT[owner][1]


def _state(module: nn.Module) -> tuple[Any, ...]:
    """What changes when what was made is no longer what the module computes."""
    # What `parameters()` and `buffers()` yield, in half the time: this is done before every sentence.
    modules = list(module.modules())
    parts = (kind for part in modules for kind in (part._parameters, part._buffers))
    tensors = [tensor for kind in parts for tensor in kind.values() if tensor is not None]
    versions = ((tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in tensors)
    ranges = getattr(module, "activation_ranges", None)
    return (*versions, _sampled(tensors), *map(_settings, modules), torch.get_num_threads(), ranges)


def _settings(module: nn.Module) -> tuple[Any, ...]:
    """Which module it is, what is hooked to it, and its attributes that are plain values."""
    plain = [value for name, value in module.__dict__.items() if name != "training" and _is_plain(value)]
    return (id(module), *module._forward_hooks, "before", *module._forward_pre_hooks, "plain", *plain)


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in PLAIN or (kind is tuple and all(type(part) in PLAIN for part in value))


def _sampled(tensors: Sequence[Tensor]) -> bytes:
    """Some of the numbers of each tensor: fused optimisers, and who writes into `.data`, change no version."""
    with torch.no_grad():
        some = [_spread(tensor) for tensor in tensors]
        return torch.cat(some).double().cpu().numpy().tobytes() if some else b""


def _spread(tensor: Tensor) -> Tensor:
    """Up to `SAMPLES` of a tensor's numbers, as they lie in memory, where an expanded one has fewer."""
    held = tensor.untyped_storage().nbytes() // tensor.element_size() - tensor.storage_offset()
    count = min(tensor.numel(), held)
    return tensor.as_strided((min(SAMPLES, count),), (max(1, count // SAMPLES),))
