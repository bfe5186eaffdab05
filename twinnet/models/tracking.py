"""`twinnet.track`: the tracker with a network by name."""

from __future__ import annotations

from os import PathLike
from typing import Any

from twinnet.models.loading import load, put
from twinnet.network import TwinNetwork
from twinnet.tracking.track import Track
from twinnet.tracking.tracker import Tracker

DEFAULT = "tracker"


def track(
    video: Any,
    exemplar: Any,
    *,
    model: str | PathLike[str] | TwinNetwork = DEFAULT,
    device: str | None = None,
    fast: bool = False,
    precision: str = "float32",
    redetect: bool = True,
    **options: Any,
) -> Track:
    """Follow something through a video.

    Args:
        video: A file of any container that OpenCV reads, a folder or glob of pictures, a camera index, an http or rtsp
            address, an array (T, H, W, 3), or any iterable of frames (RGB).
        exemplar: A box x, y, w, h in the first frame, a pair (n, box) for a box in frame n, a picture of the target
            (array, path or PIL image), a pair (picture, box), a list of these for several targets at once, or a
            mapping from names to them.
        model: A tracking network, its name or folder.
        device: Where to run, as torch names it.
        fast: A smaller search region, or one size of it instead of three, see `Tracker`.
        precision: What the network is computed in where it is named, see `twinnet.load`; one that is given has its own.
        redetect: Whether a lost target is looked for in the whole frame.
        **options: A `threshold` of one's own, or constants of inference, see `Tracker`.

    Returns:
        What can be iterated for hits as they come, or `run()` for arrays of all of them.

    Raises:
        TwinnetError: If there is no such video, exemplar or model.
    """
    network = model if isinstance(model, TwinNetwork) else load(model, precision=precision)
    if device is not None:
        network = put(network, device)
    return Track(video, exemplar, Tracker(network, fast=fast, **options), redetect=redetect)
