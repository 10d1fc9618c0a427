"""Builds the measures of paintings from a config."""

from __future__ import annotations

from tf_style.build.backbone import build_backbone
from tf_style.config import EvaluateConfig, StylizeConfig
from tf_style.config.evaluate import CONTENT_LAYERS
from tf_style.config.stylize import STYLE_LAYERS
from tf_style.evaluation import Evaluation


def build_evaluation(config: EvaluateConfig) -> Evaluation:
    """Builds the measures, on a backbone as it was trained (maximum pooling, zero padding).

    Args:
      config: All options.

    Raises:
      WeightsError: The backbone's weights are missing or do not fit.
    """
    backbone = build_backbone(
        StylizeConfig(
            content_layers=CONTENT_LAYERS,
            style_layers=STYLE_LAYERS,
            backbone=config.backbone,
            weights=config.weights,
            pooling="max",
            padding="zero",
            compute_dtype=config.compute_dtype,
        )
    )
    return Evaluation(backbone, STYLE_LAYERS, CONTENT_LAYERS)
