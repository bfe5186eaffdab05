"""A video and what to follow in it -> a stream of hits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinnet.boxes import Boxes, check_box
from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels
from twinnet.tracking.exemplars import Exemplar, as_exemplars
from twinnet.tracking.follower import Follower
from twinnet.tracking.search import find
from twinnet.tracking.target import Target
from twinnet.tracking.tracker import Tracker
from twinnet.video.reader import Frame, open_video


@dataclass(frozen=True, slots=True)
class Hit:
    """A target in a frame.

    Attributes:
        frame: The number of the frame, from 0.
        time: Seconds since the first frame, or None where the video has no clock.
        box: x, y, w, h in pixels, 0-based; where nothing like the target is seen, the box it had last.
        score: How close the exemplar is to what is in the box; larger is closer.
        lost: Whether the score is below the operating point.
        target: The name of the target: its number in a list, its key in a mapping.
    """

    frame: int
    time: float | None
    box: Boxes
    score: float
    lost: bool
    target: str = "0"


@dataclass(frozen=True)
class Tracks:
    """All hits as arrays, for K targets and T frames.

    Attributes:
        frames: Numbers of the frames (T,).
        times: Seconds (T,); not a number where the video has no clock.
        boxes: (T, 4) for one exemplar, (T, K, 4) for several; not a number before a target's first frame.
        scores: (T,) or (T, K), likewise.
        lost: (T,) or (T, K); true before a target's first frame.
        skipped: The numbers of the frames that could not be decoded.
    """

    frames: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    boxes: Boxes
    scores: npt.NDArray[np.float64]
    lost: npt.NDArray[np.bool_]
    skipped: list[int]


class Track:
    """Follows exemplars through a video while it is iterated: nothing is read ahead, and nothing is kept.

    Args:
        video: See `twinnet.video.open_video`.
        exemplar: See `twinnet.tracking.exemplars`.
        tracker: The tracker.
        redetect: Whether a lost target is looked for in the whole frame.

    Raises:
        TwinnetError: If there is no such video or no such exemplar.
    """

    def __init__(self, video: Any, exemplar: Any, tracker: Tracker, *, redetect: bool = True) -> None:
        self.exemplars = as_exemplars(exemplar)
        self.single = len(self.exemplars) == 1
        self.video = open_video(video)
        self.tracker = tracker
        self.redetect = redetect

    @property
    def skipped(self) -> list[int]:
        """The numbers of the frames that could not be decoded so far."""
        return self.video.skipped

    def __iter__(self) -> Iterator[Hit]:
        """Hits, frame by frame, in each frame in the order of the exemplars.

        Raises:
            TwinnetError: If a box lies outside the frame, or the video ends before the frame of an exemplar.
        """
        for frame, targets in self.frames():
            for name, target in targets.items():
                yield Hit(frame.number, frame.time, target.box, target.score, target.lost, name)

    def frames(self) -> Iterator[tuple[Frame, dict[str, Target]]]:
        """Frames with the targets in them, for pictures of both."""
        waiting = list(self.exemplars)
        names: list[str] = []
        follower = Follower(self.tracker, [], redetect=self.redetect)
        number = -1
        for frame in self.video:
            number = frame.number
            follower.follow(frame.pixels)
            beginning = [exemplar for exemplar in waiting if exemplar.frame <= number]
            for exemplar in beginning:
                if 0 < exemplar.frame < number:
                    raise TwinnetError(
                        f"{self.video.name}: frame {exemplar.frame} of the exemplar cannot be decoded: give its box in "
                        f"another one, as frame {number}"
                    )
                waiting.remove(exemplar)
                names.append(exemplar.name)
                follower.targets.append(self._begin(frame.pixels, exemplar))
            there = dict(zip(names, follower.targets, strict=True))
            yield frame, {one.name: there[one.name] for one in self.exemplars if one.name in there}
        if waiting:
            raise TwinnetError(
                f"{self.video.name} ends with frame {number}, before frame {waiting[0].frame} of the exemplar"
            )

    def run(self) -> Tracks:
        """Follow to the end of the video."""
        names = [exemplar.name for exemplar in self.exemplars]
        frames, times, rows = [], [], []
        for frame, targets in self.frames():
            frames.append(frame.number)
            times.append(np.nan if frame.time is None else frame.time)
            rows.append([_row(targets.get(name)) for name in names])
        table = np.array(rows, dtype=np.float64).reshape(len(rows), len(names), 6)
        if self.single:
            table = table[:, 0]
        return Tracks(
            np.array(frames, dtype=np.int64),
            np.array(times, dtype=np.float64),
            table[..., :4],
            table[..., 4],
            table[..., 5] > 0,
            list(self.skipped),
        )

    def _begin(self, frame: Pixels, exemplar: Exemplar) -> Target:
        if exemplar.picture is None:
            return self.tracker.start(frame, [exemplar.box])[0]
        return begin_with_picture(self.tracker, frame, exemplar.picture, exemplar.box)


def begin_with_picture(tracker: Tracker, frame: Pixels, picture: Pixels, box: Boxes | None) -> Target:
    """Find what a picture, or a box in it, shows in a frame, at the size it has there or another one.

    Raises:
        TwinnetError: If it is larger than the frame, or too small to be looked for in it.
    """
    height, width = picture.shape[:2]
    checked = check_box([0, 0, width, height] if box is None else box, (width, height))
    frame_size = (frame.shape[1], frame.shape[0])
    if checked[2] > frame_size[0] or checked[3] > frame_size[1]:
        raise TwinnetError(
            f"the exemplar of {checked[2]:g} x {checked[3]:g} is larger than the frame of {frame_size[0]} x "
            f"{frame_size[1]}: make it smaller"
        )
    target = tracker.start(picture, [checked])[0]
    target.frame_size = frame_size
    target.centre = np.array(frame_size) / 2
    target.bare = box is None
    found = find(tracker, frame, target)
    if found is None:
        raise TwinnetError("the exemplar is too small to be looked for in so large a frame: shrink the video")
    if not found.lost:
        tracker.see(frame, found)
    return found


def _row(target: Target | None) -> list[float]:
    if target is None:
        return [np.nan] * 5 + [1.0]
    return [*target.box, target.score, float(target.lost)]
