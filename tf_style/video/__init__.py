"""The only door to films: reads frames with their times, writes them, and copies sound, subtitles and chapters.

Animations and numbered pictures are films, too. PyAV is loaded with the first one: `pip install 'tf-style[video]'`.
"""

from tf_style.video.animations import ANIMATIONS
from tf_style.video.errors import VideoError, VideoWarning, refusals
from tf_style.video.info import VideoInfo
from tf_style.video.joining import Part, join
from tf_style.video.outputs import FilmOutput, choose_output
from tf_style.video.pictures import is_pattern
from tf_style.video.reading import Frame, read_frames, read_info
from tf_style.video.soundtrack import sound_seconds
from tf_style.video.stills import is_still
from tf_style.video.writing import CODECS, CONTAINERS, Encoding, VideoWriter, choose_encoding

__all__ = [
    "ANIMATIONS",
    "CODECS",
    "CONTAINERS",
    "Encoding",
    "FilmOutput",
    "Frame",
    "Part",
    "VideoError",
    "VideoInfo",
    "VideoWarning",
    "VideoWriter",
    "choose_encoding",
    "choose_output",
    "is_pattern",
    "is_still",
    "join",
    "read_frames",
    "read_info",
    "refusals",
    "sound_seconds",
]
