"""What every autoencoder is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OutlierMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_ae._compat import CallbackSupportMixin, with_callbacks
from sklearn_ae.architectures import Architecture, Dense
from sklearn_ae.autoencoders import _coding, _reasons, _sampling, _scoring
from sklearn_ae.autoencoders._checkpointing import checkpointed
from sklearn_ae.autoencoders._composing import check_domain, check_encoded
from sklearn_ae.autoencoders._cross_fitting import CrossFit, cross_fitted
from sklearn_ae.autoencoders._declaring import declare
from sklearn_ae.autoencoders._fitting import fit, fit_further, training_mode, unchanged_on_failure
from sklearn_ae.autoencoders._from_source import in_turn, opened
from sklearn_ae.autoencoders._parameters import AutoencoderParameters
from sklearn_ae.autoencoders._reading import Reader
from sklearn_ae.autoencoders._slots import fill_slot
from sklearn_ae.autoencoders._state import StateMixin
from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import ArrayForm, Ragged, Rows, rows_as_numpy
from sklearn_ae.inference import Model, Sampler
from sklearn_ae.latents import Deterministic, Latent
from sklearn_ae.penalties import Penalty
from sklearn_ae.starts import Start
from sklearn_ae.training import AutoencoderNet, History, ModelSpec, Selection, TrainingConfig

# What comes with rows, in the order in which it is handed on.
_GIVEN = ("X", "sample_weight", "X_clean", "condition", "companions")


class BaseAutoencoder(
    AutoencoderParameters,
    StateMixin,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    BaseEstimator,
):
    """Fit, transform, reconstruct and score; a variant states what differs.

    A variant has an `__init__` with parameters of its own that hands others on, and overrides
    the hooks that concern it. None of them calls what it overrides.

    ==================================== ==============================================
    `_default_components(n_features)`    what n_components=None means
    `_architecture(given, rows, k)`      the architecture, made of that of the slot
    `_latent(k)`                         what fills the latent's slot
    `_corruption()`                      what fills the corruption's slot
    `_penalties()`                       terms of the objective, before those of the slot
    `_start(given, spec, rows)`          the start, in place of that of the latent
    `_greedy(rows, k)`                   weights trained before the whole is, and of folds
    `_scores(model, values, ...)`        how normal rows are; higher is more
    `_prior(codes, rng)`                 density of `codes()` to draw from, for the latent's
    `_further_attributes(model, rows)`   learned attributes beside the shared ones
    ==================================== ==============================================

    Class attributes: `_preset_architecture` fills an empty slot, `_left_out` names parameters
    that the variant does not have, `_overcomplete` says whether a code may be wider than the
    rows, `_validate_corrupted` whether held-out rows are corrupted, `_in_stages` whether
    `_greedy` does anything, and `_defensive_share` which share of a density is the start's.
    """

    _preset_architecture: ClassVar[type[Architecture]] = Dense
    _left_out: ClassVar[frozenset[str]] = frozenset()
    _overcomplete: ClassVar[bool] = False
    _validate_corrupted: ClassVar[bool] = False
    _in_stages: ClassVar[bool] = False
    _takes_sources: ClassVar[bool] = True
    _defensive_share: ClassVar[float] = 0.0
    _blends: bool = False

    net_: AutoencoderNet
    n_components_: int
    n_iter_: int
    offset_: float
    explained_variance_ratio_: NDArray[np.float64]
    _reader: Reader
    _model: Model
    _sampler: Sampler = Sampler()
    _selection: tuple
    _history: History
    _spec_used: ModelSpec
    _config_used: TrainingConfig
    _entropy: int
    _n_streamed: int

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Complete the subclass's signature, constraints and documentation."""
        super().__init_subclass__(**kwargs)
        declare(cls)

    def _default_components(self, n_features: int) -> int | None:
        """Return what n_components=None means, or None for the rule by explained variance."""
        return None

    def _architecture(self, given: Architecture, rows: Rows, n_components: int) -> Architecture:
        """Return the architecture for some rows and a width of the code."""
        return given

    def _latent(self, n_components: int) -> Latent:
        """Return what fills the latent's slot."""
        return fill_slot(self, "latent", Deterministic)

    def _corruption(self) -> Corruption | Callable | None:
        """Return what fills the corruption's slot."""
        return self.corruption

    def _penalties(self) -> tuple[Penalty, ...]:
        """Return the terms that this variant adds by its flat parameters."""
        return ()

    def _start(self, given: Start, spec: ModelSpec, rows: Rows) -> Start:
        """Return the closed-form solution to begin from."""
        return given

    def _greedy(
        self, rows: Rows, n_components: int
    ) -> tuple[Model | None, list[tuple[Model, Rows]]]:
        """Return weights that are trained before the network as a whole is.

        With them come those of folds, each with the rows that it was not trained on, where
        they are needed for the threshold.
        """
        return None, []

    def _scores(
        self,
        model: Model,
        values: Any,
        condition: NDArray | None = None,
        target: Any = None,
    ) -> NDArray[np.float64]:
        """Return how normal rows are; higher is more."""
        return -model.row_errors(values, condition, target)

    def _prior(self, codes: Callable[[], NDArray[np.float64]], rng: np.random.Generator) -> Any:
        """Return a fitted density of the codes of training rows, or None for the latent's."""
        return None

    def _further_attributes(self, model: Model, rows: Rows) -> dict[str, Any]:
        """Return what else is learned, by name, once the code is canonical."""
        return {}

    @with_callbacks
    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        companions: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Fit to rows, without labels.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers. Tables may also be a source of rows, such as a path; see
            :doc:`/user_guide/big_data`.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out. Of a source, it may be the
            name of a column.
        X_clean : array-like of shape (n_samples, n_features), default=None
            The clean version of each row, in the same units, which reconstructions are
            compared with.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers that the rows are conditioned on.
        companions : mapping of str to array-like of shape (n_samples, ...), default=None
            What penalties read beside the rows, by name; a data frame or a structured array is
            one, too, and is split by searches.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the rows, what comes with them or a parameter are out of their domain. The
            estimator is then as it was before.
        FloatingPointError
            If the loss stays infinite or NaN at ever lower learning rates.
        """
        with unchanged_on_failure(self):
            given = opened(self, X, sample_weight, X_clean, condition, companions)
            with checkpointed(self, **dict(zip(_GIVEN, given, strict=True))):
                fit(self, *given)
        return self

    @with_callbacks
    def cross_fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        companions: Mapping[str, ArrayLike] | None = None,
    ) -> CrossFit:
        """Fit, and return what networks that have not seen a row say of it.

        Five folds are held out in turn. Where the choice between start and network has
        trained networks of folds, below 1,000 rows, they are used; otherwise each fold has one
        trained for as many epochs as the one that was kept, or the start if that was kept. With
        `warm_start` they go on from the previous weights, which had better not have seen the
        rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        X_clean : array-like of shape (n_samples, n_features), default=None
            As in `fit`.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`.
        companions : mapping of str to array-like of shape (n_samples, ...), default=None
            As in `fit`.

        Returns
        -------
        found : CrossFit
            A tuple of `codes`, in the basis of the fitted estimator, `reconstructions`, in the
            container of X, `scores`, and `folds`, the fold that each row was held out in; -1
            for rows of weight zero, which no network has seen.

        Raises
        ------
        ValueError
            As `fit`, and if there are fewer than two rows.
        """
        given = sample_weight, X_clean, condition, companions
        with (
            unchanged_on_failure(self),
            checkpointed(self, **dict(zip(_GIVEN, (X, *given), strict=True))),
        ):
            found = fit(self, X, *given)
            with training_mode(*found[:2]):
                parts = cross_fitted(self, rows_as_numpy(X), *found)
        return CrossFit(*map(ArrayForm.of(X).back, parts))

    def partial_fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        companions: Mapping[str, ArrayLike] | None = None,
    ) -> Self:
        """Pass once over further rows at a constant learning rate.

        The first call fixes column scales, start and code basis, and which labels there are
        in `condition`. Nothing is held out and nothing selected, so that `offset_` is set by
        the rows of the last call as the network scores them. The rate is a third of
        `learning_rate_init`; the optimizer's moments carry over from call to call.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        X_clean : array-like of shape (n_samples, n_features), default=None
            The clean version of each row, in the same units, which reconstructions are
            compared with.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers that the rows are conditioned on.
        companions : mapping of str to array-like of shape (n_samples, ...), default=None
            What penalties read beside the rows, by name; a data frame or a structured array is
            one, too, and is split by searches.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        with unchanged_on_failure(self):
            for given in in_turn(self, X, sample_weight, X_clean, condition, companions):
                fit_further(self, *given)
        return self

    def fit_transform(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        companions: Mapping[str, ArrayLike] | None = None,
    ) -> NDArray:
        """Fit, and return the codes of the same rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        X_clean : array-like of shape (n_samples, n_features), default=None
            The clean version of each row, in the same units, which reconstructions are
            compared with.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers that the rows are conditioned on.
        companions : mapping of str to array-like of shape (n_samples, ...), default=None
            What penalties read beside the rows, by name; a data frame or a structured array is
            one, too, and is split by searches.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Codes.
        """
        self.fit(
            X,
            sample_weight=sample_weight,
            X_clean=X_clean,
            condition=condition,
            companions=companions,
        )
        return self.transform(X, condition)

    def fit_predict(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        companions: Mapping[str, ArrayLike] | None = None,
    ) -> NDArray[np.int64]:
        """Fit, and return +1 for inliers and -1 for outliers among the same rows.

        A network has lower losses on rows that it was fitted to, so that with
        `contamination="auto"` fewer than one in ten of them are outliers.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.
        X_clean : array-like of shape (n_samples, n_features), default=None
            The clean version of each row, in the same units, which reconstructions are
            compared with.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            Labels or numbers that the rows are conditioned on.
        companions : mapping of str to array-like of shape (n_samples, ...), default=None
            What penalties read beside the rows, by name; a data frame or a structured array is
            one, too, and is split by searches.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
            +1 or -1.
        """
        self.fit(
            X,
            sample_weight=sample_weight,
            X_clean=X_clean,
            condition=condition,
            companions=companions,
        )
        return self.predict(X, condition)

    transform = _coding.transform
    inverse_transform = _coding.inverse_transform
    reconstruct = _coding.reconstruct
    iter_reconstruct = _coding.iter_reconstruct
    score_samples = _scoring.score_samples
    score = _scoring.score
    decision_function = _scoring.decision_function
    predict = _scoring.predict
    reconstruction_errors = _reasons.reconstruction_errors
    explain = _reasons.explain
    sample = _sampling.sample
    sample_like = _sampling.sample_like

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray:
        """Return the names of the columns of `transform`.

        They are the lowercased class name and a number: autoencoder0, autoencoder1, ... With
        `deep_features`, autoencoder_hidden1_0, autoencoder_hidden1_1, ... follow.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against `n_features_in_` only.

        Returns
        -------
        names : ndarray of str
            A name a column.
        """
        names = super().get_feature_names_out(input_features)
        if not self.deep_features:
            return names
        prefix, widths = type(self).__name__.lower(), self._model.module.encoder.hidden_widths
        hidden = [f"{prefix}_hidden{i}_{j}" for i, w in enumerate(widths, 1) for j in range(w)]
        return np.asarray([*names[: self.n_components_], *hidden], dtype=object)

    @property
    def selection_(self) -> Selection:
        """Which of start and network was kept, with the losses of held-out rows."""
        check_is_fitted(self)
        return Selection(*self._selection)

    @property
    def history_(self) -> pd.DataFrame:
        """A row an epoch, the start being epoch 0; a column a named quantity."""
        check_is_fitted(self)
        return self._history.frame()

    @property
    def device_(self) -> str:
        """Where the network is: that of `fit`, or the CPU if loaded where that one is not."""
        check_is_fitted(self)
        return str(self._model.device)

    @property
    def loss_curve_(self) -> NDArray[np.float64]:
        """Training loss after each epoch."""
        check_is_fitted(self)
        return self._history.column("train_loss")[1:]

    @property
    def validation_loss_curve_(self) -> NDArray[np.float64]:
        """Loss of held-out rows after each epoch."""
        check_is_fitted(self)
        return self._history.column("valid_loss")[1:]

    @property
    def best_validation_loss_(self) -> float | None:
        """Least loss of held-out rows, the start included; None if nothing was held out."""
        check_is_fitted(self)
        curve = self._history.column("valid_loss")
        return float(np.nanmin(curve)) if len(curve) else None

    @property
    def _n_features_out(self) -> int:
        hidden = self._model.module.encoder.hidden_widths if self.deep_features else ()
        return self.n_components_ + sum(hidden)

    def _read(self, X: ArrayLike, condition: ArrayLike | None) -> tuple[Any, NDArray | None]:
        """Return rows as the network's side takes them, and their condition."""
        check_is_fitted(self)
        values = self._reader.values(self, X)
        check_encoded(self._model.loss, values)
        return values, self._reader.conditions(self, condition, len(values))

    @property
    def _scored_by_errors(self) -> bool:
        """Whether a score is minus the error of the row, and nothing else."""
        return type(self)._scores is BaseAutoencoder._scores

    def _rebuilt(self, values: Any, given: NDArray | None) -> Any:
        """Return what the code keeps of rows that were read."""
        like = values if isinstance(values, Ragged) else None
        return self._model.decode(self._model.encode(values, given), given, like)

    def _cell_errors(self, values: Any, given: NDArray | None) -> Any:
        """Return the loss of each cell of rows that were read."""
        check_domain(self._model.loss, values)
        return self._model.errors(values, given)

    def _score_rows(self, values: Any, given: NDArray | None) -> NDArray[np.float64]:
        """Return the scores of rows that were read."""
        check_domain(self._model.loss, values)
        return self._scores(self._model, values, given)

    def _stays(self, X: Any) -> bool:
        """Whether a tensor of rows or codes stays on the network's device."""
        return "_model" in vars(self) and not self._reader.adapter.tabular and self._model.takes(X)

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        given = self.architecture
        architecture = given if isinstance(given, Architecture) else self._preset_architecture()
        adapter = architecture.adapter()
        tags.array_api_support = True
        tags.input_tags.sparse = adapter.sparse
        tags.input_tags.allow_nan = adapter.missing
        return tags
