"""Find what a picture shows in a video, wherever it is in the first frame, and follow it.

python examples/track_patch.py film.mp4 patch.png [model]
"""

import sys

import twinnet

if len(sys.argv) < 3:
    sys.exit(__doc__)
video, patch, *model = sys.argv[1:]
for hit in twinnet.track(video, patch, model=model[0] if model else "tracker"):
    print(hit.frame, hit.box.round(1), f"{hit.score:.2f}", "lost" if hit.lost else "")
