"""Greedy selection of columns by what a linear decoder rebuilds from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Variance, of order 1 before, below which a column is explained by those that were chosen.
_EXPLAINED = 1e-9
# Gains that differ by less are equal, and the first column is taken.
_TIE = 1e-6


def linear_order(
    covariance: NDArray[np.float64], units: Sequence[NDArray[np.intp]], first: Sequence[int] = ()
) -> tuple[list[int], NDArray[np.float64]]:
    """Order units of columns so that each explains most of what those before it leave.

    With the covariance C of what the chosen columns leave, a unit G explains

        tr(C_:G C_GG⁻¹ C_G:),

    by which the sum of squared residuals of the regression of all columns on the chosen ones
    falls. C is deflated by it, and the next unit is chosen.

    Parameters
    ----------
    covariance : ndarray of shape (m, m)
        Covariance of the columns, in standard units.
    units : sequence of ndarray of int
        Columns that are chosen together.
    first : sequence of int
        Units that are chosen already, in their order.

    Returns
    -------
    order : list of int
        All units.
    gains : ndarray of shape (n_units,)
        The variance that each explains beyond those before it, in this order.

    References
    ----------
    Farahat, Ghodsi and Kamel, Efficient greedy feature selection for unsupervised learning,
    Knowledge and Information Systems 2013. :doi:`10.1007/s10115-012-0538-1`
    """
    C = covariance.copy()
    left, order, gains = list(range(len(units))), [], []
    for step in range(len(units)):
        if step < len(first):
            best = first[step]
            gain = _explained(C, [units[best]])[0]
        else:
            found = _explained(C, [units[i] for i in left])
            first_best = int(np.argmax(found >= (1 - _TIE) * found.max()))
            best, gain = left[first_best], found[first_best]
        left.remove(best)
        order.append(best)
        gains.append(gain)
        if gain > 0:
            _deflate(C, units[best])
    return order, np.array(gains)


def _explained(C: NDArray[np.float64], units: list[NDArray[np.intp]]) -> NDArray[np.float64]:
    """Return the variance that each unit explains."""
    variance = np.diag(C)
    alone = np.square(C).sum(axis=0)
    alone = np.where(variance > _EXPLAINED, alone / np.maximum(variance, _EXPLAINED), 0.0)
    out = np.zeros(len(units))
    for i, columns in enumerate(units):
        if len(columns) == 1:
            out[i] = alone[columns[0]]
        elif len(columns):
            out[i] = np.sum((C[columns] @ C[:, columns]) * _inverse(C, columns))
    return out


def _deflate(C: NDArray[np.float64], columns: NDArray[np.intp]) -> None:
    """Take out of a covariance, in place, what columns explain."""
    C -= C[:, columns] @ _inverse(C, columns) @ C[columns]
    C[columns] = C[:, columns] = 0.0


def _inverse(C: NDArray[np.float64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the pseudo-inverse of the covariance of some columns."""
    values, vectors = np.linalg.eigh(C[np.ix_(columns, columns)])
    inverse = np.where(values > _EXPLAINED, 1 / np.maximum(values, _EXPLAINED), 0.0)
    return (vectors * inverse) @ vectors.T
