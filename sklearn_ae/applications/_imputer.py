"""Imputation of missing values in tables."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any, Self

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import HasMethods, Interval, MissingValues, StrOptions
from sklearn.utils.validation import (
    _check_feature_names_in,
    _num_samples,
    check_is_fitted,
)

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.applications._imputation import (
    CANDIDATES,
    Filler,
    FoldNetworks,
    Learner,
    OwnEstimators,
    ResidualDraws,
    StandardTable,
)
from sklearn_ae.applications._table_input import check_table
from sklearn_ae.autoencoders import StateMixin, check_no_conflict, checkpointed, in_kind
from sklearn_ae.data import (
    ArrayForm,
    Series,
    as_numpy,
    within_range,
)
from sklearn_ae.runtime import Seeds, named_in_errors, resolve_device, torch_defaults, torch_threads
from sklearn_ae.training import TrainingConfig

# Epochs without improvement after which the learning rate falls for good.
_PATIENCE = 4
_NETWORK = ["hidden_layer_sizes", "alpha", "learning_rate_init", "max_iter"]


class AutoencoderImputer(TransformerMixin, StateMixin):
    """Fill missing cells by a network that begins at the Gaussian conditional mean.

    With the mean mu and the precision matrix P of the rows, both estimated from incomplete rows
    by EM, the start fills the missing part m of a row given the observed part o by

        mu_m - P_mm⁻¹ P_mo (x_o - mu_o).

    Beside it stand the means over the nearest rows, of their cells and of what the start lacks
    in them, and a network that gets the row as the start and its neighbours fill it, and
    learns what is missing from cells that are hidden anew in each of its examples. Rows are
    held out in turn and cells of theirs hidden, as many as the data miss; non-negative weights
    of all candidates, fitted on these cells for each column, say what is filled in. The start
    is one of the candidates, so that the mix is not expected to be worse.

    Numbers, dates and categories are filled in rows of `fit` and in new ones. Observed cells
    come back as they are. Columns count equally; their units do not matter. Numbers and dates
    are filled in the range that `fit` saw, and columns of whole numbers of a frame with whole
    numbers: those of an integer dtype, and those of floats that miss a cell in `fit` and hold
    whole numbers in all the others. Arrays are filled with fractions.

    Parameters
    ----------
    estimator : estimator, default=None
        Takes the network's place: an autoencoder of this library, or any estimator with
        `reconstruct`, or with `transform` and `inverse_transform`. If its `fit` takes
        `X_clean`, as that of :class:`DenoisingAutoencoder` does, it learns from filled rows;
        otherwise from rows without hidden cells, and rebuilds a row five times. It gets
        columns in standard units, categories as a column a level.
    missing_values : int, float, str, None or NaN, default=NaN
        What stands for a missing cell besides NaN, None and pandas' NA.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
default="from_dtype"
        Which columns are categorical, and are filled with a level that `fit` saw: by the data
        frame's dtypes, by a mask, positions or names, or none. Columns of text and of
        categories have to be among them.
    sample_posterior : bool, default=False
        Draw what is filled in, instead of the most likely values: `transform` then returns
        one imputation, the same for the same rows. See `impute` for several.
    add_indicator : bool, default=False
        Append a column for each feature that missed something in `fit`: whether it is missing.
    keep_empty_features : bool, default=False
        Keep columns in which `fit` saw no value, and fill them by their dtype: numbers with 0,
        booleans with False, text with "missing_value", a dtype that states its levels with the
        first of them. They are dropped otherwise.
    hidden_layer_sizes : tuple of int, default=(128,)
        Widths of the hidden layers of the encoder, mirrored in the decoder.
    alpha : float, default=0.05
        Decoupled weight decay (L2) of AdamW.
    learning_rate_init : float, default=0.002
        Peak of the one-cycle learning rate.
    max_iter : int, default=None
        Epochs. None takes as many as make 300 batches, from 8 to 60. 0 returns the start.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto"; handed to `estimator` too.
    verbose : int, default=0
        1 prints a line an epoch.
    random_state : int, RandomState or None, default=None
        Feeds every draw, those of `estimator` too. None draws a seed from the operating
        system; the global generators of numpy, Python and torch are never used.

    Attributes
    ----------
    estimators_ : list
        The fitted clones of `estimator`, one for each part that was held out; empty for None.
    candidate_weights_ : DataFrame
        What is filled in: a row a feature that varies, a column a candidate. Rows sum to 1.
    indicator_ : MissingIndicator or None
        Says what is missing, if `add_indicator`.
    n_iter_ : int
        Epochs run.
    history_ : DataFrame
        A row an epoch of the network, the start being epoch 0; losses are mean squared errors
        of hidden cells in standard units, summed over a row. Empty with an `estimator`.
    device_ : str
        Where the network is, such as "cpu" or "cuda:0". An estimator that is loaded where the
        device of its fit is not is on the CPU.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    sklearn.impute.IterativeImputer : A regression for each column.
    sklearn.impute.KNNImputer : Means over the nearest rows.

    Notes
    -----
    Below 20 rows the start alone is used. It learns from 20,000 rows at most, drawn at random,
    and looks for neighbours among 5,000, which a fitted imputer holds, as KNNImputer does. Of
    a category the 64 most frequent levels are told apart; others count as one. Levels that
    `fit` did not see are kept where they are observed.

    References
    ----------
    Dempster, Laird & Rubin, Maximum likelihood from incomplete data via the EM algorithm,
    1977. :doi:`10.1111/j.2517-6161.1977.tb01600.x`

    Gondara & Wang, MIDA: Multiple imputation using denoising autoencoders, 2018.
    :arxiv:`1705.02737`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import AutoencoderImputer
    >>> X = load_iris().data
    >>> incomplete = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    >>> imputer = AutoencoderImputer(max_iter=5, random_state=0).fit(incomplete)
    >>> filled = imputer.transform(incomplete)
    >>> bool(np.isfinite(filled).all())
    True
    >>> len(imputer.impute(incomplete, n_imputations=3))
    3
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit"]), None],
        "missing_values": [MissingValues()],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "sample_posterior": ["boolean"],
        "add_indicator": ["boolean"],
        "keep_empty_features": ["boolean"],
        "hidden_layer_sizes": [tuple, list, Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }
    _filler: Filler
    _table: StandardTable
    _residuals: ResidualDraws

    @named_in_errors
    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        missing_values: Any = np.nan,
        categorical_features: ArrayLike | str | None = "from_dtype",
        sample_posterior: bool = False,
        add_indicator: bool = False,
        keep_empty_features: bool = False,
        hidden_layer_sizes: tuple[int, ...] = (128,),
        alpha: float = 0.05,
        learning_rate_init: float = 0.002,
        max_iter: int | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        verbose: int = 0,
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.missing_values = missing_values
        self.categorical_features = categorical_features
        self.sample_posterior = sample_posterior
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.hidden_layer_sizes = hidden_layer_sizes
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.checkpoint = checkpoint
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from rows with or without missing values.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows. Columns of a frame may be numbers, dates, text, categories and booleans.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out.

        Returns
        -------
        self : object
            The fitted imputer.

        Raises
        ------
        ValueError
            If the rows, the weights or a parameter are out of their domain, or if
            `keep_empty_features` asks for a column that nothing can fill, such as one of dates.
            The imputer is then as it was before.
        """
        self._validate_params()
        before = self.__dict__.copy()
        try:
            given = {"X": X, "sample_weight": sample_weight}
            with checkpointed(self, **given), torch_threads(1), torch_defaults():
                self._fit(as_numpy(X), as_numpy(sample_weight))
                ArrayForm.of(X).mark(self.__dict__)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: ArrayLike, sample_weight: ArrayLike | None) -> None:
        device = resolve_device(self.device)
        X = check_table(self, X, reset=True)
        weight = np.ones(_num_samples(X))
        if sample_weight is not None:
            weight = within_range(check_sample_weight(sample_weight, weight[:, None]))
        table = StandardTable(self.missing_values).fit(X, weight, self.categorical_features)
        if self.keep_empty_features:
            table.check_fills()
        _, Z, missing = table.read(X)
        seeds = Seeds(Seeds.of(self.random_state).entropy)
        learner = self._learner(Z.shape[1], device, seeds)
        filler = Filler(table.groups, learner, seeds)
        kept = weight > 0
        found = filler.fit(Z[kept], weight[kept])
        self._table, self._filler, self._entropy = table, filler, seeds.entropy
        residuals = ResidualDraws(table.groups, table.numeric)
        self._residuals = residuals.fit(found, seeds.numpy("spread"))
        self.n_iter_ = 0 if learner is None else learner.n_iter
        self.indicator_ = None
        if self.add_indicator:
            marked = np.where(missing, np.nan, 0.0)
            # It imports neighbours, linear models and more, which takes a quarter of a second.
            from sklearn.impute import MissingIndicator

            self.indicator_ = MissingIndicator(error_on_new=False).fit(marked)

    def _learner(self, width: int, device: str, seeds: Seeds) -> Learner | None:
        if self.estimator is not None:
            check_no_conflict(self, "estimator", self.estimator, _NETWORK)
            given = {"device": device, "random_state": int(seeds.entropy % (2**31))}
            return OwnEstimators(self.estimator, given)
        if self.max_iter == 0:
            return None
        config = TrainingConfig(
            n_components=width,
            learning_rate_init=self.learning_rate_init,
            alpha=self.alpha,
            max_iter=self.max_iter,
            n_iter_no_change=_PATIENCE,
            device=device,
            verbose=self.verbose,
        )
        sizes = self.hidden_layer_sizes
        return FoldNetworks(
            (sizes,) if isinstance(sizes, Integral) else tuple(sizes), config, seeds
        )

    @in_kind
    def transform(self, X: ArrayLike) -> Any:
        """Fill rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows with or without missing values.

        Returns
        -------
        X_filled : ndarray or data frame of shape (n_samples, n_features_out)
            The rows, filled. If `fit` saw a frame, one comes back as it came: its library,
            its column types, whole numbers whole.
        """
        check_is_fitted(self)
        rng = Seeds(self._entropy).numpy("transform") if self.sample_posterior else None
        [filled] = self._filled(X, [rng])
        return filled

    @in_kind
    def impute(
        self, X: ArrayLike, n_imputations: int = 5, random_state: int | None = None
    ) -> list[Any]:
        """Fill rows several times, by draws from what the missing cells may be.

        A cell is drawn around what `transform` fills in, by an error that the imputer made at
        a held-out cell of the same column for which it filled in a similar value, larger where
        the start is less certain; columns of few values take a value that was observed there.
        The draws of a row are correlated as its missing cells are under the start. Categories
        are drawn by their probabilities.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows with or without missing values.
        n_imputations : int, default=5
            Number of imputations.
        random_state : int or None, default=None
            Feeds the draws. None takes the seed of `fit`, so that calls give the same draws.

        Returns
        -------
        imputations : list
            Filled rows as `transform` returns them, `n_imputations` times.
        """
        check_is_fitted(self)
        if not isinstance(n_imputations, Integral) or n_imputations < 1:
            raise ValueError(
                f"n_imputations={n_imputations!r} must be an integer of at least 1; use for "
                "example n_imputations=5."
            )
        seeds = Seeds(self._entropy if random_state is None else int(random_state))
        return self._filled(X, [seeds.numpy("impute", i) for i in range(n_imputations)])

    def _filled(self, X: ArrayLike, draws: list[np.random.Generator | None]) -> list[Any]:
        """Fill rows, once for each generator; None takes the most likely values."""
        X = check_table(self, X, reset=False)
        with torch_threads(1):
            columns, Z, missing = self._table.read(X)
            filled = self._filler.fill(Z)
            return [
                self._written(X, columns, missing, *self._drawn(Z, filled, rng)) for rng in draws
            ]

    def _drawn(
        self, Z: NDArray, filled: NDArray, rng: np.random.Generator | None
    ) -> tuple[NDArray, np.random.Generator | None]:
        if rng is None:
            return filled, None
        noise = self._filler.noise(Z, rng.standard_normal(Z.shape))
        low, high = self._filler.low, self._filler.high
        std = self._filler.std(Z)
        return self._residuals.draw(filled, np.isnan(Z), std, noise, low, high), rng

    def _written(
        self,
        X: Any,
        columns: list[Series],
        missing: NDArray,
        Z: NDArray,
        rng: np.random.Generator | None,
    ) -> Any:
        """Put what was found for missing cells into the container of X."""
        out = self._table.write(X, columns, missing, Z, self._kept, rng)
        if self.indicator_ is None:
            return out
        lacks = self.indicator_.transform(np.where(missing, np.nan, 0.0))
        if isinstance(out, np.ndarray):
            return np.hstack([out, lacks.astype(out.dtype)])
        names = self.get_feature_names_out()[len(self._kept) :]
        if isinstance(out, pd.DataFrame):
            return pd.concat([out, pd.DataFrame(lacks, out.index, names)], axis=1)
        frame = nw.from_native(out, eager_only=True)
        backend: Any = frame.implementation
        further = [
            nw.new_series(name, column.tolist(), backend=backend)
            for name, column in zip(names, lacks.T, strict=True)
        ]
        return frame.with_columns(*further).to_native()

    @property
    def _kept(self) -> NDArray[np.intp]:
        """Positions of the features that come back."""
        empty = [feature.empty for feature in self._table.features]
        return np.flatnonzero(np.full(len(empty), self.keep_empty_features) | ~np.array(empty))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names of the columns that come back.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; those seen in `fit` by default.

        Returns
        -------
        names : ndarray of str
            Features, and the indicators of `add_indicator`.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if self.indicator_ is None:
            return names[self._kept]
        return np.concatenate([names[self._kept], self.indicator_.get_feature_names_out(names)])

    @property
    def estimators_(self) -> list:
        """The fitted clones of the estimator."""
        return list(getattr(self._filler.learner, "fitted", []))

    @property
    def candidate_weights_(self) -> pd.DataFrame:
        """Weights of the candidates, a row a feature that varies."""
        names = _check_feature_names_in(self)
        varied = [n for n, f in zip(names, self._table.features, strict=True) if f.width]
        weights = self._filler.weights
        if weights is None:
            return pd.DataFrame(1.0, index=varied, columns=CANDIDATES[:1])
        first = [columns[0] for columns in self._table.groups]
        return pd.DataFrame(weights[first], index=varied, columns=CANDIDATES)

    @property
    def device_(self) -> str:
        """Where the networks are: that of `fit`, or the CPU if loaded where that one is not."""
        learner = self._filler.learner
        return "cpu" if learner is None else learner.device

    @property
    def history_(self) -> pd.DataFrame:
        """A row an epoch of the network, the start being epoch 0."""
        history = getattr(self._filler.learner, "history", None)
        return pd.DataFrame() if history is None else history.frame()

    def __sklearn_is_fitted__(self) -> bool:
        return "_filler" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
