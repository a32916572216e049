"""What says how strange windows are: the networks and neighbours of tables, or autoencoders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_ae.applications._outlier_detection import (
    MIXTURES,
    Encoding,
    Ensemble,
    FewRows,
    Mixture,
    Scale,
)
from sklearn_ae.autoencoders import BaseAutoencoder, Reader
from sklearn_ae.data import FEW_ROWS, Rows, Table
from sklearn_ae.runtime import Seeds, resolve_device, torch_threads

# Networks, which restore windows in any case, have a part also where all windows are normal.
_MIXTURES = MIXTURES | {"clean": Mixture(0.15, (Scale(500, 2),))}
Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


class WindowEnsemble:
    """Networks and neighbours on windows less their means, with the means as further columns.

    Parameters
    ----------
    training_rows : {"auto", "clean", "contaminated"}
        What is known of the training rows.
    device : str
        Where networks are.
    """

    def __init__(self, training_rows: str, device: str) -> None:
        self.training_rows = training_rows
        self.asked_device = resolve_device(device)

    @property
    def device(self) -> str:
        """Where the networks are."""
        return self.finder.device

    def fit(self, windows: NDArray, splits: Splits, seeds: Seeds) -> None:
        """Fit to windows of shape (n, window, n_columns), a member to each split."""
        rows = _centered(windows)
        weight = np.ones(len(rows))
        encoding = Encoding(rows, weight)
        self.finder: Ensemble | FewRows = FewRows(encoding)
        # Rows are compared with two others at least.
        if Rows(rows).n_distinct < FEW_ROWS or min(len(seen) for seen, _ in splits) < 2:
            self.finder.fit(rows, weight)
            return
        self.finder = Ensemble(encoding, _MIXTURES[self.training_rows], self.asked_device)
        with torch_threads(1):
            self.finder.fit(rows, weight, len(splits), seeds, splits, restoring=True)

    def answers(
        self, windows: NDArray, member: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how strange windows are, and the errors of their cells, by a member or all."""
        rows = _centered(windows)
        n_cells = windows[0].size
        with torch_threads(1):
            strange = self.finder.scores(rows, rows.dtype.type, member)
            errors = self.finder.restored_errors(rows, rows.dtype.type, member)
        return strange, errors[:, :n_cells].reshape(windows.shape)


class WindowClones:
    """Clones of an autoencoder, each fitted to the windows of a split.

    Parameters
    ----------
    estimator : BaseAutoencoder
        What is cloned. It sees windows as rows of a table, or as sequences if it takes these.
    device : str
        Where their networks are.
    """

    def __init__(self, estimator: BaseAutoencoder, device: str) -> None:
        self.estimator = estimator
        self.asked_device = device

    @property
    def device(self) -> str:
        """Where the networks are."""
        return self.estimators[0].device_

    def fit(self, windows: NDArray, splits: Splits, seeds: Seeds) -> None:
        """Fit to windows of shape (n, window, n_columns), a member to each split."""
        adapter = Reader(self.estimator, windows[:1].reshape(1, -1)).adapter
        self.flat = isinstance(adapter, Table)
        draws = seeds.numpy("estimators").integers(2**31, size=len(splits))
        self.estimators = [
            clone(self.estimator)
            .set_params(random_state=int(seed), device=self.asked_device)
            .fit(self._rows(windows[seen]))
            for seed, (seen, _) in zip(draws, splits, strict=True)
        ]

    def answers(
        self, windows: NDArray, member: int | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how strange windows are, and the errors of their cells, by a member or all."""
        rows = self._rows(windows)
        asked = self.estimators if member is None else [self.estimators[member]]
        scores = np.mean([each.score_samples(rows) for each in asked], axis=0)
        errors = np.mean([each.reconstruction_errors(rows) for each in asked], axis=0)
        return -scores, errors.reshape(windows.shape)

    def _rows(self, windows: NDArray) -> NDArray:
        return windows.reshape(len(windows), -1) if self.flat else windows


def _centered(windows: NDArray) -> NDArray:
    """Return windows as rows: differences from the means of their columns, then these."""
    mean = windows.mean(axis=1)
    return np.hstack([(windows - mean[:, None]).reshape(len(windows), -1), mean])
