"""Kernels of a student by least squares, from what it sees to what its teacher answers."""

from __future__ import annotations

import numpy as np

_RIDGE = 1e-5  # share of the mean energy of the inputs: keeps kernels finite where inputs are linearly dependent


def patches(inputs: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The 3x3 neighbourhoods of some places, zeros beyond the border.

    Args:
      inputs: [B, H, W, C].
      rows: Of the places, int [B, P].
      columns: Of the places, int [B, P].

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
    """The 3x3 convolution that, after ReLU, comes near to some answers after ReLU.

    Least squares first. Where the answer is negative, it is enough to be negative too: so each further step aims there
    at the fit so far, or at zero if that is positive. This lowers, step by step, the sum of squared errors in which
    only what is positive counts at those places (a convex function of kernel and bias).

    Args:
      inputs: Neighbourhoods from `patches`, [N, 9 C].
      answers: Before ReLU, [N, K].
      rectified_steps: Further steps.

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
