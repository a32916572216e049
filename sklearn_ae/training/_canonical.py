"""Codes in their canonical basis, so that component 0 means the same in two fits."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_ae.data import Rows
from sklearn_ae.training._model import Model

# Directions of the code whose variance is below this share of the largest are empty.
_EMPTY = 1e-10


def canonicalize(model: Model, rows: Rows, whiten: bool) -> NDArray[np.float64]:
    """Bring a model's linear code into its canonical basis.

    The code is whitened over the training rows and rotated by the singular value
    decomposition of the regression of the reconstruction on it. Rotation and whitening
    are absorbed into the network's linear maps; the scale of each component, the
    singular value in X's units, is kept beside them. With a linear network this is PCA.

    Parameters
    ----------
    model : Model
        Changed in place.
    rows : Rows
        The training rows.
    whiten : bool
        Leave components at unit variance.

    Returns
    -------
    variance : ndarray of shape (n_components,), float64
        Variance of X along each component, as a share of its total variance.
    """
    scaling = model.scaling
    model.code_scale = np.ones(model.factory.n_components)
    mean, covariance, cross = _moments(model, rows)
    values, vectors = torch.linalg.eigh(covariance)
    filled = values > _EMPTY * values.max().clamp(min=1e-300)
    root = values.clamp(min=0.0).sqrt()
    whitening = vectors / torch.where(filled, root, 1.0)
    unwhitening = (vectors * torch.where(filled, root, 1.0)).T
    scale = torch.from_numpy(scaling.relative_scale)
    regression = (whitening.T @ cross) * scale * filled[:, None]
    left, singular, right = torch.linalg.svd(regression, full_matrices=True)
    k = len(values)
    strength = torch.zeros(k, dtype=torch.float64)
    strength[: len(singular)] = singular
    sign = torch.ones(k, dtype=torch.float64)
    largest = right.gather(1, right.abs().argmax(1, keepdim=True))[:, 0]
    sign[: len(singular)] = torch.where(largest[: len(singular)] < 0, -1.0, 1.0)
    rotation = left * sign
    device = next(model.module.parameters()).device
    precision = torch.float32 if device.type == "mps" else torch.float64
    into = (whitening @ rotation).to(device, precision)
    back = (rotation.T @ unwhitening).to(device, precision)
    mean = mean.to(device, precision)
    model.module.encoder.transform_output(into, mean)
    model.module.decoder.transform_input(back, mean)
    largest_scale = scaling.scale.max(initial=0.0)
    if not whiten:
        model.code_scale = _code_scale(strength.numpy(), largest_scale)
    elif rows.total_weight:
        model.code_scale = np.full(k, _unbiased(rows))
    model.freeze()
    total = (scaling.relative_scale**2).sum()
    return strength.numpy() ** 2 / total if total > 0 else np.zeros(k)


def _moments(model: Model, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and covariance of the code, and its covariance with the reconstruction.

    The reconstruction is in standard units, where columns of any scale are of order 1.
    """
    k, p = model.factory.n_components, rows.n_features
    code_sum, output_sum = torch.zeros(k, dtype=torch.float64), torch.zeros(p, dtype=torch.float64)
    code_square = torch.zeros(k, k, dtype=torch.float64)
    product = torch.zeros(k, p, dtype=torch.float64)
    # Codes and outputs are of order 1 around 0, so one pass loses no digit that counts.
    for x, weight in rows.blocks():
        code, output = _pass(model, x)
        weighted = code if weight is None else code * torch.from_numpy(weight)[:, None]
        code_sum += weighted.sum(0)
        output_sum += output.sum(0) if weight is None else torch.from_numpy(weight) @ output
        code_square += weighted.T @ code
        product += weighted.T @ output
    total = rows.total_weight
    mean = code_sum / total
    covariance = code_square / total - torch.outer(mean, mean)
    return mean, covariance, product / total - torch.outer(mean, output_sum / total)


def _pass(model: Model, x: NDArray) -> tuple[Tensor, Tensor]:
    code = model.encode(x)
    output = model.scaling.apply(model.decode(code))
    return torch.from_numpy(code), torch.from_numpy(output)


def _code_scale(strength: NDArray, largest_scale: float) -> NDArray:
    """Standard deviation of each component in X's units; empty ones keep X's largest scale."""
    unit = largest_scale if largest_scale > 0 else 1.0
    return np.where(strength > 1e-12 * strength.max(initial=0.0), strength, 1.0) * unit


def _unbiased(rows: Rows) -> float:
    """Factor that makes the sample variance of a whitened code 1, as in PCA."""
    weights = rows.weights
    n = rows.n_rows if weights is None else weights.sum() ** 2 / (weights**2).sum()
    return float(np.sqrt((n - 1) / n)) if n > 1 else 1.0
