"""What the CPU of this machine can do."""

from __future__ import annotations

from collections.abc import Iterable

import torch

# Those of x86 for products of bfloat16 numbers.
X86_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def has_instructions(names: Iterable[str]) -> bool:
    """Whether it has one of these instruction sets, as torch names them; False where torch does not know."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return False
    found = torch.cpu.get_capabilities()
    return any(found.get(name) is True for name in names)
