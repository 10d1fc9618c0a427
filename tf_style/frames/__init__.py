"""Paints the frames of films: `stylize_frames`, and the painters behind it and behind `tf-style video`."""

from tf_style.frames.call import stylize_frames
from tf_style.frames.painters import FramePainter, NetworkPainter, OptimizingPainter, make_painter

__all__ = ["FramePainter", "NetworkPainter", "OptimizingPainter", "make_painter", "stylize_frames"]
