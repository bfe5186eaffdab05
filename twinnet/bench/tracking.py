"""Frames a second, and what the time of a frame goes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import twinnet
from twinnet.acceleration import multiplies_bfloat16
from twinnet.bench.contest import Contest, hold
from twinnet.bench.siamfc import PlainSiamFC
from twinnet.data.sequences import read_sequences
from twinnet.image.decoding import decode
from twinnet.tracking import tracker as tracking
from twinnet.tracking.follower import Follower
from twinnet.tracking.peers import OpenCVPeer
from twinnet.tracking.siamfc import siamfc
from twinnet.tracking.tracker import Tracker
from twinnet.video import VideoWriter, open_video

SIZE = (480, 360)
# Where further targets are, beside the first.
SHIFTS = np.array([[0, 0, 0, 0], [40, 0, 0, 0], [0, 40, 0, 0], [-40, 0, 0, 0]])


def tracking_speed(
    model: str, sequence: str, folder: Path, count: int, rounds: int, nanotrack: tuple[str, str] | None
) -> list[Contest]:
    """Follow what the sequence's first box shows, through a film of 480 x 360 pixels that each tracker decodes.

    What is known of twinnet's contestants is where the time goes, in milliseconds a frame, as medians over the frames.

    Args:
        model: A tracking network.
        sequence: A folder as `twinnet eval tracking` takes it.
        folder: Where the film is written.
        count: How many frames it has at most.
        rounds: How many turns each has.
        nanotrack: The files of NanoTrack's backbone and head, if OpenCV's tracker takes part.

    Raises:
        TwinnetError: If the sequence or a model cannot be read.
    """
    network, alexnet = twinnet.load(model), siamfc()
    film, box = _make_film(folder, sequence, count)
    ours: dict[str, Callable[[], Any]] = {
        "twinnet": lambda: Timed(network),
        "twinnet --fast": lambda: Timed(network, fast=True),
        "twinnet, 4 targets": lambda: Timed(network, targets=4),
    }
    siamfcs: dict[str, Callable[[], Any]] = {"twinnet": lambda: Timed(alexnet)}
    if multiplies_bfloat16(network.device):
        halved, half_alexnet = twinnet.load(model, precision="bfloat16"), siamfc()
        half_alexnet.precision = "bfloat16"
        siamfcs["twinnet bfloat16"] = lambda: Timed(half_alexnet)
        ours |= {
            "twinnet bfloat16": lambda: Timed(halved),
            "twinnet bfloat16, 4 targets": lambda: Timed(halved, targets=4),
        }
    peers: dict[str, Callable[[], Any]] = {}
    if nanotrack is not None:
        peers["cv2.TrackerNano"] = lambda: OpenCVPeer("nanotrack", *nanotrack)
    frames = sum(1 for _ in open_video(film))
    return [
        _hold("track", ours, peers, film, box, rounds, frames),
        _hold(
            "track with SiamFC",
            siamfcs,
            {"siamfc-pytorch's way": lambda: PlainSiamFC(alexnet)},
            film,
            box,
            rounds,
            frames,
        ),
    ]


def _hold(
    name: str,
    ours: dict[str, Callable[[], Any]],
    peers: dict[str, Callable[[], Any]],
    film: Path,
    box: Any,
    rounds: int,
    frames: int,
) -> Contest:
    def runs(makers: dict[str, Callable[[], Any]]) -> dict[str, Callable[[], Any]]:
        return {each: partial(_follow, make, film, box) for each, make in makers.items()}

    contest = hold(name, runs(ours), runs(peers), rounds=rounds, amount=frames, unit="frame")
    for each in ours:
        splits = [run.result for run in contest.runs[each]]
        contest.quality[each] = {f"{part} ms": 1e3 * float(np.median([s[part] for s in splits])) for part in splits[0]}
    return contest


def _make_film(folder: Path, source: str, count: int) -> tuple[Path, Any]:
    (sequence, *_) = read_sequences(source)
    film = folder / "film.mp4"
    with VideoWriter(film) as writer:
        for path in sequence.frames[:count]:
            frame = decode(path)
            writer.write(cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA))
    scale = np.array(SIZE) / frame.shape[1::-1]
    return film, sequence.boxes[0] * [*scale, *scale]


def _follow(make: Callable[[], Any], film: Path, box: Any) -> dict[str, float]:
    """Follow through the whole film; the median seconds of each part of a frame, for those who measure them."""
    frames = iter(open_video(film))
    contestant = make()
    contestant.init(next(frames).pixels, box)
    splits: list[dict[str, float]] = []
    for decoding, frame in _decoded(frames):
        begin = time.perf_counter()
        contestant.update(frame)
        whole = time.perf_counter() - begin
        if isinstance(contestant, Timed):
            spent = contestant.spent
            splits.append({"decode": decoding, **spent, "rest": whole - sum(spent.values())})
    return {part: float(np.median([split[part] for split in splits])) for part in splits[0]} if splits else {}


def _decoded(frames: Iterator[Any]) -> Iterator[tuple[float, Any]]:
    while True:
        begin = time.perf_counter()
        frame = next(frames, None)
        if frame is None:
            return
        yield time.perf_counter() - begin, frame.pixels


class Timed:
    """twinnet's tracker, with the time that crops and the network take.

    Args:
        network: What it compares with.
        fast: As for `twinnet.track`.
        targets: How many are followed.
    """

    def __init__(self, network: twinnet.TwinNetwork, *, fast: bool = False, targets: int = 1) -> None:
        self.spent: dict[str, float] = {}
        self.targets = targets
        self.own = Tracker(network, fast=fast)

    def init(self, image: Any, box: Any) -> None:
        """Begin with boxes beside each other."""
        self.follower = Follower(self.own, self.own.start(image, box + SHIFTS[: self.targets]))

    def update(self, image: Any) -> None:
        """Follow them into the next frame."""
        self.spent = {"crop": 0.0, "network": 0.0}
        search = "boxes" if self.own.knows_boxes else "scores"
        with self._measuring(tracking, "crops", "crop"), self._measuring(self.own.passes, search, "network"):
            self.follower.follow(image)

    @contextmanager
    def _measuring(self, owner: Any, name: str, part: str) -> Iterator[None]:
        plain = getattr(owner, name)

        def timed(*arguments: Any) -> Any:
            begin = time.perf_counter()
            result = plain(*arguments)
            self.spent[part] += time.perf_counter() - begin
            return result

        setattr(owner, name, timed)
        try:
            yield
        finally:
            setattr(owner, name, plain)
