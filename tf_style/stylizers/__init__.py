"""From an objective, a backbone and an optimiser to a painting."""

from tf_style.stylizers.optimization import Optimization, RunState
from tf_style.stylizers.pyramid import PyramidStylizer

__all__ = ["Optimization", "PyramidStylizer", "RunState"]
