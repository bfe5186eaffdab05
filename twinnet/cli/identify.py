"""`twinnet identify`: who of a gallery is in pictures, in a video, or before the camera?"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from twinnet.cli.options import VIDEOS, add_device, add_json, check_there, count, load_network
from twinnet.cli.output import as_json, destination
from twinnet.errors import ItemError, TwinnetError

if TYPE_CHECKING:
    from twinnet.verification.gallery import Gallery


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("gallery", metavar="GALLERY", help="the folder of the gallery, see `twinnet enrol`")
    parser.add_argument("pictures", metavar="PICTURE", nargs="*", help="pictures; each may show several people")
    parser.add_argument("--video", metavar="FILE", help="a video file, a folder of frames, or an address, instead")
    parser.add_argument("--camera", type=int, metavar="N", help="the camera with this number, instead")
    parser.add_argument("--out", metavar="FILE", help=f"the video with names and scores drawn, as {', '.join(VIDEOS)}")
    parser.add_argument("--frames", type=count, metavar="N", help="stop after so many frames")
    parser.add_argument("--model", metavar="NAME", help="a name or a folder (default: what the gallery was made with)")
    add_device(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    moving = [source for source in (options.video, options.camera) if source is not None]
    if len(moving) + bool(options.pictures) != 1:
        raise TwinnetError("give pictures, or --video, or --camera")
    if options.out:
        destination(options.out, VIDEOS)
        if not moving:
            raise TwinnetError("--out is for --video and --camera")
    gallery = load_gallery(options)
    result = _in_video(gallery, moving[0], options) if moving else _in_pictures(gallery, options.pictures)
    result |= {"people": len(gallery), "false_positive_bound": gallery.false_positive_bound()}
    print(as_json(result) if options.json else "\n".join(_lines(result)))


def load_gallery(options: argparse.Namespace) -> Gallery:
    """The gallery, with the network that it was made with."""
    from twinnet.verification.gallery import Gallery
    from twinnet.verification.gallery_folder import gallery_model

    options.model = options.model or gallery_model(options.gallery)
    if options.model is None:
        raise TwinnetError(f"{options.gallery} does not say what network it was made with: give --model")
    return Gallery.load(options.gallery, load_network(options))


def _in_pictures(gallery: Gallery, pictures: list[str]) -> dict[str, Any]:
    from twinnet.verification.sightings import sightings

    check_there(pictures)
    found = []
    for picture in pictures:
        try:
            seen = sightings(gallery, picture)
            reason = None if seen else "no face found"
        except ItemError as error:
            if error.is_bad_input:
                raise TwinnetError(error.problem) from error
            seen, reason = [], error.reason
        found.append({"picture": picture, "reason": reason, "seen": [sighting.to_dict() for sighting in seen]})
    return {"pictures": found}


def _in_video(gallery: Gallery, source: str | int, options: argparse.Namespace) -> dict[str, Any]:
    from contextlib import nullcontext
    from itertools import islice

    from tqdm import tqdm

    from twinnet.verification.sightings import draw_sightings, sightings_in_video
    from twinnet.video.reader import open_video
    from twinnet.video.writer import VideoWriter

    video = open_video(source)
    frames, seen = 0, Counter[str]()
    with VideoWriter(options.out, video.fps) if options.out else nullcontext() as writer:
        stream = islice(sightings_in_video(gallery, video), options.frames)
        for frame, people in tqdm(stream, total=options.frames or video.length, unit="frame", disable=None):
            frames += 1
            seen.update({sighting.who.name or "nobody" for sighting in people})
            if writer is not None:
                writer.write(draw_sightings(frame.pixels, people))
    return {"frames": frames, "frames_with": dict(seen.most_common()), "out": options.out}


def _lines(result: dict[str, Any]) -> Iterator[str]:
    for picture in result.get("pictures", []):
        for sighting in picture["seen"]:
            name, score = sighting["name"] or "nobody", sighting["score"]
            shown = "" if score is None else f" (score {score:.4f}, threshold {sighting['threshold']:.4f})"
            at = "" if sighting["box"] is None else " at {:.0f}, {:.0f}, {:.0f} x {:.0f}".format(*sighting["box"])
            yield f"{picture['picture']}: {name}{at}{shown}"
        if picture["reason"]:
            yield f"{picture['picture']}: {picture['reason']}"
    for name, frames in result.get("frames_with", {}).items():
        yield f"{name}: in {frames} of {result['frames']} frames"
    yield f"of strangers, at most {result['false_positive_bound']:.2g} are taken for one of {result['people']} people"
