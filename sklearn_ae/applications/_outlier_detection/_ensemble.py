"""Networks and neighbours that find outliers together, each fold without rows of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from torch import Tensor

from sklearn_ae.applications._outlier_detection._calibration import quantile
from sklearn_ae.applications._outlier_detection._encoding import Encoding
from sklearn_ae.applications._outlier_detection._nearest import NearestRows, Scale
from sklearn_ae.applications._outlier_detection._networks import Cells, Networks
from sklearn_ae.applications._outlier_detection._noise import Noise
from sklearn_ae.runtime import Seeds, available_device

# Rows that a fit reads at most: its steps would not see more of them.
MOST_ROWS = 2**16
# Rows from which one member is enough, and those that are held out of it.
MANY_ROWS = 50_000
N_HELD_OUT = 10_000
N_STEPS = 1000
# The least squared error that is told from none.
_LEAST = 1e-8
_LOW = 0.16
# Rows that are scored at once: what is between a network's layers stays in the cache.
_BLOCK_ROWS = 1024


class Mixture(NamedTuple):
    """What a score is the mean of.

    Parameters
    ----------
    networks : float
        The part that networks have.
    scales : tuple of Scale
        Which of the rows of a member are near; they have the rest.
    """

    networks: float
    scales: tuple[Scale, ...]


class Ensemble:
    """Members that each have a fold of rows that they have not seen.

    A member has rows with which others are compared, and a network where that is asked for. Each
    answers with the logarithm of a distance or of an error, in units of what rows that it has not
    seen have: their median, and the distance from there down to the 16th percentile.

    Parameters
    ----------
    encoding : Encoding
        Standard units of the columns.
    mixture : Mixture
        Parts of networks and near rows in the score.
    device : str
        Where networks are trained and asked.
    """

    def __init__(self, encoding: Encoding, mixture: Mixture, device: str) -> None:
        self.encoding = encoding
        self.mixture = mixture
        self.device = device

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, device=available_device(state["device"]))

    def fit(
        self,
        values: Any,
        weight: NDArray[np.float64],
        n_members: int,
        seeds: Seeds,
        splits: list[tuple[NDArray[np.intp], NDArray[np.intp]]] | None = None,
        *,
        restoring: bool = False,
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
        splits : list of (ndarray of int, ndarray of int), optional
            The rows that each member sees, and those that it is held to, in place of folds that
            are drawn.
        restoring : bool, default=False
            Whether `restored_errors` is going to be asked for. It needs networks, also where they
            have no part in the score.

        Returns
        -------
        rows : ndarray of shape (n_out_of_fold,), int
            Rows that a member has not seen.
        scores : ndarray of shape (n_out_of_fold,)
            Their scores by that member; higher is stranger.
        """
        if splits is None:
            drawn = seeds.numpy("folds").permutation(len(values))
            held_out = _folds(drawn, n_members)
            used = drawn[: MOST_ROWS + N_HELD_OUT]
            seen = [np.setdiff1d(used, own) for own in held_out]
        else:
            seen, held_out = (list(parts) for parts in zip(*splits, strict=True))
            used = np.unique(np.concatenate(seen))
        relative = (weight[used] / weight[used].mean()).astype(np.float32)
        arrays = (*self.encoding.cells(values[used], np.float32), relative)
        cells = Cells(*(_tensor(array, self.device) for array in arrays))
        place = np.empty(len(values), np.intp)
        place[used] = np.arange(len(used))
        folds = [np.sort(place[own]) for own in seen]
        self.networks: list[Networks] = []
        if restoring or self.mixture.networks > 0:
            generator = seeds.torch("networks", device=self.device)
            networks = Networks.drawn(len(folds), self.encoding.share, generator)
            networks.train(cells, folds, Noise(cells.x, folds, generator), N_STEPS, generator)
            self.networks = [networks]
        rng, scales = seeds.numpy("neighbours"), self.mixture.scales
        self.nearest = [NearestRows.drawn(cells.x, own, scales, rng) for own in folds]
        rows = np.concatenate(held_out)
        raw = self._raw(values[rows])
        which = np.repeat(np.arange(len(held_out)), [len(own) for own in held_out])
        own = np.take_along_axis(raw, which[None, None], axis=1)[:, 0]
        mass = weight[rows]
        self.center = np.array([quantile(part, mass, 0.5) for part in own])
        low = np.array([quantile(part, mass, _LOW) for part in own])
        self.spread = np.maximum(self.center - low, 1e-6)
        return rows, self._mixed(own)

    def scores(
        self, values: Any, dtype: type = np.float64, member: int | None = None
    ) -> NDArray[np.float64]:
        """Return how strange rows are, in the mean of the members or by one of them.

        Parameters
        ----------
        values : ndarray, SparseRows or TableRows of shape (n_rows, n_columns)
            Rows.
        dtype : type
            Precision.
        member : int, optional
            The one to ask.
        """
        raw = self._raw(values, dtype)
        return self._mixed(raw.mean(axis=1) if member is None else raw[:, member])

    def cell_errors(self, values: Any) -> NDArray[np.float64]:
        """Return squared distances of cells from what the other columns say, in standard units."""
        feature = self.encoding.feature
        return self._by_cell(
            values,
            np.float64,
            lambda x: torch.stack([own.filled_in(x, feature) for own in self.nearest]),
        )

    def restored_errors(
        self, values: Any, dtype: type = np.float64, member: int | None = None
    ) -> NDArray[np.float64]:
        """Return squared distances of cells from what rows are restored to, in standard units.

        Only after a fit with ``restoring=True``.
        """
        networks = self.networks[0]
        if member is not None:
            networks = networks.take(slice(member, member + 1))
        return self._by_cell(values, dtype, networks.answers)

    def _by_cell(
        self, values: Any, dtype: type, answers: Callable[[Tensor], Tensor]
    ) -> NDArray[np.float64]:
        """Return the mean squared distance of cells from what members answer."""
        found = []
        for x, seen in self._tensors(values, dtype):
            errors = answers(x).sub_(x).square_().mean(0)
            found.append(errors.masked_fill_(seen == 0, torch.nan).cpu().numpy())
        return np.concatenate(found) if found else np.zeros((0, len(self.encoding.mean)))

    def _raw(self, values: Any, dtype: type = np.float64) -> NDArray[np.float64]:
        """Return what each kind of member says of rows, of shape (n_kinds, n_folds, n_rows)."""
        found = [self._asked(x, seen) for x, seen in self._tensors(values, dtype)]
        if not found:
            return np.zeros((len(self.networks) + len(self.mixture.scales), len(self.nearest), 0))
        return np.concatenate(found, axis=2)

    def _asked(self, x: Tensor, seen: Tensor) -> NDArray[np.float64]:
        errors = [networks.errors(x, seen)[None] for networks in self.networks]
        distances = torch.stack([own.distances(x) for own in self.nearest], dim=1)
        found = torch.cat([*errors, distances.square_()]).add_(_LEAST).log_()
        return found.double().cpu().numpy()

    def _tensors(self, values: Any, dtype: type) -> Iterator[tuple[Tensor, Tensor]]:
        for x, seen in self.encoding.blocks(values, dtype):
            for start in range(0, len(x), _BLOCK_ROWS):
                part = slice(start, start + _BLOCK_ROWS)
                yield _tensor(x[part], self.device), _tensor(seen[part], self.device)

    def _mixed(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return one number a row for what each kind of member says, of shape (n_kinds, n)."""
        z = (raw - self.center[:, None]) / self.spread[:, None]
        n, part = len(self.networks), self.mixture.networks
        near = z[n:].mean(axis=0)
        return part * z[:n].mean(axis=0) + (1 - part) * near if part > 0 else near


def _tensor(cells: NDArray, device: str) -> Tensor:
    return torch.from_numpy(cells).to(device)


def _folds(drawn: NDArray[np.intp], n_members: int) -> list[NDArray[np.intp]]:
    """Return the rows that each member does not see."""
    if n_members == 1 or len(drawn) >= MANY_ROWS:
        return [drawn[: min(N_HELD_OUT, len(drawn) // 5)]]
    return [drawn[part] for _, part in KFold(min(n_members, len(drawn))).split(drawn)]
