"""Tables, and the networks and neighbours that find outliers in them by default."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sklearn_ae.applications._outlier_detection._encoding import Encoding
from sklearn_ae.applications._outlier_detection._ensemble import Ensemble, Mixture
from sklearn_ae.applications._outlier_detection._few_rows import FewRows
from sklearn_ae.applications._outlier_detection._nearest import Scale
from sklearn_ae.autoencoders import Autoencoder, Reader
from sklearn_ae.data import FEW_ROWS, Rows, TableRows
from sklearn_ae.inspection._reasons import Replacements
from sklearn_ae.runtime import Seeds, resolve_device, torch_threads

# The part that networks have in the score, and which rows are near, by what is known of the
# training rows. Others of their kind are not to vouch for outliers among them, and networks learn
# to rebuild these. Of inliers alone, the nearest of more rows tells more than networks do.
MIXTURES = {
    "clean": Mixture(0.0, (Scale(1000, 1),)),
    "auto": Mixture(0.15, (Scale(500, 2), Scale(500, 20, share=0.9))),
    "contaminated": Mixture(0.0, (Scale(500, 5, share=0.8),)),
}


class Recipe:
    """A reader of tables and what scores their rows.

    Parameters
    ----------
    n_members : int
        Number of folds, each of which members leave out.
    training_rows : {"auto", "clean", "contaminated"}
        What is known of the training rows.
    device : str
        Where networks are.
    """

    def __init__(self, n_members: int, training_rows: str, device: str) -> None:
        self.n_members = n_members
        self.training_rows = training_rows
        self.asked_device = resolve_device(device)

    @property
    def device(self) -> str:
        """Where the networks are."""
        return self.finder.device

    def fit(
        self, owner: Any, X: ArrayLike, weight: NDArray | None, seeds: Seeds
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Fit to rows.

        Parameters
        ----------
        owner : estimator
            Gets the number of features and their names.
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.
        weight : ndarray of shape (n_samples,), optional
            Rows of weight zero are left out.
        seeds : Seeds
            Feed every draw.

        Returns
        -------
        rows : ndarray of int
            Rows that were scored by what has not seen them.
        scores : ndarray
            Their scores; higher is more normal.
        """
        self.reader = Reader(Autoencoder(), X)
        rows = self.reader.rows(owner, X, weight, reset=True)
        values = rows.selected(rows.values)
        mass = np.ones(rows.n_rows) if rows.weights is None else rows.weights
        encoding = Encoding(values, mass)
        self.finder: Ensemble | FewRows = FewRows(encoding)
        if Rows(values).n_distinct < FEW_ROWS:
            found, scores = self.finder.fit(values, mass)
        else:
            self.finder = Ensemble(encoding, MIXTURES[self.training_rows], self.asked_device)
            with torch_threads(1):
                found, scores = self.finder.fit(values, mass, self.n_members, seeds)
        self.replacements = Replacements.fit(rows, lambda part, _: self.scores(part))
        return rows.positions[found], -scores

    def read(self, owner: Any, X: ArrayLike) -> Any:
        """Return rows as they are scored."""
        return self.reader.values(owner, X)

    def scores(self, values: Any) -> NDArray[np.float64]:
        """Return scores of rows that were read; higher is more normal."""
        dtype = np.float32 if values.dtype == np.float32 else np.float64
        with torch_threads(1):
            return -self.finder.scores(values, dtype)

    def cell_errors(self, values: Any) -> NDArray[np.float64]:
        """Return squared distances of cells from what the other columns say, in standard units."""
        with torch_threads(1):
            errors = self.finder.cell_errors(values)
        return values.columns.sums(errors) if isinstance(values, TableRows) else errors

    def rebuilt(self, values: Any) -> Any:
        """Rows of tables are explained by replacements, not by what is expected in all cells."""
        raise NotImplementedError
