"""The tracker: any number of targets, one pass of the network for each frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from twinnet.acceleration.precision import to_numpy
from twinnet.boxes import Boxes, centres, check_box
from twinnet.errors import TwinnetError
from twinnet.image.decoding import Pixels
from twinnet.network import TwinNetwork
from twinnet.tracking.boxmap import BoxMapReader
from twinnet.tracking.compiled import Array
from twinnet.tracking.crops import Region, crop, crops, exemplar_region, mean_colour, search_region
from twinnet.tracking.look import Look
from twinnet.tracking.passes import Passes
from twinnet.tracking.preprocess import TrackingPreprocess
from twinnet.tracking.protocol import knows_boxes, target_places
from twinnet.tracking.response import ResponseReader
from twinnet.tracking.target import Target

# The largest stride of the backbones in use: search regions of whole such steps keep the cells of all depths aligned.
DEEPEST = 32

# A target that is hardly seen is still followed. Where scores are probabilities, one below this share of the threshold
# says that nothing is there to follow.
HOLD = 0.2

# A target that is surely seen shows every so many frames what it looks like now, and so much of that is taken in.
SURE = 0.7
EVERY = 10
PACE = 0.5


class Tracker:
    """Follows targets from frame to frame. It holds nothing about a target.

    Args:
        network: A tracking network, see `twinnet.tracking.protocol`.
        threshold: The score below which a target counts as lost; that of the network's operating point unless given.
            Without either no target is ever lost.
        fast: A smaller search region where the network knows boxes; one size of it instead of several where it does
            not, which makes it blind to changes of size.
        **constants: Constants of inference that replace the network's own, see `Inference`.

    Raises:
        TwinnetError: If the network is no tracking network, or a constant is unknown.
    """

    def __init__(
        self, network: TwinNetwork, *, threshold: float | None = None, fast: bool = False, **constants: float
    ) -> None:
        preprocess = network.tower.preprocess
        stride = network.tower.backbone.stride
        if not isinstance(preprocess, TrackingPreprocess) or stride is None:
            raise TwinnetError("this is no tracking network: it needs the preprocess 'tracking' and a backbone of maps")
        self.preprocess = preprocess
        self.stride = stride
        point = network.operating_point
        if point is not None and threshold is None:
            point.check(network)
            threshold = point.threshold
        if threshold is not None and math.isnan(threshold):
            raise TwinnetError(f"threshold {threshold!r}: expected a number")
        self.threshold = threshold
        self.log_odds = bool(getattr(network.distance, "log_odds", False))
        self.hold = HOLD if self.log_odds else 1.0
        self.knows_boxes = knows_boxes(network)
        self.search_size = preprocess.search_size
        if fast or self.knows_boxes:
            constants["scales"] = 1
        if fast and self.knows_boxes:
            self.search_size = fast_search_size(preprocess.exemplar_size, preprocess.search_size)
        try:
            self.inference = replace(preprocess.inference, **constants)  # type: ignore[arg-type]
        except TypeError as error:
            raise TwinnetError(f"constants of inference: {error}") from error
        half = self.inference.scales // 2
        self.factors = self.inference.scale_step ** np.linspace(-half, half, self.inference.scales)
        self.passes = Passes(network, self.search_size)
        self.network = self.passes.network
        self._readers: dict[int, Any] = {}

    def start(self, frame: Pixels, boxes: Any) -> list[Target]:
        """Begin to follow what is in boxes.

        Args:
            frame: RGB, uint8 (H, W, 3).
            boxes: Boxes (N, 4).

        Raises:
            TwinnetError: If a box has no area or lies outside the frame.
        """
        size = (frame.shape[1], frame.shape[0])
        checked = [check_box(box, size) for box in boxes]
        border = mean_colour(frame)
        looks = self.looks(frame, checked)
        return [
            Target(look, look, look, centres(box), box[2:].copy(), box[2:].copy(), border, size)
            for look, box in zip(looks, checked, strict=True)
        ]

    def looks(self, frame: Pixels, boxes: Sequence[Boxes]) -> list[Look]:
        """What is in boxes of a frame."""
        border = mean_colour(frame)
        size = self.preprocess.exemplar_size
        regions = [exemplar_region(box, self.preprocess.context) for box in boxes]
        maps = self.passes.maps(np.stack([crop(frame, region, size, border) for region in regions]), "left")
        return [
            Look(one, box[2:] * (size / region.side))
            for one, box, region in zip(maps.split(1), boxes, regions, strict=True)
        ]

    def see(self, frame: Pixels, target: Target) -> None:
        """Take the exemplar of a target that began as a bare picture from the frame where it was found."""
        if target.bare:
            (look,) = self.looks(frame, [target.whole])
            target.exemplar = target.first = target.recent = look
            target.first_size = target.size.copy()
            target.border = mean_colour(frame)
            target.bare = False

    def compared(self, exemplar: Tensor, others: Tensor) -> Array:
        """What the distance scores one exemplar map (1, C, h, w) with others (N, C, h, w): (N,), see `scored`."""
        distance: Any = self.network.distance
        a, b = exemplar.expand_as(others), others
        if hasattr(distance, "middle"):
            a, b = distance.middle(a), distance.middle(b)
        with torch.inference_mode():
            return to_numpy(distance.to_score(distance.pairwise(a.flatten(1), b.flatten(1))))

    def scored(self, scores: Any) -> Any:
        """Scores as they are reported: probabilities where the network gives log odds."""
        return 1 / (1 + np.exp(-np.asarray(scores))) if self.log_odds else scores

    def judge(self, target: Target, score: float) -> None:
        """Note the score of what was found, and what it says of the target."""
        target.score = score
        target.lost = self.threshold is not None and score < self.threshold
        target.gone = self.threshold is not None and score < self.threshold * self.hold

    def follow(self, frame: Pixels, targets: Sequence[Target]) -> None:
        """Look for each target around its last place, and move it to where it is unless it is gone.

        Args:
            frame: RGB, uint8 (H, W, 3), of the same size as the first.
            targets: What `start` gave, from this or any earlier frame.
        """
        if not targets:
            return
        regions = [self._regions(target) for target in targets]
        size = self.search_size
        cuts = np.concatenate(
            [crops(frame, around, size, target.border) for around, target in zip(regions, targets, strict=True)]
        )
        read = self._read_boxes if self.knows_boxes else self._read_scores
        read(cuts, targets, regions)
        self._remember(frame, targets)

    def _remember(self, frame: Pixels, targets: Sequence[Target]) -> None:
        for target in targets:
            target.age += 1
        due = [t for t in targets if t.age % EVERY == 0 and t.score > SURE and not t.bare]
        if self.inference.memory and due:
            for target, look in zip(due, self.looks(frame, [t.whole for t in due]), strict=True):
                target.learn(look, PACE, self.inference.memory)

    def _regions(self, target: Target) -> list[Region]:
        middle = search_region(target.whole, self.preprocess.exemplar_size, self.search_size, self.preprocess.context)
        return [middle.scaled(float(factor)) for factor in self.factors]

    def _read_scores(self, cuts: Pixels, targets: Sequence[Target], regions: Sequence[Sequence[Region]]) -> None:
        count = self.inference.scales
        exemplars = torch.cat([target.exemplar.map.expand(count, -1, -1, -1) for target in targets])
        responses = self.passes.scores(exemplars, cuts)
        reader: ResponseReader = self._reader(ResponseReader, responses.shape[-1], exemplars.shape[-1])
        for number, target in enumerate(targets):
            own = responses[number * count : (number + 1) * count]
            peak = reader.peak(own)
            region = regions[number][peak.scale]
            growth = 1 + self.inference.scale_damping * (self.factors[peak.scale] - 1)
            self._place(target, region, peak.place, target.size * growth, float(self.scored(peak.score)))
            self._keep_map(target, own[peak.scale], region)

    def _read_boxes(self, cuts: Pixels, targets: Sequence[Target], regions: Sequence[Sequence[Region]]) -> None:
        exemplars = [target.exemplar.map for target in targets]
        zooms = [self.search_size / region[0].side for region in regions]
        sizes = np.stack([target.size * zoom for target, zoom in zip(targets, zooms, strict=True)])
        exemplar_sizes = np.stack([target.exemplar.size for target in targets])
        scores, edges = self.passes.boxes(exemplars, cuts, exemplar_sizes)
        reader: BoxMapReader = self._reader(BoxMapReader, scores.shape[-1], exemplars[0].shape[-1])
        for number, target in enumerate(targets):
            choice = reader.choose(scores[number], edges[number], sizes[number])
            new_size = target.size + choice.trust * (choice.size / zooms[number] - target.size)
            self._place(target, regions[number][0], choice.place, new_size, choice.score)
            self._keep_map(target, scores[number], regions[number][0])

    def _place(self, target: Target, region: Region, place: Boxes, size: Boxes, score: float) -> None:
        self.judge(target, score)
        if not target.gone:
            centre = region.to_frame(place, self.search_size)
            target.move(centre, size, self.inference.smallest, self.inference.largest)

    def _keep_map(self, target: Target, scores: Array, region: Region) -> None:
        target.scores = scores
        target.reach = len(scores) * self.stride * region.side / self.search_size
        target.map_centre = np.array([region.x, region.y])

    def _reader(self, kind: Any, count: int, exemplar_cells: int) -> Any:
        if count not in self._readers:
            kernel = getattr(self.network.distance, "kernel", None)
            places = target_places(count, self.stride, self.preprocess.exemplar_size, exemplar_cells, kernel)
            self._readers[count] = kind(places, self.search_size, self.inference)
        return self._readers[count]


def fast_search_size(exemplar_size: int, search_size: int) -> int:
    """A third of the reach around the exemplar, in whole cells of the deepest maps."""
    reach = (search_size - exemplar_size) // 3 // DEEPEST * DEEPEST
    return min(search_size, exemplar_size + max(DEEPEST, reach))
