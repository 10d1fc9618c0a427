"""Pure tensor mathematics: no models, no files, no state."""

from tf_style.ops.grade import grade
from tf_style.ops.periodic import periodic_component
from tf_style.ops.positions import lay_over, position_weights
from tf_style.ops.sampling import random_patches, resampled, warp
from tf_style.ops.similarity import structural_similarity
from tf_style.ops.statistics import STATISTICS, Statistic, gram_matrix, mean_and_std, moments, wasserstein_distance
from tf_style.ops.variation import total_variation, variation_from_sums, variation_sums

__all__ = [
    "STATISTICS",
    "Statistic",
    "grade",
    "gram_matrix",
    "lay_over",
    "mean_and_std",
    "moments",
    "periodic_component",
    "position_weights",
    "random_patches",
    "resampled",
    "structural_similarity",
    "total_variation",
    "variation_from_sums",
    "variation_sums",
    "warp",
    "wasserstein_distance",
]
