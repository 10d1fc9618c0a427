"""Stylizers: paint by optimisation, or with a network in one pass."""

from tf_style.stylizers.coarse_to_fine import PyramidStylizer
from tf_style.stylizers.feed_forward import FeedForwardStylizer, is_by_region, only_step
from tf_style.stylizers.frames import FrameStylizer
from tf_style.stylizers.graph_loop import GraphLoop, PyramidState
from tf_style.stylizers.optimization import Optimization, RunState, any_size

__all__ = [
    "FeedForwardStylizer",
    "FrameStylizer",
    "GraphLoop",
    "Optimization",
    "PyramidState",
    "PyramidStylizer",
    "RunState",
    "any_size",
    "is_by_region",
    "only_step",
]
