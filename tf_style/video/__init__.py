"""The only door to films: reads frames with their times, writes them, and copies sound, subtitles and chapters.

Everything needs PyAV, which is loaded with the first film: `pip install 'tf-style[video]'`.
"""

from tf_style.video.errors import VideoError, VideoWarning
from tf_style.video.info import VideoInfo, read_info
from tf_style.video.joining import Part, join
from tf_style.video.reading import Frame, read_frames
from tf_style.video.writing import CODECS, CONTAINERS, Encoding, VideoWriter, choose_encoding

__all__ = [
    "CODECS",
    "CONTAINERS",
    "Encoding",
    "Frame",
    "Part",
    "VideoError",
    "VideoInfo",
    "VideoWarning",
    "VideoWriter",
    "choose_encoding",
    "join",
    "read_frames",
    "read_info",
]
