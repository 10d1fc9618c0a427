"""Loss terms, and the objective that adds them up."""

from tf_style.losses.content import content_loss, pixel_loss, standardized_content_loss
from tf_style.losses.objective import Objective, additive_term
from tf_style.losses.style import style_loss
from tf_style.losses.temporal import temporal_loss
from tf_style.losses.text import clip_direction_loss, clip_patch_loss
from tf_style.losses.transport import relaxed_transport_loss
from tf_style.losses.variation import total_variation_loss

__all__ = [
    "Objective",
    "additive_term",
    "clip_direction_loss",
    "clip_patch_loss",
    "content_loss",
    "pixel_loss",
    "relaxed_transport_loss",
    "standardized_content_loss",
    "style_loss",
    "temporal_loss",
    "total_variation_loss",
]
