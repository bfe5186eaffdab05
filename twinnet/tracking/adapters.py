"""The tracker behind the interfaces of other libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinnet.boxes import Boxes
from twinnet.errors import TwinnetError
from twinnet.network import TwinNetwork
from twinnet.tracking.follower import Follower
from twinnet.tracking.tracker import Tracker
from twinnet.video.frames import as_frame


class FrameTracker:
    """One target, frame by frame, as the trackers of OpenCV have it: `init(image, box)`, then `update(image)`.

    Args:
        network: A tracking network, or a tracker.
        bgr: Whether the images have OpenCV's order of colours and not RGB.
        **options: As for `Tracker`.

    Attributes:
        score: How close the target is to its exemplar in the last image; larger is closer.
    """

    def __init__(self, network: TwinNetwork | Tracker, *, bgr: bool = False, **options: Any) -> None:
        self.tracker = network if isinstance(network, Tracker) else Tracker(network, **options)
        self.bgr = bgr
        self.score = float("nan")
        self._follower: Follower | None = None

    def init(self, image: Any, box: Any) -> None:
        """Begin with the box x, y, w, h in an image (H, W, 3).

        Raises:
            TwinnetError: If the box has no area or lies outside the image.
        """
        frame = self._frame(image)
        self._follower = Follower(self.tracker, self.tracker.start(frame, [box]))
        self.score = 1.0

    def update(self, image: Any) -> tuple[bool, Boxes]:
        """Whether the target is there, and its box, which is the last one where nothing like it is seen.

        Raises:
            TwinnetError: If there was no `init`, or the image has another size than the first.
        """
        if self._follower is None:
            raise TwinnetError("call init(image, box) before update(image)")
        target, frame = self._follower.targets[0], self._frame(image)
        if frame.shape[1::-1] != target.frame_size:
            width, height = target.frame_size
            raise TwinnetError(
                f"this image is {frame.shape[1]} x {frame.shape[0]}, the first was {width} x {height}: call init anew"
            )
        self._follower.follow(frame)
        target = self._follower.targets[0]
        self.score = target.score
        return not target.lost, target.box

    def _frame(self, image: Any) -> Any:
        frame = as_frame(image)
        return np.ascontiguousarray(frame[..., ::-1]) if self.bgr else frame


def got10k_tracker(network: TwinNetwork | Tracker, name: str = "twinnet", **options: Any) -> Any:
    """A tracker for the experiments of the got10k toolkit, whose boxes count pixels from 1.

    Args:
        network: A tracking network, or a tracker.
        name: What the toolkit calls it.
        **options: As for `Tracker`.

    Raises:
        TwinnetError: If the toolkit is not installed.
    """
    try:
        from got10k.trackers import Tracker as ToolkitTracker
    except ImportError as error:
        raise TwinnetError(f"the got10k toolkit cannot be imported ({error}): pip install got10k") from error
    inner = FrameTracker(network, **options)
    first = np.array([1.0, 1.0, 0.0, 0.0])

    class Adapter(ToolkitTracker):
        def __init__(self) -> None:
            super().__init__(name, is_deterministic=True)

        def init(self, image: Any, box: Any) -> None:
            inner.init(image, np.asarray(box) - first)

        def update(self, image: Any) -> Boxes:
            box: Boxes = inner.update(image)[1] + first
            return box

    return Adapter()
