"""The loss of rows of counts, by the shares of their columns."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln, log_softmax, softmax
from torch import Tensor

from sklearn_ae.data import ColumnScaling, UnitScaling
from sklearn_ae.losses._base import CellLoss, Loss
from sklearn_ae.starts import LinearStart

# Rows that a column without any count is taken to have one in.
_UNSEEN = 1e-3
# A count beyond it, or a sum of a row that is drawn, is taken to be as large.
_LARGEST, _MOST_DRAWN = 1e290, 2**31


class _MultinomialNats(CellLoss):
    log_share: Tensor

    def __init__(self, loss: Multinomial, scaling: UnitScaling) -> None:
        super().__init__(scaling, np.full(len(scaling.mean), 1 / loss.unit(scaling)))
        self.keep("log_share", loss.log_share(scaling))

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        return -target * torch.log_softmax(self.log_share + output, dim=-1) * self.weight


class Multinomial(Loss):
    """Minus the log-probability of a row of counts given their sum, in nats.

    With q_j the softmax over the columns of what the decoder writes, a row costs
    -sum_j x_j log q_j, and the logarithm of the number of orders that its counts may have come in.
    Reconstructions are the shares q, which sum to 1, and a row that is drawn has as many counts as
    the training rows in the mean. This is for counts of items of one
    kind, such as words or ratings of a user: columns are not standardised, and those that are
    frequent count as they are. At the start, q is the share of each column in the training rows.

    References
    ----------
    Liang, Krishnan, Hoffman and Jebara, Variational autoencoders for collaborative filtering,
    WWW 2018. :arxiv:`1802.05814`

    Examples
    --------
    >>> from sklearn_ae import Multinomial, VariationalAutoencoder
    >>> VariationalAutoencoder(loss=Multinomial())
    VariationalAutoencoder(loss=Multinomial())
    """

    log_likelihood = True
    standardized = False
    takes_flags = True

    def build(self, scaling: ColumnScaling) -> CellLoss:
        """Build the torch part."""
        assert isinstance(scaling, UnitScaling)
        return _MultinomialNats(self, scaling)

    def log_share(self, scaling: UnitScaling) -> NDArray[np.float64]:
        """Logarithm of each column's share in the training rows."""
        counts = np.maximum(scaling.center, 0.0)
        return np.log((counts + _UNSEEN) / (counts + _UNSEEN).sum())

    def unit(self, scaling: ColumnScaling) -> float:
        """Counts of a mean row."""
        assert isinstance(scaling, UnitScaling)
        return float(scaling.center.sum()) or 1.0

    def outputs(self, start: LinearStart) -> tuple[Tensor, Tensor | None]:
        """Return a map to the shares of the training rows, whatever the code."""
        return torch.zeros_like(start.decoder), None

    def restore(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Return shares."""
        return softmax(self._logit(output, scaling), axis=-1)

    def constants(self, x: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        """Minus the logarithm of the number of orders of each row's counts."""
        x = np.minimum(x, _LARGEST)
        return (gammaln(x + 1) - self._share_of_orders(x)).sum(axis=1)

    def errors(
        self, x: NDArray, output: NDArray[np.float64], scaling: ColumnScaling
    ) -> NDArray[np.float64]:
        """Nats of each cell, the orders of the row divided among its counts."""
        x = np.minimum(x, _LARGEST)
        cost = -x * log_softmax(self._logit(output, scaling), axis=-1)
        return cost + gammaln(x + 1) - self._share_of_orders(x)

    def sample(
        self, output: NDArray, scaling: ColumnScaling, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Draw as many counts a row as the training rows have in the mean, one at least."""
        assert isinstance(scaling, UnitScaling)
        n = int(np.clip(np.rint(scaling.center.sum()), 1, _MOST_DRAWN))
        return rng.multinomial(n, self.restore(output, scaling)).astype(np.float64)

    def free(self, n_features: int) -> NDArray[np.bool_]:
        """Return that draws are what the distribution says."""
        return np.zeros(n_features, dtype=bool)

    def whole(self, column: int) -> tuple[float, float] | None:
        """Return the ends of counts."""
        return 0.0, np.inf

    def check(self, x: NDArray) -> None:
        """Raise if a value is negative or missing."""
        low = x.min(initial=0.0)
        if not low >= 0:
            raise ValueError(
                f"X holds {low:.6g}, but the multinomial loss needs values that are not negative "
                'or missing; use loss="squared_error".'
            )

    def check_encoded(self, x: NDArray) -> None:
        """Raise if a value is negative or missing; clean or not, rows are counts."""
        self.check(x)

    @staticmethod
    def _share_of_orders(x: NDArray) -> NDArray[np.float64]:
        total = x.sum(axis=1, keepdims=True)
        return gammaln(total + 1) * (x / np.where(total > 0, total, 1.0))

    def _logit(self, output: NDArray, scaling: ColumnScaling) -> NDArray[np.float64]:
        assert isinstance(scaling, UnitScaling)
        return self.log_share(scaling) + output.astype(np.float64, copy=False)
