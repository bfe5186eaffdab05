"""Follow what is in a box of the first frame through a video, and write an annotated copy.

python examples/track_file.py film.mp4 120,80,60,40 [model]
"""

import sys

import twinnet
from twinnet.tracking.drawing import annotate
from twinnet.video import VideoWriter

if len(sys.argv) < 3:
    sys.exit(__doc__)
video, box, *model = sys.argv[1:]
track = twinnet.track(video, [float(part) for part in box.split(",")], model=model[0] if model else "tracker")
with VideoWriter(f"{video}.tracked.webm", track.video.fps) as writer:
    for frame, targets in track.frames():
        writer.write(annotate(frame.pixels, targets, overlay=True))
        for target in targets.values():
            print(frame.number, target.box.round(1), f"{target.score:.2f}", "lost" if target.lost else "")
