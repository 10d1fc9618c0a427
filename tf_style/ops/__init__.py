"""Pure tensor mathematics: no models, no files, no state."""

from tf_style.ops.periodic import periodic_component
from tf_style.ops.similarity import structural_similarity
from tf_style.ops.statistics import STATISTICS, Statistic, gram_matrix, mean_and_std, moments, wasserstein_distance
from tf_style.ops.variation import total_variation

__all__ = [
    "STATISTICS",
    "Statistic",
    "gram_matrix",
    "mean_and_std",
    "moments",
    "periodic_component",
    "structural_similarity",
    "total_variation",
    "wasserstein_distance",
]
