"""Logistic regression on standardised features, with equal weight for both classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit


@dataclass(frozen=True)
class Logistic:
    mean: np.ndarray  # (d,)
    scale: np.ndarray  # (d,)
    weights: np.ndarray  # (d,)
    bias: float

    def probability(self, features: np.ndarray) -> np.ndarray:
        """(n, d) -> (n,) of the positive class."""
        return expit((features - self.mean) / self.scale @ self.weights + self.bias)


def fit_logistic(features: np.ndarray, positive: np.ndarray, l2: float) -> Logistic:
    """Minimise the mean log loss, each class weighing one half, plus l2/2 · |w|². `features` (n, d), `positive` (n,) bool.

    Raises ValueError without rows of both classes.
    """
    if not positive.any() or positive.all():
        raise ValueError("a classifier needs examples of both classes")
    mean, scale = features.mean(0), features.std(0)
    scale = np.where(scale > 0, scale, 1.0)  # a constant feature says nothing
    x = ((features - mean) / scale).astype(np.float64)  # (n, d)
    sign = np.where(positive, 1.0, -1.0)  # (n,)
    share = np.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())  # (n,) sums to 1

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:-1], parameters[-1]
        margin = sign * (x @ weights + bias)  # (n,)
        value = share @ np.logaddexp(0, -margin) + l2 / 2 * weights @ weights
        slope = -share * sign * expit(-margin)  # (n,)
        return float(value), np.append(x.T @ slope + l2 * weights, slope.sum())

    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return Logistic(mean, scale, found.x[:-1], float(found.x[-1]))
