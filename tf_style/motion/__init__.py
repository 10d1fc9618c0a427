"""How pictures of a film move: optical flow, what is visible in both, shots, and calming what flickers.

OpenCV computes it, and is loaded with the first pair of frames: `pip install 'tf-style[video]'`.
"""

from tf_style.motion.confidence import look_back, softened
from tf_style.motion.flow import FLOWS, Flow, flow_of, visible, warp
from tf_style.motion.measures import WarpError, sharpness, warp_error
from tf_style.motion.shots import ShotDetector
from tf_style.motion.stabilizer import Stabilizer

__all__ = [
    "FLOWS",
    "Flow",
    "ShotDetector",
    "Stabilizer",
    "WarpError",
    "flow_of",
    "look_back",
    "sharpness",
    "softened",
    "visible",
    "warp",
    "warp_error",
]
