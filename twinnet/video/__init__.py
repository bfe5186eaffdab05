"""Videos of any kind in, annotated videos out."""

from twinnet.video.reader import Frame, Video, open_video
from twinnet.video.writer import VideoWriter

__all__ = ["Frame", "Video", "VideoWriter", "open_video"]
