"""The precision of the computation, by name, and what of it this machine can do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from twinnet.acceleration import bert_cpu, bert_cuda
from twinnet.acceleration.compiling import can_compile
from twinnet.acceleration.processor import X86_BFLOAT16, has_instructions
from twinnet.batching import PADDING_SHARE
from twinnet.errors import TwinnetError, unknown_name
from twinnet.preprocess import Prepared
from twinnet.tower import Tower

PRECISIONS = ("float32", "bfloat16", "int8", "auto")
# The instruction sets of CPUs that multiply bfloat16 numbers themselves.
BFLOAT16_SETS = (*X86_BFLOAT16, "bf16")
# Compiling takes a second or two: networks of pictures save so much by this many.
WORTH_COMPILING = 200
# What padding may add to a batch where it is taken out again: few large batches are faster.
UNPADDED_SHARE = 1.0

Embed = Callable[[Sequence[Prepared]], npt.NDArray[Any]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Engine:
    """What embeds prepared items.

    Attributes:
        embed: Takes those of one batch to float32 rows (B, D).
        side_by_side: Whether a batch for each thread is faster than one batch by all threads.
        padding_share: What padding may add to a batch, see `plan_batches`.
    """

    embed: Embed
    side_by_side: bool = False
    padding_share: float = PADDING_SHARE


def running(tower: Tower, precision: str, items: int = 1) -> Engine:
    """What embeds with a tower.

    `bfloat16` is used only where the processor multiplies such numbers itself; elsewhere a warning is logged, and the
    computation is that of `float32`. `auto` is `bfloat16` where that is so, and `float32` elsewhere. BERT encoders are
    computed by oneDNN on CPUs with the instructions for the precision, and without padding on GPUs in `bfloat16`. Else,
    OpenVINO computes towers that are traceable (see `Component`) on CPUs: in `int8`; in `bfloat16`, where it is
    installed; and in `float32` where there are many items, and they are not texts.

    Args:
        tower: What embeds them, in evaluation mode.
        precision: One of `PRECISIONS`.
        items: How many there will be.

    Raises:
        TwinnetError: If it is unknown, or `int8` and the tower has no ranges or is not traceable, or OpenVINO is not
            installed.
    """
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    return _engine(tower, possible(precision, tower.device), items)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the processor has instructions for products of bfloat16 numbers."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and has_instructions(BFLOAT16_SETS)


def to_numpy(embedded: Tensor) -> npt.NDArray[Any]:
    """A tensor of any precision and device -> an array of float32."""
    rows: npt.NDArray[Any] = embedded.float().cpu().numpy()
    return rows


def possible(precision: str, device: torch.device) -> str:
    """What is computed in when that precision is asked for.

    Raises:
        TwinnetError: If it is "int8" and the device is no CPU.
    """
    if precision == "int8" and device.type != "cpu":
        raise TwinnetError(f"int8 runs on CPUs, and this network is on {device}: choose bfloat16 there")
    if precision in ("bfloat16", "auto"):
        native = multiplies_bfloat16(device)
        if precision == "bfloat16" and not native:
            _say_once("this processor has no products of bfloat16 numbers: computing in float32")
        return "bfloat16" if native else "float32"
    return precision


def _engine(tower: Tower, precision: str, items: int) -> Engine:
    """By oneDNN or OpenVINO where they can and are faster; else by torch."""
    forward = None
    if unpads := bert_cuda.is_unpaddable(tower, precision):
        forward = bert_cuda.unpadded(tower)
    elif bert_cpu.is_packable(tower, precision):
        forward = bert_cpu.packed(tower, precision)
    halved = precision == "bfloat16" and forward is None

    def by_torch(prepared: Sequence[Prepared]) -> npt.NDArray[Any]:
        with torch.inference_mode(), torch.autocast(tower.device.type, torch.bfloat16, enabled=halved):
            return to_numpy(tower.embed(prepared, forward))

    if forward is not None:
        return Engine(by_torch, side_by_side=not unpads, padding_share=UNPADDED_SHARE if unpads else PADDING_SHARE)
    if precision == "int8":
        if not tower.traceable:
            raise TwinnetError(
                "int8 compiles networks, and a part of this one is not `traceable`, or hooked: see docs/plugins.md"
            )
        from twinnet.acceleration.openvino import Embedder

        return Engine(Embedder(tower, precision))
    faster = precision == "bfloat16" or not tower.backbone.takes_tokens
    if faster and tower.device.type == "cpu" and can_compile() and tower.traceable:
        from twinnet.acceleration.openvino import where_trusted

        new = precision == "bfloat16" or items >= WORTH_COMPILING
        return Engine(where_trusted(tower, by_torch, precision, new=new))
    return Engine(by_torch)


@cache
def _say_once(message: str) -> None:
    log.warning(message)
