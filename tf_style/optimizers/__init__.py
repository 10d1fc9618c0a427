"""Optimisers of pixels: pairs of pure functions."""

from tf_style.optimizers.adam import adam
from tf_style.optimizers.lbfgs import lbfgs

#: Name -> factory. A new optimiser is a new row here.
OPTIMIZERS = {"adam": adam, "lbfgs": lbfgs}

__all__ = ["OPTIMIZERS", "adam", "lbfgs"]
