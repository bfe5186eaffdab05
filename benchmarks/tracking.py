"""Frames a second of the tracker, of OpenCV's NanoTrack, and of SiamFC, in turns in one run.

python benchmarks/tracking.py SEQUENCE [--nano-backbone B.onnx --nano-head H.onnx] [--frames N] [--rounds N]

SEQUENCE is a folder as `twinnet eval tracking` takes it. Its frames are scaled to 480 x 360 and written into a video,
which every tracker decodes. Time is split by what it goes to; figures are medians over frames, of the best round.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import twinnet
from twinnet.data.sequences import read_sequences
from twinnet.tracking import tracker as tracking
from twinnet.tracking.adapters import FrameTracker
from twinnet.tracking.follower import Follower
from twinnet.tracking.peers import OpenCVPeer
from twinnet.tracking.siamfc import siamfc
from twinnet.video import VideoWriter, open_video

SIZE = (480, 360)
Frame = np.ndarray
Box = np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sequence")
    parser.add_argument("--model", default="tracker")
    parser.add_argument("--nano-backbone")
    parser.add_argument("--nano-head")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    network, alexnet = twinnet.load(options.model), siamfc()
    contestants: dict[str, Callable[[Frame, Box], Any]] = {
        "twinnet": partial(Ours, network),
        "twinnet --fast": partial(Ours, network, fast=True),
        "twinnet, 4 targets": partial(Ours, network, targets=4),
        "SiamFC in twinnet": partial(Ours, alexnet),
        "SiamFC as siamfc-pytorch has it": partial(PlainSiamFC, alexnet),
    }
    if options.nano_backbone:
        contestants["TrackerNano"] = lambda frame, box: Peer(
            OpenCVPeer("nanotrack", options.nano_backbone, options.nano_head), frame, box
        )
    with tempfile.TemporaryDirectory() as folder:
        film, box = make_film(Path(folder), options.sequence, options.frames)
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in contestants}
        speeds = []
        for _ in range(options.rounds):
            speeds.append(gflops())
            for name, make in contestants.items():
                runs[name].append(run(make, film, box))
    report(runs, max(speeds))


def report(runs: dict[str, list[dict[str, float]]], speed: float) -> None:
    best = {name: min(found, key=lambda split: split["frame"]) for name, found in runs.items()}
    print(f"matrix products in single precision: {speed:.0f} GFLOP/s on {torch.get_num_threads()} threads")
    for name, split in best.items():
        parts = ", ".join(f"{part} {1e3 * seconds:.2f}" for part, seconds in split.items() if part != "frame")
        beside = 1 - split.get("network", np.nan) / split["frame"]
        share = "" if np.isnan(beside) else f"; all but the network {100 * beside:.0f} %"
        print(f"{name:32s} {1 / split['frame']:6.1f} frames/s, ms a frame: {parts}{share}")
    if "TrackerNano" in best:
        for name in ("twinnet", "twinnet --fast"):
            print(f"{name} / TrackerNano: {best['TrackerNano']['frame'] / best[name]['frame']:.2f} times as fast")
    plain = best["SiamFC as siamfc-pytorch has it"]["frame"]
    print(f"SiamFC: {plain / best['SiamFC in twinnet']['frame']:.2f} times as fast as siamfc-pytorch's way")


def make_film(folder: Path, source: str, count: int) -> tuple[Path, Box]:
    (sequence, *_) = read_sequences(source)
    film = folder / "film.mp4"
    with VideoWriter(film) as writer:
        for path in sequence.frames[:count]:
            frame = cv2.imread(str(path))[..., ::-1]
            writer.write(cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA))
    scale = np.array(SIZE) / frame.shape[1::-1]
    return film, sequence.boxes[0] * [*scale, *scale]


def run(make: Callable[[Frame, Box], Any], film: Path, box: Box) -> dict[str, float]:
    """The median seconds of each part of a frame."""
    frames = iter(open_video(film))
    contestant = make(next(frames).pixels, box)
    splits = []
    for begin, decoded, frame in decode(frames):
        contestant.spent.clear()
        contestant.update(frame)
        end = time.perf_counter()
        split = {"frame": end - begin, "decode": decoded - begin, **contestant.spent}
        splits.append(split | {"rest": 2 * split["frame"] - sum(split.values())})
    return {part: float(np.median([split[part] for split in splits])) for part in splits[0]}


def decode(frames: Iterator[Any]) -> Iterator[tuple[float, float, Frame]]:
    while True:
        begin = time.perf_counter()
        frame = next(frames, None)
        if frame is None:
            return
        yield begin, time.perf_counter(), frame.pixels


class Ours:
    """twinnet's tracker, with the time that crops and the network take."""

    def __init__(
        self, network: twinnet.TwinNetwork, frame: Frame, box: Box, fast: bool = False, targets: int = 1
    ) -> None:
        self.spent: dict[str, float] = {}
        own = FrameTracker(network, fast=fast).tracker
        shifts = np.array([[0, 0, 0, 0], [40, 0, 0, 0], [0, 40, 0, 0], [-40, 0, 0, 0]])[:targets]
        self.follower = Follower(own, own.start(frame, box + shifts))
        own.network.register_forward_pre_hook(lambda *_: self._start())
        own.network.register_forward_hook(lambda *_: self._stop("network"))
        self.comparing = (own.network.distance, "locate" if own.knows_boxes else "dense")

    def _start(self) -> None:
        self.begin = time.perf_counter()

    def _stop(self, part: str) -> None:
        self.spent[part] = self.spent.get(part, 0.0) + time.perf_counter() - self.begin

    @contextmanager
    def _measuring(self, owner: Any, name: str, part: str) -> Iterator[None]:
        plain = getattr(owner, name)

        def timed(*arguments: Any) -> Any:
            begin = time.perf_counter()
            result = plain(*arguments)
            self.spent[part] = self.spent.get(part, 0.0) + time.perf_counter() - begin
            return result

        setattr(owner, name, timed)
        try:
            yield
        finally:
            setattr(owner, name, plain)

    def update(self, frame: Frame) -> None:
        with self._measuring(tracking, "crops", "crop"), self._measuring(*self.comparing, "network"):
            self.follower.follow(frame)


class Peer:
    """A tracker of OpenCV."""

    def __init__(self, peer: OpenCVPeer, frame: Frame, box: Box) -> None:
        self.spent: dict[str, float] = {}
        self.peer = peer
        peer.init(frame, box)

    def update(self, frame: Frame) -> None:
        self.peer.update(frame)


class PlainSiamFC:
    """Each scale is cut from a padded copy of the frame, and its whole response is enlarged."""

    def __init__(self, network: twinnet.TwinNetwork, frame: Frame, box: Box) -> None:
        self.spent: dict[str, float] = {}
        self.network = network
        self.centre, self.size = box[:2] + box[2:] / 2, box[2:].copy()
        self.side = np.sqrt(np.prod(self.size + self.size.sum() / 2))
        self.border = frame.mean((0, 1))
        self.factors = 1.0375 ** np.linspace(-1, 1, 3)
        self.window = np.outer(np.hanning(272), np.hanning(272))
        self.window /= self.window.sum()
        with torch.inference_mode():
            self.kernel = self.features([self.crop(frame, self.side, 127)])

    def features(self, cuts: list[Frame]) -> torch.Tensor:
        pixels = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).float()
        return self.network({"pixels": pixels})

    def crop(self, frame: Frame, side: float, out: int) -> Frame:
        left, top = np.round(self.centre - (round(side) - 1) / 2).astype(int)
        right, bottom = left + round(side), top + round(side)
        pad = max(0, -left, -top, right - frame.shape[1], bottom - frame.shape[0])
        padded = cv2.copyMakeBorder(frame, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=self.border.tolist())
        return cv2.resize(padded[top + pad : bottom + pad, left + pad : right + pad], (out, out))

    @torch.inference_mode()
    def update(self, frame: Frame) -> None:
        wide = self.side * 255 / 127
        maps = self.features([self.crop(frame, wide * factor, 255) for factor in self.factors])
        responses = F.conv2d(maps, self.kernel)[:, 0].numpy() * 1e-3
        fine = np.stack([cv2.resize(each, (272, 272), interpolation=cv2.INTER_CUBIC) for each in responses])
        fine[[0, 2]] *= 0.9745
        scale = fine.max((1, 2)).argmax()
        best = fine[scale] - fine[scale].min()
        best = (1 - 0.176) * best / (best.sum() + 1e-16) + 0.176 * self.window
        row, column = np.unravel_index(best.argmax(), best.shape)
        self.centre = self.centre + (np.array([column, row]) - 135.5) / 2 * wide * self.factors[scale] / 255
        grown = 0.41 + 0.59 * self.factors[scale]
        self.size, self.side = self.size * grown, self.side * grown


def gflops() -> float:
    a = torch.randn(1024, 1024)
    seconds = []
    for _ in range(20):
        begin = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - begin)
    return 2 * 1024**3 / min(seconds) / 1e9


if __name__ == "__main__":
    main()
