"""Codes in their canonical basis, so that component 0 means the same in two fits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from sklearn_ae.data import Ragged, Rows
from sklearn_ae.inference._density import divergence_per_component
from sklearn_ae.inference._model import Model
from sklearn_ae.losses import SquaredError
from sklearn_ae.runtime import torch_defaults

# Directions of the code whose variance is below this share of the largest are empty, and
# those below this share of the mean's square are rounding.
_EMPTY = 1e-10
_ROUNDING = 1e-12
# Its square still is a number.
_LARGEST = 1e150


class _Moments(NamedTuple):
    """Moments of the code, and its covariance with the standardised reconstruction."""

    mean: Tensor
    covariance: Tensor
    cross: Tensor


class _Basis(NamedTuple):
    """A change of basis of the code: new = (old - shift) @ into, old = new @ back + shift.

    `scale` is the factor to the user's codes, and `explained` the variance of X along each
    component in relative units.
    """

    into: Tensor
    back: Tensor
    shift: Tensor
    scale: NDArray[np.float64]
    explained: NDArray[np.float64]


@torch_defaults()
def canonicalize(
    model: Model, rows: Rows, symmetry: str, whiten: bool, fixed: bool = False
) -> NDArray[np.float64]:
    """Bring a model's code into its canonical basis, as far as its objective allows.

    Where every linear map is allowed, the code is whitened over the training rows and
    rotated by the singular value decomposition of the regression of the reconstruction on
    it; the scale of each component, the singular value in X's units, is kept beside the
    network. With a linear network this is PCA. Where only rotations are allowed,
    components are the principal axes of the code. Otherwise components are put in the
    order of what they explain, or of their divergence if the latent has one, with PCA's
    signs if signs are free. Where the order is the objective's, signs are all that changes,
    and with "none" nothing does. The change is absorbed into the network's maps.

    Parameters
    ----------
    model : Model
        Changed in place.
    rows : Rows
        The training rows.
    symmetry : {"linear", "rotation", "signed_permutation", "permutation", "signs", "none"}
        The changes of basis that leave the objective as it is.
    whiten : bool
        Give components unit variance.
    fixed : bool
        Leave the code, its scale included, and the network as they are.

    Returns
    -------
    variance : ndarray of shape (n_components,), float64
        Variance of X along each component, as a share of its total variance.
    """
    scale, model.code_scale = model.code_scale, np.ones(model.factory.n_components)
    moments = _measure(model, rows)
    if not torch.isfinite(moments.covariance).all():
        raise ValueError(
            "The codes of X have no finite variance: it is too far from the rows whose scales the "
            "network has; put a MaxAbsScaler in front, or fit with warm_start=False."
        )
    weight = torch.from_numpy(np.tile(model.target_scaling.relative_scale, _positions(model)))
    largest = model.target_scaling.largest
    if fixed:
        basis = _kept(moments, weight, largest, "none")._replace(scale=scale)
    elif symmetry == "linear":
        basis = _whitened(moments, weight, largest)
    elif symmetry == "rotation" and model.module.latent.standard:
        basis = _aligned(moments, weight)
    elif symmetry == "rotation":
        basis = _rotated(moments, weight, largest)
    elif symmetry in ("signs", "none"):
        basis = _kept(moments, weight, largest, symmetry)
    else:
        basis = _ordered(moments, weight, symmetry, _divergence(model, rows))
    if symmetry != "none" and not fixed:
        _absorb(model, basis)
    model.code_scale = basis.scale
    if whiten and not fixed:
        variance = (basis.into.T @ moments.covariance @ basis.into).diagonal()
        filled = _filled(variance, moments.mean @ basis.into)
        model.code_scale = _unbiased(rows) / torch.where(filled, variance, 1.0).sqrt().numpy()
    model.clear_cache()
    total = float(weight.square().sum())
    return basis.explained / total if total > 0 else np.zeros(len(basis.explained))


def align(codes: NDArray, target: NDArray, symmetry: str) -> Callable[[NDArray], NDArray]:
    """Return the change of basis that brings codes of some rows nearest to others of theirs.

    Parameters
    ----------
    codes, target : ndarray of shape (n, n_components)
        Codes of the same rows by two networks.
    symmetry : {"linear", "rotation", "signed_permutation", "permutation", "signs", "none"}
        The changes of basis that are allowed: by regression, by the orthogonal Procrustes
        problem, by the assignment of correlated components, by their signs, or none.
    """
    mean, goal = codes.mean(axis=0), target.mean(axis=0)
    centred, wanted = codes - mean, target - goal
    if symmetry == "none":
        return lambda code: code
    if symmetry == "linear":
        matrix = np.linalg.lstsq(centred, wanted, rcond=1e-10)[0]
    elif symmetry == "rotation":
        left, _, right = np.linalg.svd(centred.T @ wanted)
        matrix = left @ right
    elif symmetry == "signs":
        signs = np.where((centred * wanted).sum(axis=0) < 0, -1.0, 1.0)
        return lambda code: (code * signs).astype(code.dtype, copy=False)
    else:
        product = centred.T @ wanted
        signed = symmetry == "signed_permutation"
        row, column = linear_sum_assignment(-(np.abs(product) if signed else product))
        matrix = np.zeros_like(product)
        matrix[row, column] = np.where(signed & (product[row, column] < 0), -1.0, 1.0)
        return lambda code: (code @ matrix).astype(code.dtype, copy=False)
    return lambda code: ((code - mean) @ matrix + goal).astype(code.dtype, copy=False)


@torch_defaults()
def rebase(model: Model, rows: Rows, like: Model, symmetry: str) -> None:
    """Bring a model's code nearest to that of another, by what its objective lets change.

    The change is absorbed into the network's maps.

    Parameters
    ----------
    model : Model
        Changed in place.
    rows : Rows
        Rows whose codes are compared.
    like : Model
        A model of the same composition whose code is canonical.
    symmetry : {"linear", "rotation", "signed_permutation", "permutation", "signs", "none"}
        The changes of basis that are allowed, as in `align`.
    """
    canonicalize(model, rows, symmetry, whiten=False)
    values, given = rows.selected(rows.values), rows.conditions
    own, wanted = (np.asarray(m.encode(values, given), np.float64) for m in (model, like))
    moved = align(own, wanted, symmetry)
    k = model.factory.n_components
    constant = moved(np.zeros((1, k)))
    matrix = (moved(np.eye(k)) - constant) * model.code_scale[:, None] / like.code_scale
    back = np.linalg.pinv(matrix)
    shift = -(constant[0] / like.code_scale) @ back
    into, out, mean = map(torch.from_numpy, (matrix, back, shift))
    _absorb(model, _Basis(into, out, mean, like.code_scale, np.zeros(k)))
    model.code_scale = like.code_scale
    model.clear_cache()


def _whitened(moments: _Moments, weight: Tensor, largest: float) -> _Basis:
    values, vectors = torch.linalg.eigh(moments.covariance)
    filled = _filled(values, moments.mean)
    root = torch.where(filled, values.clamp(min=0.0).sqrt(), 1.0)
    # An empty direction is 0 in every row.
    whitening, unwhitening = vectors / root * filled, (vectors * root).T
    regression = (whitening.T @ moments.cross) * weight
    # All of the code's directions are needed, but not all of a wide row's.
    overcomplete = regression.shape[0] > regression.shape[1]
    left, singular, right = torch.linalg.svd(regression, full_matrices=overcomplete)
    k = len(values)
    strength = torch.zeros(k, dtype=torch.float64)
    strength[: len(singular)] = singular.clamp(max=_LARGEST)
    sign = torch.ones(k, dtype=torch.float64)
    sign[: len(singular)] = _signs(right)[: len(singular)]
    rotation = left * sign
    std = strength.numpy()
    # Empty components keep X's largest scale.
    scale = np.where(std > 1e-12 * std.max(initial=0.0), std, 1.0) * largest
    return _Basis(whitening @ rotation, rotation.T @ unwhitening, moments.mean, scale, std**2)


def _rotated(moments: _Moments, weight: Tensor, largest: float) -> _Basis:
    vectors = torch.linalg.eigh(moments.covariance).eigenvectors.flip(1)
    regression = (vectors.T @ moments.cross) * weight
    vectors = vectors * _signs(regression)
    covariance = vectors.T @ moments.covariance @ vectors
    explained = _explained(moments, covariance, vectors.T @ moments.cross * weight)
    scale = np.full(len(explained), largest)
    return _Basis(vectors, vectors.T, moments.mean, scale, explained)


def _aligned(moments: _Moments, weight: Tensor) -> _Basis:
    """Turn codes of a prior that turns alike; they keep its mean and scale.

    Such codes have no principal axes of their own, so axes are those of the reconstruction.
    """
    axes, _, right = torch.linalg.svd(moments.cross * weight, full_matrices=True)
    sign = torch.ones(len(axes), dtype=torch.float64)
    found = _signs(right)[: len(sign)]
    sign[: len(found)] = found
    axes = axes * sign
    covariance = axes.T @ moments.covariance @ axes
    explained = _explained(moments, covariance, axes.T @ moments.cross * weight)
    shift = torch.zeros_like(moments.mean)
    return _Basis(axes, axes.T, shift, np.ones(len(explained)), explained)


def _kept(moments: _Moments, weight: Tensor, largest: float, symmetry: str) -> _Basis:
    """Leave components in their order, with PCA's signs and X's scale if signs are free."""
    regression = moments.cross * weight
    signs = _signs(regression) if symmetry == "signs" else torch.ones(len(regression)).double()
    scale = np.full(len(signs), largest if symmetry == "signs" else 1.0)
    explained = _explained(moments, moments.covariance, regression)
    shift = torch.zeros_like(moments.mean)
    return _Basis(torch.diag(signs), torch.diag(signs), shift, scale, explained)


def _ordered(
    moments: _Moments, weight: Tensor, symmetry: str, divergence: NDArray | None
) -> _Basis:
    regression = moments.cross * weight
    explained = _explained(moments, moments.covariance, regression)
    importance = explained if divergence is None else divergence
    order = np.argsort(-importance, kind="stable")
    matrix = torch.eye(len(order), dtype=torch.float64)[:, order]
    if symmetry == "signed_permutation":
        matrix = matrix * _signs(regression[order])
    shift = torch.zeros_like(moments.mean)
    return _Basis(matrix, matrix.T, shift, np.ones(len(order)), explained[order])


def _filled(variances: Tensor, mean: Tensor) -> Tensor:
    """Which variances of the code are more than nothing."""
    least = torch.maximum(_EMPTY * variances.max(), _ROUNDING * mean.square().max())
    return variances > least.clamp(min=1e-300)


def _signs(directions: Tensor) -> Tensor:
    """1 or -1 for each row, so that its largest entry becomes positive, as in PCA."""
    largest = directions.gather(1, directions.abs().argmax(1, keepdim=True))[:, 0]
    return torch.where(largest < 0, -1.0, 1.0).double()


def _explained(moments: _Moments, covariance: Tensor, regression: Tensor) -> NDArray[np.float64]:
    """Variance of the regression of the reconstruction on each component alone."""
    variance = covariance.diagonal()
    filled = _filled(variance, moments.mean)
    square = regression.square().sum(dim=1) / torch.where(filled, variance, 1.0)
    return torch.where(filled, square, 0.0).numpy()


def _divergence(model: Model, rows: Rows) -> NDArray[np.float64] | None:
    """Mean divergence of each component over the rows, where the latent has one."""
    if not model.module.latent.n_draws:
        return None
    return mean_divergence(model, rows)


def mean_divergence(model: Model, rows: Rows) -> NDArray[np.float64]:
    """Return the weighted mean over rows of each component's divergence, in nats."""
    total = np.zeros(model.factory.n_components)
    for part in rows.parts():
        condition = None if rows.condition is None else rows.condition[part]
        kl = divergence_per_component(model, rows.block(part), condition)
        total += kl.sum(axis=0) if rows.weight is None else rows.weight[part] @ kl
    return total / rows.total_weight


def _absorb(model: Model, basis: _Basis) -> None:
    """Put a change of basis into the network."""
    device = next(model.module.parameters()).device
    precision = torch.float32 if device.type == "mps" else torch.float64
    into, shift = basis.into, basis.shift
    into, shift_out = model.module.latent.change_basis(into, shift)
    c = model.factory.n_conditions
    back = torch.block_diag(basis.back, torch.eye(c, dtype=torch.float64))
    shift_in = torch.cat([shift, shift.new_zeros(c)])
    model.module.encoder.transform_output(
        into.to(device, precision), shift_out.to(device, precision)
    )
    model.module.decoder.transform_input(back.to(device, precision), shift_in.to(device, precision))


def _measure(model: Model, rows: Rows) -> _Moments:
    """Moments over the training rows, in one pass.

    The reconstruction is in standard units, where columns of any scale are of order 1.
    """
    if (wide := _measure_wide(model, rows)) is not None:
        return wide
    k, p = model.factory.n_components, rows.n_features * _positions(model)
    code_sum, output_sum = torch.zeros(k, dtype=torch.float64), torch.zeros(p, dtype=torch.float64)
    code_square = torch.zeros(k, k, dtype=torch.float64)
    product = torch.zeros(k, p, dtype=torch.float64)
    # Codes and outputs are of order 1 around 0, so one pass loses no digit that counts.
    for part in rows.parts():
        x = rows.block(part)
        condition = None if rows.condition is None else rows.condition[part]
        code, output = _pass(model, x, condition)
        weight = None if rows.weight is None else torch.from_numpy(rows.weight[part])
        weighted = code if weight is None else code * weight[:, None]
        code_sum += weighted.sum(0)
        output_sum += output.sum(0) if weight is None else weight @ output
        code_square += weighted.T @ code
        product += weighted.T @ output
    total = rows.total_weight
    mean = code_sum / total
    covariance = code_square / total - torch.outer(mean, mean)
    return _Moments(mean, covariance, product / total - torch.outer(mean, output_sum / total))


def _measure_wide(model: Model, rows: Rows) -> _Moments | None:
    """Moments of sparse rows, by those of the last hidden layer; None where rows are dense."""
    # Which rows are selected does not matter here, and those of a file would be read for it.
    sparse = model.sparse_passes(rows.values, rows.conditions, np.float64)
    if sparse is None or not isinstance(model.loss, SquaredError):
        return None
    values = rows.selected(rows.values)
    weights = np.ones(len(values)) if rows.weights is None else rows.weights
    sums: list[Tensor | float] = [0.0] * 4
    for part, code in sparse.codes(values):
        h, w = sparse.hidden(code), torch.from_numpy(weights[part].astype(np.float64))
        z = torch.from_numpy(code)
        weighted = z * w[:, None]
        for i, term in enumerate((weighted.sum(0), w @ h, weighted.T @ z, weighted.T @ h)):
            sums[i] = sums[i] + term
    mean, hidden, square, product = (torch.as_tensor(s) / rows.total_weight for s in sums)
    # Centred, the reconstruction is the last map of the centred layer, without its bias.
    weight = sparse.decoder.last_map()[0].double()
    weight[torch.from_numpy(model.target_scaling.scale <= 0)] = 0.0
    cross = (product - torch.outer(mean, hidden)) @ weight.T
    return _Moments(mean, square - torch.outer(mean, mean), cross)


def _pass(model: Model, x: NDArray | Ragged, condition: NDArray | None) -> tuple[Tensor, Tensor]:
    code = model.encode(x, condition)
    if isinstance(x, Ragged):
        assert model.factory.sample_shape is not None
        typical = Ragged.alike(np.tile(model.factory.sample_shape[:-1], (len(code), 1)))
        decoded = model.decode(code, condition, typical).cells
    else:
        decoded = model.decode(code, condition)
    output = model.target_scaling.apply(decoded).reshape(len(code), -1)
    return torch.from_numpy(code), torch.from_numpy(output)


def _positions(model: Model) -> int:
    """Pixels or steps at which a reconstruction is compared with its code, 1 for flat rows.

    Rows of different sizes are all decoded at the size of a typical one.
    """
    factory = model.factory
    return math.prod(factory.sample_shape[:-1]) if factory.ragged and factory.sample_shape else 1


def _unbiased(rows: Rows) -> float:
    """Factor that makes the sample variance of a whitened code 1, as in PCA."""
    weights = rows.weights
    n = rows.n_rows if weights is None else weights.sum() ** 2 / (weights**2).sum()
    return float(np.sqrt((n - 1) / n)) if n > 1 else 1.0
