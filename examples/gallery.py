"""A gallery: enrol by a few pictures each, find them again, tell strangers from them, and draw names into a video.

    python examples/gallery.py [FOLDER [MODEL]]

FOLDER has one folder of pictures for each person, of which half are enrolled; MODEL is a network with an operating
point, such as "face". Without them, handwritten digits of scikit-learn stand for people, and 8 and 9 are the strangers.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

import twinnet
from twinnet.image.decoding import decode
from twinnet.verification.calibration import calibrate
from twinnet.verification.gallery import Gallery
from twinnet.verification.reading import read_trials
from twinnet.verification.sightings import draw_sightings, sightings_in_video
from twinnet.video.reader import open_video
from twinnet.video.writer import VideoWriter


def digits(folder: Path) -> Path:
    data = load_digits()
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for number, pixels in enumerate(data.images[data.target == digit][:6]):
            picture = Image.fromarray((255 - pixels * 15).astype("uint8")).resize((96, 96))
            picture.save(folder / str(digit) / f"{number}.png")
    return folder


net = twinnet.load(sys.argv[2] if len(sys.argv) > 2 else "efficientnet-lite0")
with tempfile.TemporaryDirectory() as temporary:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else digits(Path(temporary) / "digits")
    if net.operating_point is None:
        calibrate(net, read_trials(folder), target_fmr=0.03)
    people = {home.name: sorted(home.iterdir()) for home in sorted(folder.iterdir())}
    strangers = list(people)[-2:]

    gallery = Gallery(net)
    for name, pictures in people.items():
        if name not in strangers:
            gallery.enrol(name, pictures[: len(pictures) // 2])
    gallery.forget(next(iter(people)))
    gallery.save(Path(temporary) / "gallery")
    print(f"{len(gallery)} enrolled; at most {gallery.false_positive_bound():.0%} of strangers are taken for one")

    probes = [pictures[-1] for pictures in people.values()]
    for path, found in zip(probes, gallery.identify(probes), strict=True):
        print(f"{path.parent.name}: {found.name or 'nobody'} ({found.score:.3f}, threshold {found.threshold:.3f})")

    frames = np.stack([np.asarray(Image.fromarray(decode(path)).resize((160, 160))) for path in probes])
    with VideoWriter(Path(temporary) / "named.webm", fps=2) as video:
        for frame, seen in sightings_in_video(gallery, open_video(frames)):
            video.write(draw_sightings(frame.pixels, seen))
    print(f"{video.frames} frames written with names")
