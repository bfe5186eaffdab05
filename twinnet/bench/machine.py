"""What a benchmark ran on, and how fast that machine multiplies matrices."""

from __future__ import annotations

import os
import platform
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

# What decides how fast a CPU multiplies matrices in each precision.
FLAGS = ("avx2", "f16c", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "amx_bf16")
PACKAGES = ("twinnet", "torch", "numpy", "transformers", "opencv-python", "timm", "sentence-transformers")
SIDE, GPU_SIDE = 1024, 8192
PRODUCTS = 10
# Seconds after which a kind of number that the processor cannot multiply is measured well enough.
PATIENCE = 0.5


def describe(device: torch.device | str = "cpu") -> dict[str, Any]:
    """The machine, its threads, what else runs on it, and the versions of what is compared."""
    name, flags = _processor()
    gpu = torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else None
    return {
        "cpu": name,
        "gpu": gpu,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "flags": [flag for flag in FLAGS if flag in flags],
        "ceilings": ceilings(device),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "versions": {"python": platform.python_version()} | _versions(),
    }


def gflops(kind: torch.dtype = torch.float32, device: torch.device | str = "cpu") -> float:
    """Billions of operations a second in products of square matrices, the best of a few."""
    side = SIDE if torch.device(device).type == "cpu" else GPU_SIDE
    a = torch.randint(-9, 9, (side, side), dtype=torch.int8).to(device, kind)
    multiply = torch._int_mm if kind == torch.int8 else torch.mm
    multiply(a, a)  # the first one loads what it needs
    seconds: list[float] = []
    while len(seconds) < PRODUCTS and sum(seconds) < PATIENCE:
        begin = time.perf_counter()
        multiply(a, a)
        if a.device.type != "cpu":
            torch.accelerator.synchronize(device)
        seconds.append(time.perf_counter() - begin)
    return 2 * side**3 / min(seconds) / 1e9


def ceilings(device: torch.device | str = "cpu") -> dict[str, float]:
    """What products of matrices reach in each precision that there is, in billions of operations a second."""
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.int8}
    found = {}
    for name, kind in kinds.items():
        with suppress(RuntimeError, NotImplementedError):
            found[name] = gflops(kind, device)
    return found


def _processor() -> tuple[str, set[str]]:
    """The processor's name, and the instruction sets that Linux lists."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return facts.get("model name", platform.machine()), set(facts.get("flags", "").split())


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
