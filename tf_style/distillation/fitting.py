"""Fits a student's kernels by least squares, from its own features to its teacher's outputs."""

from __future__ import annotations

import numpy as np

_RIDGE = 1e-5  # share of the inputs' mean energy: keeps kernels finite if inputs are linearly dependent


def patches(inputs: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The 3x3 neighbourhoods of some places, with zeros beyond the border.

    Args:
      inputs: [B, H, W, C].
      rows: The places' rows, int [B, P].
      columns: The places' columns, int [B, P].

    Returns:
      [B * P, 9 C], in the order of a kernel [3, 3, C, C'].
    """
    padded = np.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
    batch = np.arange(len(inputs))[:, None]
    shifts = [padded[batch, rows + row, columns + column] for row in range(3) for column in range(3)]
    return np.stack(shifts, axis=2).reshape(rows.size, -1)


def fit_convolution(
    inputs: np.ndarray, answers: np.ndarray, *, rectified_steps: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """Fits a 3x3 convolution whose outputs after ReLU are close to some answers after ReLU.

    The first step is plain least squares. Where an answer is negative, any negative output will do, so each further
    step aims there at the fit so far, or at zero if the fit is positive. Each step lowers the sum of squared errors in
    which negative outputs do not count at those places (a convex function of kernel and bias).

    Args:
      inputs: Neighbourhoods from `patches`, [N, 9 C].
      answers: The answers before ReLU, [N, K].
      rectified_steps: Steps after plain least squares.

    Returns:
      Kernel [3, 3, C, K] and bias [K], float32.
    """
    mean = inputs.mean(0, dtype=np.float64).astype(np.float32)
    centered = inputs - mean
    moments = (centered.T @ centered).astype(np.float64)
    moments[np.diag_indices_from(moments)] += _RIDGE * max(np.trace(moments) / len(moments), np.finfo(np.float32).tiny)
    solve = np.linalg.inv(moments)
    goals = answers
    for step in range(rectified_steps + 1):
        center = goals.mean(0, dtype=np.float64)
        kernel = solve @ (centered.T @ (goals - center).astype(np.float32))
        if step < rectified_steps:
            fitted = centered @ kernel.astype(np.float32) + center.astype(np.float32)
            goals = np.where(answers > 0, answers, np.minimum(fitted, 0))
    bias = center - mean @ kernel
    return kernel.reshape(3, 3, -1, answers.shape[1]).astype(np.float32), bias.astype(np.float32)
