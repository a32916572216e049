"""The recurrent autoencoder."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_ae.architectures import Recurrent
from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._composing import check_domain
from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.autoencoders._slots import TABLE_PARAMETERS


class RecurrentAutoencoder(BaseAutoencoder):
    """Autoencoder of sequences, with a recurrent encoder and codes of fixed length.

    Takes arrays of shape (n, n_steps, n_channels) or (n, n_steps), lists of arrays of shape
    (n_steps_i, n_channels) or (n_steps_i,) whose lengths differ, and long data frames with a
    row a step and a column of ids. NaN marks missing values; they have no part in the loss.
    Where sequences have one length and nothing is missing, PCA over all steps stands beside
    the network: it starts there and keeps what held-out sequences prefer.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1; 16 where lengths differ.
    sequence_id : str or int, default=None
        Column of ids of sequences that come as a long data frame. A sequence is all rows
        of one id, in their order; codes are in the order in which ids first appear.
    cell : {"gru", "lstm"}, default="gru"
        Gated recurrent units or long short-term memory.
    hidden_size : int, default=32
        Width of the state.
    n_layers : int, default=1
        Number of layers, in each direction.
    bidirectional : bool, default=True
        Whether the encoder also reads sequences from their end.
    recurrent_decoder : bool, default=False
        Whether the decoder has recurrent layers over time. It is a multilayer perceptron of
        code and time otherwise, which learns faster.
    learning_rate_init : float, default=0.01
        Peak of the one-cycle learning rate.
    architecture : Architecture, default=None
        Encoder and decoder, in place of `cell`, `hidden_size`, `n_layers`, `bidirectional`,
        `recurrent_decoder`, `activation`, `dropout`, `hidden_noise` and `sequence_id`. None
        means :class:`Recurrent`.

    Notes
    -----
    `n_features_in_` is the number of steps times channels, or of channels where lengths
    differ or steps are missing; scores are then means over the observed steps. After a fit
    to sequences of one length with nothing missing, NaN is read as the mean of its step.

    References
    ----------
    Srivastava, Mansimov and Salakhutdinov, Unsupervised learning of video representations
    using LSTMs, ICML 2015. :arxiv:`1502.04681`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import RecurrentAutoencoder
    >>> rng = np.random.default_rng(0)
    >>> X = [np.sin(np.arange(rng.integers(8, 20)) / 3 + rng.normal()) for _ in range(60)]
    >>> autoencoder = RecurrentAutoencoder(2, max_iter=5, random_state=0).fit(X)
    >>> autoencoder.transform(X).shape
    (60, 2)
    >>> [len(x) for x in autoencoder.reconstruct(X[:3])] == [len(x) for x in X[:3]]
    True
    """

    _parameter_constraints: dict = {
        "sequence_id": [str, Integral, None],
        "cell": [StrOptions({"gru", "lstm"})],
        "hidden_size": [Interval(Integral, 1, None, closed="left")],
        "n_layers": [Interval(Integral, 1, None, closed="left")],
        "bidirectional": ["boolean"],
        "recurrent_decoder": ["boolean"],
    }
    _preset_architecture = Recurrent
    _left_out = frozenset(
        {"deep_features", "hidden_layer_sizes", "normalization", "tied_weights", *TABLE_PARAMETERS}
    )

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        sequence_id: str | int | None = None,
        cell: str = "gru",
        hidden_size: int = 32,
        n_layers: int = 1,
        bidirectional: bool = True,
        recurrent_decoder: bool = False,
        learning_rate_init: float = 0.01,
        **shared: Any,
    ) -> None:
        super().__init__(n_components, learning_rate_init=learning_rate_init, **shared)
        self.sequence_id = sequence_id
        self.cell = cell
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.bidirectional = bidirectional
        self.recurrent_decoder = recurrent_decoder

    @in_kind
    def score_steps(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        """Return minus the loss of each step: where a sequence is strange.

        Parameters
        ----------
        X : array, list of arrays or data frame
            Sequences.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_steps) or list of ndarray of shape (n_steps_i,)
            Minus the loss summed over channels, float64; NaN where nothing was observed.
            One array for the rows of a long data frame.
        """
        values, given = self._read(X, condition)
        check_domain(self._model.loss, values)
        container: Any = self._reader.adapter.container(X)
        errors = container.steps(self._model.errors(values, given), X)
        if isinstance(errors, list):
            return [_step_scores(e) for e in errors]
        return _step_scores(errors)


def _step_scores(errors: np.ndarray) -> np.ndarray:
    """Return minus the sum over channels, with missing channels at the mean of the others."""
    observed = (~np.isnan(errors)).sum(axis=-1)
    total = np.nansum(errors, axis=-1) * errors.shape[-1]
    return np.where(observed > 0, -total / np.maximum(observed, 1), np.nan)
