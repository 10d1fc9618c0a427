"""Square roots of symmetric positive semi-definite matrices."""

from __future__ import annotations

import math

import tensorflow as tf

_TINY = 1e-12  # a norm that is safe to divide by
_NEWTON_SCHULZ_STEPS = 10
_SMALLEST_ROOT = 2.5e-3  # relative to the norm's root; see `trace_of_square_root`


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


@tf.custom_gradient
def trace_of_square_root(matrix: tf.Tensor) -> tuple[tf.Tensor, object]:
    """Trace of the square root by matrix products alone, with a closed-form gradient.

    The coupled Newton-Schulz iteration gives the root and the inverse root together. d tr(M^1/2) / dM is half the
    inverse root, so the gradient costs nothing and needs no Lyapunov equation. The steps are scaled so that eigenvalues
    down to 6e-6 of the Frobenius norm converge in 10 steps. For smaller ones (close to float32 rounding) the inverse
    root comes out too small, which bounds the gradient where the exact one would explode.

    A matrix that is nothing but rounding (the covariance of a white picture) may have negative eigenvalues as large as
    the others. The iteration then diverges, and an eigendecomposition takes over, where they count as zero.

    Args:
      matrix: Float32 [B, C, C], symmetric, positive semi-definite up to rounding.

    Returns:
      Float32 [B].

    Reference:
      Higham, "Functions of Matrices", SIAM 2008, section 6.7, eq. 6.35. The scaling: Chen, Chow, "A stable scaling of
      Newton-Schulz for improving the sign function computation of a Hermitian matrix", Argonne ANL/MCS-P5059, 2014.
    """
    norm = tf.norm(matrix, axis=[1, 2], keepdims=True) + _TINY
    identity = tf.eye(matrix.shape[-1], dtype=matrix.dtype)
    root, inverse_root = matrix / norm, identity[tf.newaxis]
    for scaling in _scalings():
        correction = scaling * (1.5 * identity - 0.5 * scaling**2 * tf.matmul(inverse_root, root))
        root, inverse_root = tf.matmul(root, correction), tf.matmul(correction, inverse_root)
    trace = tf.linalg.trace(root)
    most = matrix.shape[-1] * math.prod(1.5 * scaling for scaling in _scalings())  # bound if no eigenvalue is negative
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


def _scalings() -> list[float]:
    """The factors that best map the interval of roots [smallest, 1] into itself at each step; they end at 1."""
    smallest, factors = _SMALLEST_ROOT, []
    for _ in range(_NEWTON_SCHULZ_STEPS):
        factors.append(math.sqrt(3.0 / (1.0 + smallest + smallest**2)))
        scaled = factors[-1] * smallest
        smallest = min(1.0, 0.5 * scaled * (3.0 - scaled**2))
    return factors
