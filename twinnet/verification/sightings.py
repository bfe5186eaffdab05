"""Everybody in a picture or a video, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from twinnet.image.decoding import Pixels, decode
from twinnet.verification.gallery import Gallery, Identification
from twinnet.video.reader import Frame, Video

KNOWN, NOBODY = (40, 170, 60), (200, 60, 50)
LEAST_TEXT = 12


@dataclass(frozen=True)
class Sighting:
    """Somebody in a picture.

    Attributes:
        box: Where, as x, y, width and height in pixels; None where the network takes the picture as a whole.
        who: Who it is.
    """

    box: tuple[float, float, float, float] | None
    who: Identification

    def to_dict(self) -> dict[str, Any]:
        """The values by name, for JSON."""
        return {"box": self.box, **self.who.to_dict()}


def sightings(gallery: Gallery, picture: Any) -> list[Sighting]:
    """Everybody in a picture; nobody where no face is found.

    Args:
        gallery: Who is known. A preprocess with a method `detect` finds several faces in a picture.
        picture: A picture, as the network takes it.

    Raises:
        TwinnetError: If the picture cannot be taken, or the network has no operating point.
    """
    detect = getattr(gallery.network.tower.reader(), "detect", None)
    if detect is None:
        return [Sighting(None, who) for who in gallery.identify([picture])]
    pixels = decode(picture)
    faces = detect(pixels)
    found = gallery.identify([(pixels, face) for face in faces]) if faces else []
    return [Sighting(face.box, who) for face, who in zip(faces, found, strict=True)]


def sightings_in_video(gallery: Gallery, video: Video) -> Iterator[tuple[Frame, list[Sighting]]]:
    """Each frame of a video with everybody in it."""
    for frame in video:
        yield frame, sightings(gallery, frame.pixels)


def draw_sightings(pixels: Pixels, seen: list[Sighting]) -> Pixels:
    """A copy of a picture (H, W, 3) with boxes, names and scores."""
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    size = max(LEAST_TEXT, picture.height // 30)
    font = ImageFont.load_default(size)
    for sighting in seen:
        colour = NOBODY if sighting.who.name is None else KNOWN
        x, y, width, height = sighting.box or (1, 1, picture.width - 3, picture.height - 3)
        draw.rectangle((x, y, x + width, y + height), outline=colour, width=max(2, size // 8))
        score = "" if sighting.who.score is None else f" {sighting.who.score:.2f}"
        text = f"{sighting.who.name or 'nobody'}{score}"
        corner = (x, y - size * 1.3 if y > size * 1.3 else y + height)
        draw.rectangle(draw.textbbox(corner, text, font=font), fill=colour)
        draw.text(corner, text, fill="white", font=font)
    return np.asarray(picture)
