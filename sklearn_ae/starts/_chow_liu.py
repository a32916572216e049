"""Trees of dependence between binary columns, and mixtures of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, xlogy

from sklearn_ae.data import Rows

# Rows that trees are fitted to, at most; the others say little more.
_MOST_ROWS = 10_000
# Trees of a mixture at most, and operations of one pass over the rows for all of them.
_MOST_TREES, _MOST_WORK = 64, 4e8
# Columns of which the shares of all pairs are kept for each tree.
_MOST_COLUMNS = 2048
# Rows that are held out to choose and weigh mixtures: a share, and a number at least. Fewer
# than four times as many rows have a single tree.
_HELD_OUT, _LEAST_HELD_OUT = 0.1, 50
# Rows that the prior of each tree counts as.
_PRIOR = 1.0
# Passes of expectation maximisation for each number of trees, and after the last choice.
_PASSES, _LAST_PASSES = 8, 2
# Rows that belong less than this to a tree are not counted for it.
_LEAST_SHARE = 1e-3
# Mixtures below this share are left out.
_LEAST_LEVEL = 0.01
_EDGE = 1e-9
# Rows whose densities are looked up together.
_ROWS_AT_ONCE = 1024


class TreeMixture(NamedTuple):
    """p(x) = sum_k weight_k prod_j p_k(x_j | x_parent(k, j)) of binary columns.

    A tree is that of Chow and Liu, which has the most mutual information along its edges and
    the largest likelihood of all trees, in closed form. Values between 0 and 1 count as both
    ends, in these shares. Missing cells are summed over.

    Parameters
    ----------
    log_weights : ndarray of shape (n_trees,)
        Logarithms of the trees' shares.
    order : ndarray of shape (n_trees, n_features), int
        Columns of each tree, parents before their children.
    parents : ndarray of shape (n_trees, n_features), int
        Parent of each column; the first in order is its own.
    chances : ndarray of shape (n_trees, n_features, 2)
        Probability of a 1 where the parent is 0, and where it is 1.

    References
    ----------
    Chow and Liu, Approximating discrete probability distributions with dependence trees,
    IEEE Transactions on Information Theory 1968. :doi:`10.1109/TIT.1968.1054142`
    """

    log_weights: NDArray[np.float64]
    order: NDArray[np.intp]
    parents: NDArray[np.intp]
    chances: NDArray[np.float64]

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return self.parents.shape[1]

    def log_density(self, x: NDArray) -> NDArray[np.float64]:
        """Return the log-probability of each row; of its observed cells where some are missing."""
        found = np.empty(len(x))
        for begin in range(0, len(x), _ROWS_AT_ONCE):
            block = x[begin : begin + _ROWS_AT_ONCE].astype(np.float64)
            found[begin : begin + _ROWS_AT_ONCE] = logsumexp(self.by_tree(block), axis=1)
        return found

    def by_tree(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return log(weight_k p_k(x)), of shape (n, n_trees)."""
        found = np.empty((len(x), len(self.log_weights)))
        holes = np.isnan(x).any(axis=1)
        whole, rest = np.ascontiguousarray(x[~holes].T), x[holes]
        for k, weight in enumerate(self.log_weights):
            found[~holes, k] = weight + self._whole_rows(k, whole)
            if len(rest):
                found[holes, k] = weight + self._rows_with_holes(k, rest)
        return found

    def _whole_rows(self, k: int, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        # The logarithm is linear in each cell and in the product of a cell and its parent.
        parents, chances = self.parents[k], self.chances[k]
        zero, one = np.log1p(-chances).T, np.log(chances).T
        odds = one - zero
        slope = odds[0].copy()
        np.add.at(slope, parents, zero[1] - zero[0])
        pairs = columns * columns[parents]
        return np.asarray(zero[0].sum() + slope @ columns + (odds[1] - odds[0]) @ pairs)

    def _rows_with_holes(self, k: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
        # What is below a column is summed up for each of its two values, from the leaves on.
        below = np.zeros((self.n_features, 2, len(x)))
        for j in self.order[k][::-1]:
            chances = self.chances[k, j][:, None]
            zero, one = np.log1p(-chances) + below[j, 0], np.log(chances) + below[j, 1]
            cell = x[:, j]
            known = (1 - cell) * zero + cell * one
            message = np.where(np.isnan(cell), np.logaddexp(zero, one), known)
            parent = self.parents[k, j]
            if parent == j:
                return np.asarray(message[0])
            below[parent] += message
        raise AssertionError

    def sample(self, n_samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw rows of zeros and ones."""
        weights = np.exp(self.log_weights)
        tree = rng.choice(len(weights), n_samples, p=weights / weights.sum())
        uniform = rng.random((n_samples, self.n_features))
        drawn = np.zeros((n_samples, self.n_features))
        for k in np.unique(tree):
            rows = np.flatnonzero(tree == k)
            for j in self.order[k]:
                parent = drawn[rows, self.parents[k, j]].astype(np.intp)
                drawn[rows, j] = uniform[rows, j] < self.chances[k, j, parent]
        return drawn

    def check(self, n_features: int) -> None:
        """Raise if the arrays are not those of trees of so many columns.

        Raises
        ------
        ValueError
            Says which array it is.
        """
        n_trees = len(self.log_weights)
        shape = (n_trees, n_features)
        for name, value, wanted in (
            ("log_weights", self.log_weights, (n_trees,)),
            ("order", self.order, shape),
            ("parents", self.parents, shape),
            ("chances", self.chances, (*shape, 2)),
        ):
            if value.shape != wanted:
                raise ValueError(f"{name} of its trees has shape {value.shape}, not {wanted}")
            if value.dtype.kind != ("i" if name in ("order", "parents") else "f"):
                raise ValueError(f"{name} of its trees has type {value.dtype}")
        if not n_trees or not np.isfinite(self.log_weights).all():
            raise ValueError("log_weights of its trees holds a number that is not finite")
        if not ((self.chances > 0) & (self.chances < 1)).all():
            raise ValueError("chances of its trees holds a number that is not between 0 and 1")
        if not (np.sort(self.order, axis=1) == np.arange(n_features)).all():
            raise ValueError("order of its trees is not an order of the columns")
        if self.parents.min() < 0 or self.parents.max() >= n_features:
            raise ValueError("parents of its trees holds a column that there is not")
        place = np.argsort(self.order, axis=1)
        of_parent = np.take_along_axis(place, self.parents, axis=1)
        if not ((of_parent < place) | ((place == 0) & (of_parent == 0))).all():
            raise ValueError("parents of its trees do not come before their children")


def fit_trees(rows: Rows, rng: np.random.Generator) -> TreeMixture | None:
    """Fit mixtures of 1, 2, 4, ... trees by expectation maximisation, and weigh them.

    Each begins from the one before, every tree split in two at random. Rows that are held out
    say when to stop, and which share each mixture has in the whole. Then all rows are fitted.

    Parameters
    ----------
    rows : Rows
        Rows with values in [0, 1]. Missing cells are read as their column's mean.
    rng : Generator
        Draws the rows that are held out, and how trees are split.

    Returns
    -------
    trees : TreeMixture or None
        None for rows with a condition or a target, for images and sequences, and for very
        many columns.

    References
    ----------
    Meila and Jordan, Learning with mixtures of trees, JMLR 2000.

    Smyth and Wolpert, Linearly combining density estimators via stacking, Machine Learning
    1999. :doi:`10.1023/A:1007511322260`
    """
    flat = rows.sample_shape is None and not rows.ragged
    plain = rows.condition is None and rows.target is None
    if not (flat and plain and 0 < rows.n_features <= _MOST_COLUMNS and rows.n_rows):
        return None
    if rows.n_rows > _MOST_ROWS:
        rows = rows.take(np.linspace(0, rows.n_rows - 1, _MOST_ROWS).astype(np.intp))
    x = rows.matrix().astype(np.float64)
    weights = rows.weights
    w = np.ones(len(x)) if weights is None else weights.astype(np.float64)
    # Weights count rows, up to a factor.
    w = w * (np.count_nonzero(w) / w.sum())
    holes = np.isnan(x)
    if holes.any():
        x = np.where(holes, _mean(np.where(holes, 0.0, x), w[:, None] * ~holes), x)
    n, p = x.shape
    n_held_out = max(_LEAST_HELD_OUT, int(_HELD_OUT * n))
    single = np.ones((n, 1))
    if n < 4 * n_held_out:
        return _trees(x, w, single)
    most = min(_MOST_TREES, _MOST_WORK / (p * (n + 20 * p)))
    order = rng.permutation(n)
    valid, train = order[:n_held_out], order[n_held_out:]
    levels, found = [single[train]], []
    while True:
        mixture, levels[-1] = _maximised(x[train], w[train], levels[-1], _PASSES)
        found.append((mixture, logsumexp(mixture.by_tree(x[valid]), axis=1)))
        gains = [np.average(each, weights=w[valid]) for _, each in found]
        if gains[-1] < max(gains) or 2 * levels[-1].shape[1] > most:
            break
        share = rng.beta(0.5, 0.5, levels[-1].shape)
        halves = levels[-1] * np.stack([share, 1 - share])
        levels.append(np.concatenate(halves, axis=1))
    shares = stacked_shares(np.stack([each for _, each in found], axis=1), w[valid])
    kept = shares >= _LEAST_LEVEL
    parts = []
    for (mixture, _), share in zip(found, shares / shares[kept].sum(), strict=True):
        if share >= _LEAST_LEVEL:
            belongs = _shares(mixture.by_tree(x))
            whole, _ = _maximised(x, w, belongs, _LAST_PASSES)
            parts.append(whole._replace(log_weights=whole.log_weights + np.log(share)))
    return TreeMixture(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def stacked_shares(
    log_densities: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the shares with which densities are most likely to have given some rows.

    Parameters
    ----------
    log_densities : ndarray of shape (n, n_densities)
        Of rows that none was fitted to.
    weights : ndarray of shape (n,), optional
        Weights of the rows.
    """
    shares = np.full(log_densities.shape[1], 1 / log_densities.shape[1])
    for _ in range(200):
        shares = _mean(_shares(log_densities + np.log(shares)), weights)
        shares = np.maximum(shares, 1e-12)
    return np.asarray(shares / shares.sum())


def _maximised(
    x: NDArray[np.float64], w: NDArray[np.float64], belongs: NDArray[np.float64], n_passes: int
) -> tuple[TreeMixture, NDArray[np.float64]]:
    """Return the mixture after some passes, and how far each row belongs to each of its trees."""
    for _ in range(n_passes if belongs.shape[1] > 1 else 1):
        trees = _trees(x, w, belongs)
        belongs = _shares(trees.by_tree(x))
    return trees, belongs


def _trees(
    x: NDArray[np.float64], w: NDArray[np.float64], belongs: NDArray[np.float64]
) -> TreeMixture:
    """Return the trees of rows that belong to them in some shares."""
    n_trees, p = belongs.shape[1], x.shape[1]
    total = w.sum() + _PRIOR
    mean = (w @ x + _PRIOR / 2) / total
    # A single tree leans on independent columns, each of several on what all rows show.
    prior = np.outer(mean, mean)
    if n_trees > 1:
        prior = ((x * w[:, None]).T @ x + _PRIOR * prior) / total
    means, pairs = np.empty((n_trees, p)), np.empty((n_trees, p, p))
    information = np.empty((n_trees, p, p))
    sizes = np.empty(n_trees)
    for k in range(n_trees):
        rows = np.flatnonzero(belongs[:, k] > _LEAST_SHARE)
        weight, block = (w * belongs[:, k])[rows], x[rows]
        sizes[k] = weight.sum() + _PRIOR
        means[k] = (weight @ block + _PRIOR * mean) / sizes[k]
        pairs[k] = ((block * weight[:, None]).T @ block + _PRIOR * prior) / sizes[k]
        information[k] = _information(means[k], pairs[k])
    order, parents = _spanning_trees(information)
    of_parent = np.take_along_axis(means, parents, axis=1)
    both = np.take_along_axis(pairs, parents[:, :, None], axis=2)[:, :, 0]
    chances = np.stack([(means - both) / (1 - of_parent), both / of_parent], axis=2)
    root = order[:, :1]
    np.put_along_axis(
        chances, root[:, :, None], np.take_along_axis(means, root, axis=1)[:, :, None], axis=1
    )
    return TreeMixture(
        np.log(sizes / sizes.sum()), order, parents, np.clip(chances, _EDGE, 1 - _EDGE)
    )


def _information(mean: NDArray[np.float64], both: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mutual information of all pairs of columns, in nats."""
    one = np.maximum(mean[:, None] - both, 0.0)
    none = np.maximum(1 - mean[:, None] - mean + both, 0.0)
    entropy = xlogy(mean, mean) + xlogy(1 - mean, 1 - mean)
    alone = xlogy(one, one)
    joint = xlogy(both, both) + alone + alone.T + xlogy(none, none)
    return joint - entropy[:, None] - entropy


def _spanning_trees(
    weights: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the heaviest spanning tree of each matrix by Prim's algorithm, from column 0 on."""
    n, p, _ = weights.shape
    tree = np.arange(n)
    order, parents = np.zeros((n, p), np.intp), np.zeros((n, p), np.intp)
    nearest = weights[:, 0].copy()
    nearest[:, 0] = -np.inf
    for i in range(1, p):
        column = order[:, i] = nearest.argmax(axis=1)
        nearest[tree, column] = -np.inf
        closer = (weights[tree, column] > nearest) & (nearest > -np.inf)
        nearest = np.where(closer, weights[tree, column], nearest)
        parents = np.where(closer, column[:, None], parents)
    return order, parents


def _shares(log_densities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each row belongs to each density."""
    return np.exp(log_densities - logsumexp(log_densities, axis=1, keepdims=True))


def _mean(values: NDArray[np.float64], weights: NDArray | None) -> NDArray[np.float64]:
    """Weighted mean of rows, with weights of rows or cells; 0 where there are none."""
    if weights is None:
        return np.asarray(values.mean(axis=0))
    weights = weights if weights.ndim == 2 else weights[:, None]
    return np.asarray((weights * values).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-300))
