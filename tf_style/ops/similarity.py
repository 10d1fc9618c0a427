"""How similar two pictures are, position by position."""

from __future__ import annotations

from tf_style.types import Image, Tensor


def structural_similarity(image: Image, other: Image) -> Tensor:
    """Mean structural similarity (SSIM) of the luminance of two pictures.

    Args:
      image: Float32 [B, H, W, 3] in [0, 1], at least 11 pixels a side (the width of the Gaussian window).
      other: The same shape.

    Returns:
      Float32 [B], at most 1; 1 for equal pictures. The rounding error is about 1e-5.

    Reference:
      Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE Transactions on
      Image Processing 13, 2004, section III (window of 11 pixels, sigma 1.5, K1 = 0.01, K2 = 0.03).
    """
    import tensorflow as tf

    return tf.image.ssim(tf.image.rgb_to_grayscale(image), tf.image.rgb_to_grayscale(other), max_val=1.0)
