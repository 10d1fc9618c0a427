"""Optimisers of pixels, made of pure functions."""

from collections.abc import Callable

from tf_style.optimizers.adam import adam
from tf_style.optimizers.fixed_step import lbfgs_fixed_step
from tf_style.optimizers.lbfgs import lbfgs
from tf_style.types import Optimizer

#: Name -> factory. A new optimiser is a new row here.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": adam,
    "lbfgs": lbfgs,
    "lbfgs_fixed_step": lbfgs_fixed_step,
}

__all__ = ["OPTIMIZERS", "adam", "lbfgs", "lbfgs_fixed_step"]
