"""Labels by a graph of nearest rows, in closed form."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array

from sklearn_ae.starts._neighbour_index import NeighbourIndex

# Relative residual at which conjugate gradients end.
_TOLERANCE = 1e-13
_STEPS = 5_000
# Columns that are solved for at once, which is a matter of memory.
_COLUMNS = 64
# Share of the largest value below which a row is as good as out of reach of all labels.
_REACH = 1e-11
# Units of a column that hardly varies: this share of the median range.
_LEAST_RANGE = 0.3
# What is farther away has no square of which others can be told.
_FARTHEST = 1e100


class RangeScaling:
    """Columns divided by their range, or by .3 of the median range if that is more.

    Standard deviations inflate columns that are nearly constant, and with them the distances.

    Parameters
    ----------
    rows : ndarray of shape (n, p)
        The rows that set the ranges.
    """

    def __init__(self, rows: NDArray) -> None:
        self.low = rows.min(axis=0).astype(np.float64)
        range_ = rows.max(axis=0) - self.low
        varies = range_ > 0
        least = _LEAST_RANGE * np.median(range_[varies]) if varies.any() else 1.0
        self.unit = np.maximum(range_, least)

    def __call__(self, rows: NDArray) -> NDArray[np.float64]:
        """Return rows in units of the ranges; those too far for a distance are cut off."""
        with np.errstate(over="ignore"):
            return np.clip((rows - self.low) / self.unit, -_FARTHEST, _FARTHEST)


class NeighbourGraph:
    r"""Rows joined to those nearest to them, with weights that tune themselves.

    The weight of an edge is :math:`\exp(-d_{ij}^2 / (\sigma_i \sigma_j))`, where
    :math:`\sigma_i` is the distance of row i to the last of its nearest rows. Two rows are joined
    if either is among the nearest of the other. With S the weights over the square roots of the
    degrees, `spread` returns :math:`F = (I - \alpha S)^{-1} Y`.

    Parameters
    ----------
    rows : ndarray of shape (n, p)
        Rows whose Euclidean distances count.
    n_neighbors : int, default=7
        How many are nearest; of fewer rows, all others.

    Attributes
    ----------
    tolerance : float
        Relative residual at which systems count as solved.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schölkopf, Learning with local and global consistency, NIPS
    2003. Zelnik-Manor and Perona, Self-tuning spectral clustering, NIPS 2004.
    """

    def __init__(self, rows: NDArray, n_neighbors: int = 7) -> None:
        n = len(rows)
        self.tolerance = _TOLERANCE
        self.index = NeighbourIndex(rows)
        self.n_neighbors = max(1, min(n_neighbors, n - 1))
        distances, index = self.index.of_themselves(self.n_neighbors)
        self.reach = _reach(distances)
        weight = np.exp(-(distances**2) / (self.reach[:, None] * self.reach[index]))
        start = np.arange(0, index.size + 1, index.shape[1])
        directed = csr_array((weight.ravel(), index.ravel(), start), shape=(n, n))
        self.weights = csr_array(directed.maximum(directed.T))

    def spread(
        self, labels: NDArray, alpha: float = 0.99, prior: NDArray | None = None
    ) -> NDArray[np.float64]:
        """Return shares of labels for each row.

        Each column of the labels counts as much as any other: it is divided by its sum.

        Parameters
        ----------
        labels : ndarray of shape (n, n_labels)
            Non-negative; one-hot, weighted or soft for rows with a label, zero for the others.
        alpha : float in [0, 1), default=0.99
            How far labels spread; with 0 they stay where they are.
        prior : ndarray of shape (n_labels,), optional
            Shares of rows that no label reaches. None means those of `labels`.

        Returns
        -------
        shares : ndarray of shape (n, n_labels)
            Each row sums to 1.
        """
        mass = labels.sum(axis=0)
        return _shares(self.solve(labels / _positive(mass), alpha), _prior(mass, prior))

    def leave_one_out(
        self, labels: NDArray, rows: NDArray[np.intp], alpha: float = 0.99
    ) -> NDArray[np.float64]:
        """Return for some rows what `spread` does without the label of that row.

        Parameters
        ----------
        labels : ndarray of shape (n, n_labels)
            As in `spread`.
        rows : ndarray of shape (m,)
            Positions of rows with a label. Each costs as much as a label in `spread`.
        alpha : float in [0, 1), default=0.99
            As in `spread`.

        Returns
        -------
        shares : ndarray of shape (m, n_labels)
        """
        mass = labels.sum(axis=0)
        own = labels[rows]
        shares = self.solve(labels, alpha)[rows] - self.diagonal(rows, alpha)[:, None] * own
        rest = mass - own
        return _shares(shares / _positive(rest), _prior(mass, None))

    def solve(self, right: NDArray, alpha: float) -> NDArray[np.float64]:
        """Return (I - alpha S)^-1 times some columns, by conjugate gradients.

        Parameters
        ----------
        right : ndarray of shape (n, m)
            The columns.
        alpha : float in [0, 1)
            How far they spread.
        """
        root = diags_array(1 / np.sqrt(_positive(self.weights.sum(axis=1))))
        system = csr_array(eye_array(len(self.reach)) - alpha * (root @ self.weights @ root))
        found = np.empty(right.shape)
        for start in range(0, right.shape[1], _COLUMNS):
            part = slice(start, start + _COLUMNS)
            solved = _solved(system, right[:, part], self.tolerance)
            if solved is None:
                raise ValueError(
                    f"alpha={alpha!r} is too near to 1 for a graph of {len(self.reach)} rows; use "
                    "a smaller one, such as .99."
                )
            found[:, part] = solved
        return found

    def diagonal(self, rows: NDArray[np.intp], alpha: float) -> NDArray[np.float64]:
        """Return cells of the diagonal of (I - alpha S)^-1.

        Parameters
        ----------
        rows : ndarray of shape (m,)
            Their positions.
        alpha : float in [0, 1)
            As in `solve`.
        """
        found = np.zeros(len(rows))
        for start in range(0, len(rows), _COLUMNS):
            part = rows[start : start + _COLUMNS]
            units = np.zeros((len(self.reach), len(part)))
            units[part, range(len(part))] = 1.0
            found[start : start + len(part)] = self.solve(units, alpha)[part, range(len(part))]
        return found

    def without_edges(self) -> NeighbourGraph:
        """Return a graph of the same rows that has `extend` alone, which takes less memory."""
        other = copy(self)
        del other.weights
        return other

    def extend(self, rows: NDArray, values: NDArray) -> NDArray[np.float64]:
        """Return the weighted mean of what the nearest rows of new rows have.

        Parameters
        ----------
        rows : ndarray of shape (m, p)
            New rows.
        values : ndarray of shape (n, k)
            What the rows of the graph have.

        Returns
        -------
        means : ndarray of shape (m, k)
        """
        distances, index = self.index(np.clip(rows, -_FARTHEST, _FARTHEST), self.n_neighbors)
        reach = np.maximum(distances[:, -1:], self.reach.min())
        exponent = distances**2 / (reach * self.reach[index])
        weight = np.exp(exponent.min(axis=1, keepdims=True) - exponent)
        weight /= weight.sum(axis=1, keepdims=True)
        return np.einsum("mk,mkc->mc", weight, values[index])


def _solved(system: csr_array, right: NDArray, tolerance: float) -> NDArray[np.float64] | None:
    """Return what several columns are solved by, by conjugate gradients; None without an end."""
    found = np.zeros(right.shape)
    residual = np.array(right, dtype=np.float64)
    direction = residual.copy()
    square = (residual**2).sum(axis=0)
    enough = tolerance**2 * square
    for _ in range(_STEPS):
        if (square <= enough).all():
            return found
        product = system @ direction
        curvature = _positive((direction * product).sum(axis=0))
        # A column that is solved stays as it is.
        step = np.where(square > enough, square / curvature, 0.0)
        found += step * direction
        residual -= step * product
        before, square = square, (residual**2).sum(axis=0)
        direction *= square / _positive(before)
        direction += residual
    return None


def _reach(distances: NDArray) -> NDArray[np.float64]:
    """Return the distance to the last of the nearest rows, above zero where rows are alike."""
    reach = distances[:, -1].astype(np.float64)
    apart = reach > 0
    return np.where(apart, reach, reach[apart].min() if apart.any() else 1.0)


def _shares(spread: NDArray, prior: NDArray) -> NDArray[np.float64]:
    """Return spread labels as shares; what is out of reach of all labels has those of the prior."""
    held = np.maximum(spread, 0.0) + max(_REACH * spread.max(), np.finfo(float).tiny) * prior
    return held / held.sum(axis=1, keepdims=True)


def _prior(mass: NDArray, given: NDArray | None) -> NDArray[np.float64]:
    prior = mass if given is None else np.asarray(given, dtype=np.float64)
    if not prior.sum() > 0:
        raise ValueError("No row has a label; give one to some of them.")
    return prior / prior.sum()


def _positive(values: NDArray) -> NDArray:
    """Return values to divide by."""
    return np.where(values > 0, values, 1.0)
