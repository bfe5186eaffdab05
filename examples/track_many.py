"""Follow several targets at once.

For torch their search regions in a frame are one batch. Where OpenVINO compiled the network, each thread takes one
region at a time.

python examples/track_many.py film.mp4 120,80,60,40 20,30,50,50 [model]
"""

import sys

import twinnet

if len(sys.argv) < 4:
    sys.exit(__doc__)
video, first, second, *model = sys.argv[1:]
exemplars = {name: [float(part) for part in box.split(",")] for name, box in (("first", first), ("second", second))}
tracks = twinnet.track(video, exemplars, model=model[0] if model else "tracker").run()
for number, name in enumerate(exemplars):
    print(name, "ends at", tracks.boxes[-1, number].round(1), "mean score", tracks.scores[:, number].mean().round(2))
