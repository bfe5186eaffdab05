"""Random changes of pictures in training: transforms of torchvision and one of our own, declared by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.overrides import TorchFunctionMode

from twinnet.errors import TwinnetError, unknown_name
from twinnet.image.decoding import Pixels
from twinnet.image.warp import Warp

NESTING = ("RandomApply", "RandomChoice", "RandomOrder", "Compose")

DRAWS = frozenset({
    torch.bernoulli, torch.multinomial, torch.normal, torch.rand, torch.randint, torch.randn, torch.randperm,
    torch._sample_dirichlet, Tensor.bernoulli_, Tensor.exponential_, Tensor.normal_, Tensor.random_, Tensor.uniform_,
})  # fmt: skip
LIKE: dict[Any, Callable[..., Tensor]] = {torch.rand_like: torch.rand, torch.randn_like: torch.randn}


class Augmentation:
    """Transforms of torchvision.transforms.v2, and twinnet's `Warp`, in order.

    Args:
        transforms: The name of each, or a mapping with its name and arguments, as in `{"name": "RandomRotation",
            "degrees": 10}`. `RandomApply`, `RandomChoice` and `RandomOrder` take such specs as their `transforms`.

    Raises:
        TwinnetError: If there is no such transform, or it does not take the arguments.
    """

    def __init__(self, transforms: Sequence[str | Mapping[str, Any]]) -> None:
        self.transforms = [_make(spec) for spec in transforms]

    def __call__(self, pixels: Pixels, seed: int) -> Pixels:
        """Change a picture (H, W, C) as `seed` decides; torch's own generators are neither used nor moved."""
        picture = torch.from_numpy(np.array(pixels.transpose(2, 0, 1)))  # (C, H, W)
        try:
            with _OwnRandom(Generator().manual_seed(seed)):
                for transform in self.transforms:
                    picture = transform(picture)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TwinnetError(
                f"augment: a uint8 picture {tuple(picture.shape)} cannot be changed so: {error}"
            ) from error
        if picture.dtype != torch.uint8 or picture.ndim != 3:
            raise TwinnetError(
                f"augment: a {picture.dtype} tensor of shape {tuple(picture.shape)} comes out and no uint8 picture: "
                "leave out transforms that change the type"
            )
        return np.ascontiguousarray(picture.numpy().transpose(1, 2, 0))


def _make(spec: str | Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    from torchvision.transforms import v2

    arguments: dict[str, Any] = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = str(arguments.pop("name", ""))
    transform = Warp if name == "Warp" else getattr(v2, name, None)
    if not (isinstance(transform, type) and issubclass(transform, (v2.Transform, Warp))):
        raise unknown_name("transform", name, ["Warp", *(key for key in vars(v2) if key[0].isupper())])
    if name in NESTING:
        arguments["transforms"] = [_make(nested) for nested in arguments.get("transforms", [])]
    try:
        made: Callable[[Tensor], Tensor] = transform(**arguments)
    except (TypeError, ValueError) as error:
        raise TwinnetError(f"transform {name!r}: {error}") from error
    return made


class _OwnRandom(TorchFunctionMode):
    """Lets every random function of torch that this thread calls draw from one generator."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        if func in DRAWS:
            return func(*args, **{"generator": self.generator, **(kwargs or {})})
        if func in LIKE:
            return LIKE[func](args[0].shape, dtype=args[0].dtype, generator=self.generator)
        return func(*args, **(kwargs or {}))
