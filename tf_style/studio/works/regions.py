"""What is brushed over a photo, as a mask for each painting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tf_style.config import ConfigError

#: The brush's colours, one for each painting.
COLORS = ("#e4572e", "#2e86ab", "#f2c14e", "#59a14f", "#8e5ea2", "#17becf")


def region_masks(brushed: np.ndarray, names: Sequence[str], *, fills_rest: bool) -> list[np.ndarray]:
    """The masks.

    Args:
      brushed: uint8 [H, W, 4]; a pixel belongs to the nearest of `COLORS`, as much as its alpha says.
      names: Of the paintings, for messages.
      fills_rest: Whether the first painting has all that is not brushed.

    Returns:
      For each painting float32 [H, W] in [0, 1].

    Raises:
      ConfigError: More paintings than colours, or one has no place.
    """
    if len(names) > len(COLORS):
        raise ConfigError(f"The brush has {len(COLORS)} colours, but {len(names)} paintings are chosen; take some out.")
    colors = np.array([[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in COLORS[: len(names)]])
    nearest = np.stack([np.abs(brushed[..., :3].astype(int) - color).sum(-1) for color in colors]).argmin(0)
    alpha = brushed[..., 3].astype(np.float32) / np.float32(255)
    masks = [np.where(nearest == number, alpha, np.float32(0)) for number in range(len(names))]
    if fills_rest:
        masks[0] = np.maximum(masks[0], 1 - alpha)
    for name, mask in zip(names, masks, strict=True):
        if not mask.any():
            raise ConfigError(f"Nothing is brushed with {name}; brush somewhere with it, or take the painting out.")
    return masks
