"""Sentences a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import torch

import twinnet
from twinnet.acceleration import multiplies_bfloat16, running
from twinnet.batching import plan_batches
from twinnet.bench.contest import Contest, hold
from twinnet.bench.operations import operations
from twinnet.bench.quality import Encode, least_cosine, spearman
from twinnet.data.examples import Examples
from twinnet.encoding import batch_budget, evaluating
from twinnet.errors import TwinnetError
from twinnet.models.loading import find_model
from twinnet.network import TwinNetwork

SINGLE = 50
# Which of them is fastest depends on the GPU and the sentences.
GPU_BATCHES = (128, 512, 2048)


def text(
    name: str, sentences: Sequence[str], rounds: int, peers: bool, pairs: Examples | None, device: str = "cpu"
) -> list[Contest]:
    """Encode all sentences, and the first fifty one at a time.

    The quality of a contestant is the least cosine of its embeddings to those of twinnet in float32, and the rank
    correlation with scored pairs.

    Args:
        name: A text network that sentence-transformers reads too.
        sentences: What is encoded.
        rounds: How many turns each has.
        peers: Whether sentence-transformers takes part.
        pairs: Pairs with a score.
        device: Where they are encoded.
    """
    network = twinnet.load(name, device=device)
    network.encode(sentences[:1])  # a network of anything else says so before others are loaded
    ours = {name: _ours(network, precision) for name, precision in _precisions(network).items()}
    theirs = _theirs(name, network.device) if peers else {}
    everyone = ours | theirs
    contests = []
    for work, items, run in (
        ("all at once", list(sentences), _all_at_once),
        ("one at a time", list(sentences[:SINGLE]), _one_at_a_time),
    ):
        needed = operations(run(_by_torch(network), items))
        for encode in everyone.values():
            encode(items[:SINGLE])
        contest = hold(
            work,
            {each: run(encode, items) for each, encode in ours.items()},
            {each: run(encode, items) for each, encode in theirs.items()},
            rounds=rounds,
            amount=len(items),
            unit="sentence",
            operations=needed,
            device=network.device,
        )
        reference = contest.runs["twinnet"][-1].result
        contest.quality = {
            each: {"cosine": least_cosine(runs[-1].result, reference)} for each, runs in contest.runs.items()
        }
        contests.append(contest)
    if pairs is not None:
        for each, encode in everyone.items():
            contests[0].quality[each]["spearman"] = spearman(encode, pairs)
    return contests


def _precisions(network: TwinNetwork) -> dict[str, str]:
    """What this machine can compute in, by the name of the contestant."""
    names = {"twinnet": "float32"}
    if multiplies_bfloat16(network.device):
        names["twinnet bfloat16"] = "bfloat16"
    with suppress(TwinnetError):
        running(network.tower, "int8")
        names["twinnet int8"] = "int8"
    return names


def _theirs(name: str, device: torch.device) -> dict[str, Encode]:
    """sentence-transformers as it is, and on a GPU with half as many bits and more sentences at once."""
    from sentence_transformers import SentenceTransformer

    def load(**settings: Any) -> Any:
        return SentenceTransformer(str(find_model(name)), device=str(device), model_kwargs=settings)

    def encoding(model: Any, batch: int) -> Encode:
        return lambda items: model.encode(items, batch_size=batch, show_progress_bar=False)

    found = {"sentence-transformers": encoding(load(), 32)}
    if device.type == "cuda":
        halved = load(dtype=torch.bfloat16)
        found |= {f"sentence-transformers bfloat16, {batch}": encoding(halved, batch) for batch in GPU_BATCHES}
    return found


def _ours(network: TwinNetwork, precision: str) -> Encode:
    return lambda items: network.encode(items, precision=precision, progress=False)


def _by_torch(network: TwinNetwork) -> Encode:
    """The same batches by operations that can be counted."""
    tower = network.tower
    reader = tower.reader()

    def encode(items: list[str]) -> Any:
        prepared = reader.prepare(items)
        with torch.inference_mode(), evaluating(tower):
            for batch in plan_batches([item.cost for item in prepared], batch_budget(tower, reader)):
                tower.embed([prepared[i] for i in batch])

    return encode


def _all_at_once(encode: Encode, items: list[str]) -> Callable[[], Any]:
    return lambda: encode(items)


def _one_at_a_time(encode: Encode, items: list[str]) -> Callable[[], Any]:
    return lambda: [encode([item]) for item in items]
