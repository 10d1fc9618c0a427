"""Matrices of inner products, and square roots of symmetric positive semi-definite ones, in TensorFlow."""

from __future__ import annotations

import math

import tensorflow as tf

_TINY = 1e-12  # a norm that is safe to divide by
_SMALLEST_ROOT = 2.5e-3  # relative to the norm's root; see `trace_of_square_root`
#: a, b, c of odd polynomials a x + b x^3 + c x^5, one after the other: together they come within 1e-6 of 1 for x from
#: `_SMALLEST_ROOT` to 1, and each is the one whose largest error on what the one before leaves is smallest.
_POLYNOMIALS = (
    (8.40517771, -24.8508073, 18.424617),
    (4.07717412, -3.03504242, 0.572207053),
    (3.6057914, -2.69963298, 0.5340115),
    (2.61773308, -1.9412889, 0.448639845),
    (1.94493398, -1.32568739, 0.382645563),
    (1.87510763, -1.25011958, 0.375011958),
)


@tf.custom_gradient
def inner_products(columns: tf.Tensor) -> tuple[tf.Tensor, object]:
    """[B, N, C] to [B, C, C]; the gradient computes its two equal halves as one product."""

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return tf.matmul(columns, upstream + tf.linalg.matrix_transpose(upstream))

    return tf.matmul(columns, columns, transpose_a=True), gradient


@tf.custom_gradient
def sums_and_inner_products(columns: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], object]:
    """[B, N, C] to [B, C] and [B, C, C]; both gradients are written in one pass over the features."""

    def gradient(sums: tf.Tensor, products: tf.Tensor) -> tf.Tensor:
        return tf.matmul(columns, products + tf.linalg.matrix_transpose(products)) + sums[:, tf.newaxis]

    return (tf.reduce_sum(columns, axis=1), tf.matmul(columns, columns, transpose_a=True)), gradient


def square_root(matrix: tf.Tensor) -> tf.Tensor:
    """Symmetric square root by eigendecomposition: exact, for targets that are computed once.

    Args:
      matrix: Float32 [B, C, C], symmetric, positive semi-definite.

    Returns:
      Float32 [B, C, C], symmetric; its square is `matrix`. Negative eigenvalues (rounding) count as zero.
    """
    eigenvalues, eigenvectors = tf.linalg.eigh(tf.cast(matrix, tf.float64))
    roots = tf.sqrt(tf.nn.relu(eigenvalues))
    return tf.cast(tf.matmul(eigenvectors * roots[:, tf.newaxis, :], eigenvectors, transpose_b=True), matrix.dtype)


def product(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """The matrix product of [B, C, C] and [B, C, C].

    For one pair it takes the product of matrices without a batch: with oneDNN (TensorFlow 2.21) a call costs 7 us then,
    and 35 us with a batch.
    """
    if left.shape[0] == right.shape[0] == 1:
        return tf.matmul(left[0], right[0])[tf.newaxis]
    return tf.matmul(left, right)


@tf.custom_gradient
def trace_of_square_root(matrix: tf.Tensor) -> tuple[tf.Tensor, object]:
    """Trace of the square root by matrix products alone, with a closed-form gradient.

    The coupled Newton-Schulz iteration gives the root and the inverse root together. d tr(M^1/2) / dM is half the
    inverse root, so the gradient costs nothing and needs no Lyapunov equation. Its polynomials are chosen so that
    eigenvalues down to 6e-6 of the Frobenius norm converge in 6 steps. For smaller ones (close to float32 rounding) the
    inverse root comes out too small, which bounds the gradient where the exact one would explode.

    A matrix that is nothing but rounding (the covariance of a white picture) may have negative eigenvalues as large as
    the others. The iteration then diverges, and an eigendecomposition takes over, where they count as zero.

    Args:
      matrix: Float32 [B, C, C], symmetric, positive semi-definite up to rounding.

    Returns:
      Float32 [B].

    Reference:
      Higham, "Functions of Matrices", SIAM 2008, section 6.7, eq. 6.35. The polynomials: Amsel et al., "The Polar
      Express: Optimal Matrix Sign Methods and Their Application to the Muon Algorithm", 2025, section 3.
      https://arxiv.org/abs/2505.16932
    """
    norm = tf.norm(matrix, axis=[1, 2], keepdims=True) + _TINY
    trace, inverse_root = _newton_schulz(matrix / norm)
    most = matrix.shape[-1] * math.prod(first for first, _, _ in _POLYNOMIALS)  # bound if no eigenvalue is negative
    inverse_trace = tf.linalg.trace(inverse_root)  # not by ~(a <= b), which graphs rewrite as a > b: False for NaN
    lost = (tf.abs(inverse_trace) > most) | ~tf.math.is_finite(inverse_trace)
    lost &= tf.reduce_all(tf.math.is_finite(matrix), [1, 2])
    trace, inverse_root = tf.cond(
        tf.reduce_any(lost),
        lambda: _by_eigenvalues(matrix / norm, lost, trace, inverse_root),
        lambda: (trace, inverse_root),
    )
    scale = tf.sqrt(norm)
    half_inverse = 0.5 * inverse_root / scale

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return upstream[:, tf.newaxis, tf.newaxis] * half_inverse

    return trace * scale[:, 0, 0], gradient


def _newton_schulz(matrix: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The trace of the root, and the inverse root, of matrices [B, C, C] with eigenvalues of at most 1."""
    identity = tf.eye(matrix.shape[-1], dtype=matrix.dtype)
    root, inverse_root = matrix, None
    for step, (first, third, fifth) in enumerate(_POLYNOMIALS):
        square = root if inverse_root is None else product(inverse_root, root)
        correction = first * identity + third * square + fifth * product(square, square)
        inverse_root = correction if inverse_root is None else product(correction, inverse_root)
        if step < len(_POLYNOMIALS) - 1:
            root = product(root, correction)
    return tf.reduce_sum(root * correction, [1, 2]), inverse_root  # of the last product, only the trace is needed


def _by_eigenvalues(
    matrix: tf.Tensor, rows: tf.Tensor, trace: tf.Tensor, inverse_root: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Replaces the root's trace and the inverse root in some rows; too small roots are raised to the smallest."""
    chosen = rows[:, tf.newaxis, tf.newaxis]
    eigenvalues, eigenvectors = tf.linalg.eigh(tf.where(chosen, matrix, 0.0))
    roots = tf.sqrt(tf.nn.relu(eigenvalues))
    scaled = eigenvectors / tf.maximum(roots, _SMALLEST_ROOT)[:, tf.newaxis, :]
    inverse = tf.matmul(scaled, eigenvectors, transpose_b=True)
    return tf.where(rows, tf.reduce_sum(roots, -1), trace), tf.where(chosen, inverse, inverse_root)
