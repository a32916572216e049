"""Networks and neighbours that find outliers together, each fold without rows of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from torch import Tensor

from sklearn_ae.applications._outlier_detection._calibration import quantile
from sklearn_ae.applications._outlier_detection._encoding import Encoding
from sklearn_ae.applications._outlier_detection._nearest import NearestRows
from sklearn_ae.applications._outlier_detection._networks import Cells, Networks
from sklearn_ae.applications._outlier_detection._noise import (
    GROUP,
    N_MASKED_GROUPS,
    IndependentNoise,
    MixedNoise,
)
from sklearn_ae.runtime import Seeds, available_device

# Rows that a fit reads at most: its steps would not see more of them.
MOST_ROWS = 2**16
# Rows from which one member is enough, and those that are held out of it.
MANY_ROWS = 50_000
N_HELD_OUT = 10_000
N_STEPS = 1000
# The networks that look for rows to leave out: their number in a fold, their steps, the largest
# standard deviation of their noise, the share of rows that each may see.
_FILTERS = (3.0, 3.0, 0.5, 0.5)
_FILTER_STEPS = 120
_FILTER_ROWS = 0.7
# The share of rows that is kept at least.
_KEPT = 0.7
# Part of a group's score that neighbours have, and those of its networks in the rest.
_NEIGHBOURS = 0.5
_PARTS = np.full(GROUP, 1 / GROUP)
# The least squared error that is told from none.
_LEAST = 1e-8
_LOW = 0.16
_BLOCK_ROWS = 1024


class Group(NamedTuple):
    """Networks and neighbours that learned from the same rows, in each fold.

    Parameters
    ----------
    networks : Networks
        `GROUP` networks a fold, the folds in turn.
    neighbours : list of NearestRows
        One a fold.
    weight : float
        Part of the score.
    """

    networks: Networks
    neighbours: list[NearestRows]
    weight: float


class Ensemble:
    """Members that each have a fold of rows that they have not seen.

    A member is a group of networks on all of its rows, one on the rows that networks with
    trimmed losses keep, or both, and as many sets of neighbours. Each answers with the logarithm
    of an error or of a distance, in units of what rows that it has not seen have: their median,
    and the distance from there down to the 16th percentile.

    Parameters
    ----------
    encoding : Encoding
        Standard units of the columns.
    trust : float in [0, 1]
        Part of the score that goes by all rows; the rest goes by those that are kept.
    device : str
        Where networks are trained and asked.
    """

    def __init__(self, encoding: Encoding, trust: float, device: str) -> None:
        self.encoding = encoding
        self.trust = trust
        self.device = device

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, device=available_device(state["device"]))

    def fit(
        self, values: Any, weight: NDArray[np.float64], n_members: int, seeds: Seeds
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Train the members.

        Parameters
        ----------
        values : ndarray, SparseRows or TableRows of shape (n_rows, n_columns)
            Rows of positive weight.
        weight : ndarray of shape (n_rows,)
            Their weights.
        n_members : int
            Number of members.
        seeds : Seeds
            Feed every draw.

        Returns
        -------
        rows : ndarray of shape (n_out_of_fold,), int
            Rows that a member has not seen.
        scores : ndarray of shape (n_out_of_fold,)
            Their scores by that member; higher is stranger.
        """
        rng = seeds.numpy("folds")
        drawn = rng.permutation(len(values))
        held_out = _folds(drawn, n_members)
        used = drawn[: MOST_ROWS + N_HELD_OUT]
        relative = (weight[used] / weight[used].mean()).astype(np.float32)
        arrays = (*self.encoding.cells(values[used], np.float32), relative)
        cells = Cells(*(_tensor(array, self.device) for array in arrays))
        place = np.empty(len(values), np.intp)
        place[used] = np.arange(len(used))
        folds = [np.setdiff1d(np.arange(len(used)), place[own]) for own in held_out]
        self.groups = []
        self.parts = _parts(self.encoding.feature, seeds.numpy("masks"))
        if self.trust > 0:
            self.groups.append(self._group(cells, folds, self.trust, seeds, "all"))
        if self.trust < 1:
            kept = self._kept(cells, folds, seeds)
            self.groups.append(self._group(cells, kept, 1 - self.trust, seeds, "kept"))
        rows = np.concatenate(held_out)
        raw = self._raw(values[rows])
        which = np.repeat(np.arange(len(held_out)), [len(own) for own in held_out])
        own = np.take_along_axis(raw, which[None, None], axis=1)[:, 0]
        mass = weight[rows]
        self.center = np.array([quantile(part, mass, 0.5) for part in own])
        low = np.array([quantile(part, mass, _LOW) for part in own])
        self.spread = np.maximum(self.center - low, 1e-6)
        return rows, self._mixed(own)

    def scores(self, values: Any, dtype: type = np.float64) -> NDArray[np.float64]:
        """Return how strange rows are, in the mean of the members.

        Parameters
        ----------
        values : ndarray, SparseRows or TableRows of shape (n_rows, n_columns)
            Rows.
        dtype : type
            Precision.
        """
        return self._mixed(self._raw(values, dtype).mean(axis=1))

    def cell_errors(self, values: Any) -> NDArray[np.float64]:
        """Return squared distances of cells from what the other columns say, in standard units."""
        found = []
        for x, seen in self._tensors(values, np.float64):
            total = torch.zeros_like(x)
            for group in self.groups:
                masked = group.networks.take(slice(GROUP - 1, None, GROUP))
                total += group.weight * masked.filled_in(x, self.parts).sub_(x).square_().mean(0)
            found.append(total.masked_fill_(seen == 0, torch.nan).cpu().numpy())
        return np.concatenate(found) if found else np.zeros((0, len(self.encoding.mean)))

    def _group(
        self, cells: Cells, rows: list[NDArray[np.intp]], weight: float, seeds: Seeds, name: str
    ) -> Group:
        """Train the networks of a group on rows of each fold, and note neighbours."""
        generator = seeds.torch("networks", name, device=self.device)
        networks = Networks.drawn(GROUP * len(rows), self.encoding.share, generator)
        noise = MixedNoise(cells.x, rows, self.encoding.feature, generator)
        each = [own for own in rows for _ in range(GROUP)]
        networks.train(cells, each, noise, None, N_STEPS, generator)
        rng = seeds.numpy("neighbours", name)
        neighbours = [NearestRows.drawn(cells.x, own, rng) for own in rows]
        return Group(networks, neighbours, weight)

    def _kept(
        self, cells: Cells, folds: list[NDArray[np.intp]], seeds: Seeds
    ) -> list[NDArray[np.intp]]:
        """Return the rows of each fold that networks which ignore the worst find ordinary."""
        generator, rng = seeds.torch("filters", device=self.device), seeds.numpy("filters")
        n = len(_FILTERS)
        networks = Networks.drawn(n * len(folds), self.encoding.share, generator)
        rows = [
            rng.permutation(own)[: max(1, round(_FILTER_ROWS * len(own)))]
            for own in folds
            for _ in range(n)
        ]
        highest = torch.tensor(_FILTERS * len(folds), device=cells.x.device)
        noise = IndependentNoise(highest, generator)
        networks.train(cells, rows, noise, _Trimmed(n * len(folds)), _FILTER_STEPS, generator)
        parts = [
            networks.errors(x, seen).cpu().numpy()
            for x, seen in zip(
                cells.x.split(_BLOCK_ROWS), cells.seen.split(_BLOCK_ROWS), strict=True
            )
        ]
        errors = np.log(np.concatenate(parts, axis=1) + _LEAST)
        kept = []
        for i, own in enumerate(folds):
            found = errors[n * i : n * (i + 1), own]
            center, low = np.quantile(found, [0.5, _LOW], axis=1)
            z = ((found.T - center) / np.maximum(center - low, 1e-6)).mean(axis=1)
            kept.append(own[z <= max(1.0, np.quantile(z, _KEPT))])
        return kept

    def _raw(self, values: Any, dtype: type = np.float64) -> NDArray[np.float64]:
        """Return what each kind of member says of rows, of shape (n_kinds, n_folds, n_rows)."""
        found = [
            np.concatenate([self._asked(group, x, seen) for group in self.groups])
            for x, seen in self._tensors(values, dtype)
        ]
        if not found:
            n_kinds = (GROUP + 1) * len(self.groups)
            return np.zeros((n_kinds, len(self.groups[0].neighbours), 0))
        return np.concatenate(found, axis=2)

    def _asked(self, group: Group, x: Tensor, seen: Tensor) -> NDArray[np.float64]:
        networks, masked = group.networks, np.arange(GROUP - 1, len(group.networks), GROUP)
        noisy = np.setdiff1d(np.arange(len(networks)), masked)
        errors = torch.cat(
            [
                networks.take(noisy).errors(x, seen).unflatten(0, (-1, GROUP - 1)),
                networks.take(masked).errors(x, seen, self.parts)[:, None],
            ],
            dim=1,
        )
        distances = torch.stack([own.distances(x) for own in group.neighbours])[:, None]
        logs = torch.cat([errors + _LEAST, distances.square() + _LEAST], dim=1).log()
        return logs.movedim(0, 1).double().cpu().numpy()

    def _tensors(self, values: Any, dtype: type) -> Iterator[tuple[Tensor, Tensor]]:
        for x, seen in self.encoding.blocks(values, dtype):
            for start in range(0, len(x), _BLOCK_ROWS):
                part = slice(start, start + _BLOCK_ROWS)
                yield _tensor(x[part], self.device), _tensor(seen[part], self.device)

    def _mixed(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one number a row for what each kind of member says, of shape (n_kinds, n)."""
        z = (raw - self.center[:, None]) / self.spread[:, None]
        each = z.reshape(len(self.groups), GROUP + 1, -1)
        networks = np.einsum("j,ijk->ik", _PARTS, each[:, :GROUP])
        mixed = (1 - _NEIGHBOURS) * networks + _NEIGHBOURS * each[:, GROUP]
        return np.array([group.weight for group in self.groups]) @ mixed


def _tensor(cells: NDArray, device: str) -> Tensor:
    return torch.from_numpy(cells).to(device)


class _Trimmed:
    """Leaves rows of large error out of batches, by a share or by a fence, network by network.

    Parameters
    ----------
    n_networks : int
        Number of networks; every second one goes by the fence.
    """

    def __init__(self, n_networks: int) -> None:
        self.fenced = (torch.arange(n_networks) % 2 == 1)[:, None]

    def __call__(self, errors: Tensor) -> Tensor:
        """Return 1 for rows that count, 0 for others."""
        ordered = errors.add(_LEAST).log().sort(1).values
        n = ordered.shape[1]
        low, center, high = (ordered[:, [min(int(q * n), n - 1)]] for q in (_LOW, 0.5, _KEPT))
        most = torch.where(self.fenced.to(errors.device), 2 * center - low, high)
        return (errors.add(_LEAST).log() <= most).to(errors)


def _folds(drawn: NDArray[np.intp], n_members: int) -> list[NDArray[np.intp]]:
    """Return the rows that each member does not see."""
    if n_members == 1 or len(drawn) >= MANY_ROWS:
        return [drawn[: min(N_HELD_OUT, len(drawn) // 5)]]
    return [drawn[part] for _, part in KFold(min(n_members, len(drawn))).split(drawn)]


def _parts(feature: NDArray[np.intp], rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Return the columns that are masked together, those of one category in one part."""
    n_features = int(feature.max()) + 1
    part = rng.permutation(n_features) % N_MASKED_GROUPS
    found = [np.flatnonzero(part[feature] == i) for i in range(N_MASKED_GROUPS)]
    return [columns for columns in found if len(columns)]
