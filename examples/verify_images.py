"""Verification of your own pictures: a threshold for a false match rate, a report on other pictures, a verdict.

    python examples/verify_images.py [DEV TEST]

DEV and TEST are folders with one folder of pictures for each thing or person, and have none of them in common. Without
them, handwritten digits of scikit-learn stand for them: 0 to 4 choose the threshold, 5 to 9 are reported on.
"""

import sys
import tempfile
from pathlib import Path

from PIL import Image
from sklearn.datasets import load_digits

import twinnet
from twinnet.evaluation.verification import verification_report
from twinnet.verification.calibration import calibrate
from twinnet.verification.reading import read_trials


def digits(folder: Path) -> tuple[Path, Path]:
    data = load_digits()
    for digit in range(10):
        home = folder / ("dev" if digit < 5 else "test") / str(digit)
        home.mkdir(parents=True)
        for number, pixels in enumerate(data.images[data.target == digit][:8]):
            Image.fromarray((255 - pixels * 15).astype("uint8")).resize((64, 64)).save(home / f"{number}.png")
    return folder / "dev", folder / "test"


net = twinnet.load("efficientnet-lite0")
with tempfile.TemporaryDirectory() as temporary:
    dev, test = map(Path, sys.argv[1:3]) if len(sys.argv) > 2 else digits(Path(temporary))
    point = calibrate(net, read_trials(dev), target_fmr=0.05)
    print(f"threshold {point.threshold:.4f}\nfalse match rate     {point.fmr}\nfalse non-match rate {point.fnmr}")

    trials = read_trials(test)
    report = verification_report(
        trials.scores(net), trials.same, operating_point=point, identities=trials.identities, keys=trials.keys()
    )
    judged, auc = report["operating_point"], report["roc_auc"]
    print(f"\non other pictures: FMR {judged['fmr']['value']:.3f}, FNMR {judged['fnmr']['value']:.3f}")
    print(f"ROC AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})")

    first, second = sorted(test.glob("*/*"))[:2]
    print(f"\n{first.name} and {second.name}:", net.verify(first, second))
    net.save(Path(temporary) / "my-network")  # the threshold is saved with it
