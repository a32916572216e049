"""What every autoencoder does, whatever its parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OutlierMixin,
    TransformerMixin,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_is_fitted,
    validate_data,
)

from sklearn_ae.autoencoders._parameters import SHARED_CONSTRAINTS
from sklearn_ae.autoencoders._state import pack, unpack
from sklearn_ae.autoencoders._threshold import outlier_threshold
from sklearn_ae.data import ColumnScaling, Container, Rows
from sklearn_ae.starts import PCAStart
from sklearn_ae.training import (
    AutoencoderNet,
    Composition,
    Fitted,
    Fitter,
    History,
    Model,
    Recipe,
    Seeds,
    canonicalize,
    resolve_device,
    thread_count,
    torch_threads,
)

_DTYPES = (np.float64, np.float32)
_VARIANCE = 0.95


class BaseAutoencoder(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    CallbackSupportMixin,
    BaseEstimator,
    ABC,
):
    """Fit, transform, reconstruct and score; a variant states its composition."""

    _parameter_constraints: dict = SHARED_CONSTRAINTS
    _model: Model
    _history: History

    @abstractmethod
    def _composition(self) -> Composition:
        """Fill the slots from the parameters."""

    @with_callbacks
    def fit(self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows, without labels.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If the rows, the weights or a parameter are out of their domain. The estimator
            is then as it was before.
        FloatingPointError
            If the loss stays infinite or NaN at ever lower learning rates.
        """
        self._validate_params()
        with self._unchanged_on_failure():
            previous = self._previous()
            rows = self._rows(X, sample_weight, reset=True)
            self._entropy = Seeds.of(self.random_state).entropy
            composition = self._composition()
            recipe = self._recipe(rows, previous)
            n_epochs = recipe.epochs(rows.n_rows)
            context = self._init_callback_context(max_subtasks=n_epochs or None)
            context.call_on_fit_task_begin(estimator=self, X=X, y=X)

            def on_epoch(net: AutoencoderNet, model: Model) -> bool:
                part = context.subcontext(task_name="epoch")
                part.call_on_fit_task_begin(estimator=self, X=X, y=X)
                return part.call_on_fit_task_end(
                    estimator=self,
                    X=X,
                    y=X,
                    reconstruction_attributes=lambda: self._attributes(
                        X, rows, composition, recipe, Fitted(net, model.copy(), History(), 0)
                    ),
                )

            fitter = Fitter(
                composition,
                recipe,
                Seeds(self._entropy),
                on_epoch if hasattr(self, "_skl_callbacks") else None,
            )
            with torch_threads(self._threads(composition, recipe, rows)):
                fitted = fitter.fit(rows, previous)
                fitted.net.optimizer_.state.clear()
                self.__dict__.update(self._attributes(X, rows, composition, recipe, fitted))
            self._n_streamed = 0
            context.call_on_fit_task_end(estimator=self, X=X, y=X, reconstruction_attributes=dict)
        return self

    def partial_fit(
        self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Pass once over further rows at a constant learning rate.

        The first call fixes column scales, start and code basis. Nothing is held out and
        nothing selected. The rate is a third of `learning_rate_init`; the optimizer's
        moments carry over from call to call.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        self._validate_params()
        first = not self.__sklearn_is_fitted__()
        with self._unchanged_on_failure():
            rows = self._rows(X, sample_weight, reset=first)
            if first:
                self._entropy = Seeds.of(self.random_state).entropy
                self._n_streamed = 0
            composition = self._composition()
            recipe = self._recipe(rows, None if first else self._model)
            fitter = Fitter(composition, recipe, Seeds(self._entropy))
            with torch_threads(self._threads(composition, recipe, rows)):
                if first:
                    fitted = fitter.begin_stream(rows)
                    self.__dict__.update(self._attributes(X, rows, composition, recipe, fitted))
                loss = fitter.continue_stream(self.net_, self._model, rows, self._n_streamed)
            self._composition_used = composition
            self._recipe_used = replace(recipe, callbacks=())
            self._n_streamed += 1
            self.n_iter_ += 1
            self._history = self._history.extended({"train_loss": loss})
            self.offset_ = self._offset(rows, self._model)
        return self

    def _attributes(
        self, X: ArrayLike, rows: Rows, composition: Composition, recipe: Recipe, fitted: Fitted
    ) -> dict[str, Any]:
        """Learned attributes of a fitted network, its code made canonical in place."""
        model = fitted.model
        attributes: dict[str, Any] = {
            "net_": fitted.net,
            "_model": model,
            "_composition_used": composition,
            "_recipe_used": replace(recipe, callbacks=()),
            "_container": Container.of(X),
            "_history": fitted.history,
            "n_components_": model.factory.n_components,
            "n_iter_": fitted.n_iter,
        }
        if composition.latent.linear_codes:
            attributes["explained_variance_ratio_"] = canonicalize(model, rows, self.whiten)
        attributes["offset_"] = self._offset(rows, model)
        return attributes

    def _offset(self, rows: Rows, model: Model) -> float:
        values = rows.values if rows.index is None else rows.values[rows.index]
        return outlier_threshold(-model.row_errors(values), rows.weights, self.contamination)

    def _previous(self) -> Model | None:
        """Return the weights that a warm start goes on from."""
        return self._model if self.warm_start and self.__sklearn_is_fitted__() else None

    def _rows(self, X: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool) -> Rows:
        values = validate_data(self, X, dtype=_DTYPES, reset=reset)
        if sample_weight is None:
            return Rows(values)
        weight = _check_sample_weight(
            sample_weight, values, dtype=np.float64, ensure_non_negative=True
        )
        return Rows(values, weight)

    def _recipe(self, rows: Rows, previous: Model | None) -> Recipe:
        if previous is None:
            n_components = self._resolve_components(rows)
        else:
            kept = previous.factory
            fixed = isinstance(self.n_components, Integral)
            n_components = self._resolve_components(rows) if fixed else kept.n_components
            if (rows.n_features, n_components) != (kept.n_features, kept.n_components):
                raise ValueError(
                    f"The network so far maps {kept.n_features} features to "
                    f"{kept.n_components} components, which cannot go on with "
                    f"{rows.n_features} features and n_components={n_components}; set "
                    "warm_start=False, or keep the shapes."
                )
        return Recipe(
            n_components=n_components,
            learning_rate_init=self.learning_rate_init,
            alpha=self.alpha,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            early_stopping=self.early_stopping,
            validation_fraction=self.validation_fraction,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
            device=resolve_device(self.device),
            callbacks=tuple(self.callbacks or ()),
            verbose=self.verbose,
        )

    def _resolve_components(self, rows: Rows) -> int:
        """Apply the rules for n_components; see the class's docstring."""
        k, p = self.n_components, rows.n_features
        if k is not None and k >= 1:
            if k > p:
                raise ValueError(
                    f"n_components={k} exceeds the {p} features of X; use n_components <= {p}, "
                    "or a SparseAutoencoder for an overcomplete code."
                )
            return int(k)
        with torch_threads(1):
            shares = np.cumsum(PCAStart().spectrum(rows, ColumnScaling.fit(rows)))
        needed = 1
        if shares[-1] > 0:
            needed = min(p, int(np.searchsorted(shares, _VARIANCE if k is None else k)) + 1)
        return needed if k is not None else max(1, min(needed, p // 2))

    def _threads(self, composition: Composition, recipe: Recipe, rows: Rows) -> int:
        n = rows.n_rows
        work = composition.architecture.work(rows.n_features, recipe.n_components, n)
        return thread_count(work * recipe.batch_rows(n))

    @contextmanager
    def _unchanged_on_failure(self) -> Iterator[None]:
        """Put every attribute back if the block fails."""
        before = self.__dict__.copy()
        net = before.get("net_")
        learned = None if net is None else net.snapshot()
        try:
            yield
        except BaseException:
            kept = {k: v for k, v in self.__dict__.items() if k.startswith("_callback_fit_ctx")}
            kept |= {k: v for k, v in self.__dict__.items() if k == "_skl_callbacks_to_teardown"}
            self.__dict__.clear()
            self.__dict__.update(before, **kept)
            if learned is not None:
                self.net_.restore(*learned)
                self._model.freeze()
            raise

    def transform(self, X: ArrayLike) -> NDArray:
        """Return the codes of rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Codes; float32 for float32 rows, otherwise float64.
        """
        return self._fitted_model().encode(self._validated(X))

    def inverse_transform(self, X: ArrayLike) -> Any:
        """Return the rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Codes.

        Returns
        -------
        X_original : ndarray or data frame of shape (n_samples, n_features)
            Rows in X's units, in the container that `fit` saw.
        """
        model = self._fitted_model()
        code = check_array(X, dtype=_DTYPES, input_name="X")
        if code.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {code.shape[1]} columns, but the codes of this {type(self).__name__} "
                f"have {self.n_components_} components; pass what transform returns."
            )
        return self._container.wrap(model.decode(code), like=X)

    def reconstruct(self, X: ArrayLike) -> Any:
        """Return `inverse_transform(transform(X))`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        X_reconstructed : ndarray or data frame of shape (n_samples, n_features)
            The rows as the code keeps them, in the container of X.
        """
        model, values = self._fitted_model(), self._validated(X)
        return Container.of(X).wrap(model.decode(model.encode(values)), like=X)

    def reconstruction_errors(self, X: ArrayLike) -> Any:
        """Return the loss of each cell: which column makes a row strange.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        errors : ndarray or data frame of shape (n_samples, n_features), float64
            Squared differences in X's units, in the container of X. Their sum over a
            row is minus its score.
        """
        errors = self._fitted_model().errors(self._validated(X))
        return Container.of(X).wrap(errors, like=X)

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return minus the loss of each row; higher is more normal.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            Minus the summed squared error, in X's units squared.
        """
        return -self._fitted_model().row_errors(self._validated(X))

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean of `score_samples`.

        It grows with n_components, so it cannot choose that; see
        :func:`sklearn_ae.metrics.reconstruction_r2` for a score without units.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        score : float
            The weighted mean.
        """
        scores = self.score_samples(X)
        if sample_weight is None:
            return float(scores.mean())
        weights = _check_sample_weight(
            sample_weight, scores, dtype=np.float64, ensure_non_negative=True
        )
        return float(np.average(scores, weights=weights))

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return `score_samples(X) - offset_`: negative for outliers.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        decision : ndarray of shape (n_samples,), float64
            The shifted scores.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return +1 for inliers and -1 for outliers.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
            +1 where `decision_function` is not negative.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def _fitted_model(self) -> Model:
        check_is_fitted(self)
        return self._model

    def _validated(self, X: ArrayLike) -> NDArray:
        return validate_data(self, X, dtype=_DTYPES, reset=False)

    @property
    def history_(self) -> pd.DataFrame:
        """A row an epoch, the start being epoch 0; a column a named quantity."""
        return self._history.frame()

    @property
    def loss_curve_(self) -> NDArray[np.float64]:
        """Training loss after each epoch."""
        return self._history.column("train_loss")[1:]

    @property
    def validation_loss_curve_(self) -> NDArray[np.float64]:
        """Loss of held-out rows after each epoch."""
        return self._history.column("valid_loss")[1:]

    @property
    def best_validation_loss_(self) -> float | None:
        """Least loss of held-out rows, the start included; None if nothing was held out."""
        curve = self._history.column("valid_loss")
        return float(np.nanmin(curve)) if len(curve) else None

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return pack(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unpack(state))
