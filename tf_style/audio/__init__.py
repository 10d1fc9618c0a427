"""What is heard, and how it drives what is seen: sound in, a `Schedule` of controls out, and a guard against flashes.

Nothing here imports TensorFlow. PyAV is loaded when a sound is read: `pip install 'tf-style[video]'`.
"""

from tf_style.audio.driving import react
from tf_style.audio.features import Features, analyse
from tf_style.audio.figure import plot_reactions
from tf_style.audio.guard import FlashGuard
from tf_style.audio.reactions import DRIVEN, HEARD, REACTIONS, Reaction, parse_reactions
from tf_style.audio.reading import RATE, AudioError, Sound, read_sound
from tf_style.audio.tempo import find_beats

__all__ = [
    "DRIVEN",
    "HEARD",
    "RATE",
    "REACTIONS",
    "AudioError",
    "Features",
    "FlashGuard",
    "Reaction",
    "Sound",
    "analyse",
    "find_beats",
    "parse_reactions",
    "plot_reactions",
    "react",
    "read_sound",
]
