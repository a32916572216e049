"""How an autoencoder is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.callback import CallbackSupportMixin, with_callbacks

from sklearn_ae.architectures import Shapes
from sklearn_ae.autoencoders._components import resolve_components
from sklearn_ae.autoencoders._reading import ReadingAutoencoder
from sklearn_ae.autoencoders._threshold import outlier_threshold
from sklearn_ae.data import Rows, SparseRows
from sklearn_ae.training import (
    AutoencoderNet,
    Fitted,
    Fitter,
    History,
    Model,
    ModelSpec,
    Seeds,
    Selection,
    Snapshot,
    TrainingConfig,
    canonicalize,
    fit_specs,
    resolve_device,
    thread_count,
    torch_threads,
)


class FittingAutoencoder(CallbackSupportMixin, ReadingAutoencoder):
    """Fits the network, at once or from a stream of rows."""

    # Whether `_greedy` trains parts of the network before the whole.
    _in_stages = False
    _history: History

    @with_callbacks
    def fit(self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to rows, without labels.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
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
        return self._fit(X, sample_weight)

    def _fit(
        self,
        X: ArrayLike,
        sample_weight: ArrayLike | None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> Self:
        """Fit to rows, with what a variant's `fit` takes besides."""
        self._validate_params()
        with self._unchanged_on_failure():
            previous = self._model if self._goes_on() else None
            rows = self._rows(X, sample_weight, X_clean, condition, reset=True)
            self._entropy = Seeds.of(self.random_state).entropy
            n_components = self._resolved_components(rows, previous)
            previous = previous or self._greedy(rows, n_components)
            spec = self._spec(rows, n_components)
            config = self._config(n_components)
            n_epochs = config.epochs(rows)
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
                        X,
                        rows,
                        spec,
                        config,
                        Fitted(net, model.copy(), History(), 0, Selection("network")),
                    ),
                )

            fitter = Fitter(
                spec,
                config,
                Seeds(self._entropy),
                on_epoch if hasattr(self, "_skl_callbacks") else None,
            )
            with torch_threads(self._threads(spec, config, rows)):
                self._take(X, rows, fitter, fit_specs([fitter], rows, previous)[0])
            context.call_on_fit_task_end(estimator=self, X=X, y=X, reconstruction_attributes=dict)
        return self

    def _take(self, X: ArrayLike, rows: Rows, fitter: Fitter, fitted: Fitted) -> None:
        """Set what was learned."""
        fitted.net.optimizer_.state.clear()
        self.__dict__.update(self._attributes(X, rows, fitter.spec, fitter.config, fitted))
        self._n_streamed = 0

    def partial_fit(
        self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Pass once over further rows at a constant learning rate.

        The first call fixes column scales, start and code basis. Nothing is held out and
        nothing selected. The rate is a third of `learning_rate_init`; the optimizer's
        moments carry over from call to call.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
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
        return self._partial_fit(X, sample_weight)

    def _partial_fit(
        self,
        X: ArrayLike,
        sample_weight: ArrayLike | None,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> Self:
        """Pass over rows, with what a variant's `partial_fit` takes besides."""
        self._validate_params()
        first = not self.__sklearn_is_fitted__()
        with self._unchanged_on_failure():
            rows = self._rows(X, sample_weight, X_clean, condition, reset=first)
            if first:
                self._entropy = Seeds.of(self.random_state).entropy
                self._n_streamed = 0
            n_components = self._resolved_components(rows, None if first else self._model)
            spec = self._spec(rows, n_components)
            config = self._config(n_components)
            fitter = Fitter(spec, config, Seeds(self._entropy))
            with torch_threads(self._threads(spec, config, rows)):
                if first:
                    fitted = fitter.start(rows)
                    self.__dict__.update(self._attributes(X, rows, spec, config, fitted))
                loss = fitter.continue_stream(self.net_, self._model, rows, self._n_streamed)
            self._spec_used = spec
            self._config_used = replace(config, callbacks=())
            self._n_streamed += 1
            self.n_iter_ += 1
            self._history = self._history.extended({"train_loss": loss})
            self.offset_ = self._offset(rows, self._model)
        return self

    def _greedy(self, rows: Rows, n_components: int) -> Model | None:
        """Return weights that are trained before the network as a whole is; None if none are."""
        return None

    def _goes_on(self) -> bool:
        """Whether the next fit starts from the previous weights."""
        return self.warm_start and self.__sklearn_is_fitted__()

    def _resolved_components(self, rows: Rows, previous: Model | None) -> int:
        """Return the width of the code, which is that of a network to go on from."""
        if previous is None or isinstance(self.n_components, Integral):
            n_components = resolve_components(
                self.n_components,
                rows,
                default=self._default_components(rows.n_features),
                overcomplete=self._overcomplete,
                seeds=Seeds(self._entropy),
            )
        else:
            n_components = previous.factory.n_components
        if previous is not None:
            kept = previous.factory
            if (rows.n_features, n_components) != (kept.n_features, kept.n_components):
                raise ValueError(
                    f"The network so far maps {kept.n_features} features to "
                    f"{kept.n_components} components, which cannot go on with "
                    f"{rows.n_features} features and n_components={n_components}; set "
                    "warm_start=False, or keep the shapes."
                )
        return n_components

    def _config(self, n_components: int) -> TrainingConfig:
        return TrainingConfig(
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

    def _threads(self, spec: ModelSpec, config: TrainingConfig, rows: Rows) -> int:
        work = spec.architecture.work(
            Shapes(
                n_inputs=rows.n_features + rows.n_conditions + len(rows.missing_columns),
                n_codes=config.n_components,
                n_latents=config.n_components + rows.n_conditions,
                n_outputs=rows.n_features,
                n_rows=rows.n_rows,
                sample_shape=rows.sample_shape,
                ragged=rows.ragged,
            )
        )
        return thread_count(work * config.batch_rows(rows))

    def _attributes(
        self, X: ArrayLike, rows: Rows, spec: ModelSpec, config: TrainingConfig, fitted: Fitted
    ) -> dict[str, Any]:
        """Learned attributes of a fitted network, its code made canonical in place."""
        model = fitted.model
        attributes: dict[str, Any] = {
            "net_": fitted.net,
            "_model": model,
            "_spec_used": spec,
            "_config_used": replace(config, callbacks=()),
            "_container": self._adapter.container(X),
            "_history": fitted.history,
            "n_components_": model.factory.n_components,
            "n_iter_": fitted.n_iter,
            "_sparse": isinstance(rows.values, SparseRows),
        }
        attributes["explained_variance_ratio_"] = canonicalize(
            model, rows, spec.symmetry, self.whiten
        )
        attributes["offset_"] = self._offset(rows, model)
        return attributes

    def _offset(self, rows: Rows, model: Model) -> float:
        values = rows.selected(rows.values)
        scores = self._scores(model, values, rows.conditions)
        return outlier_threshold(scores, rows.weights, self.contamination)

    @contextmanager
    def _unchanged_on_failure(self) -> Iterator[None]:
        """Put every attribute back if the block fails."""
        before = self.__dict__.copy()
        net = before.get("net_")
        learned = None if net is None else Snapshot(net)
        try:
            yield
        except BaseException:
            kept = {k: v for k, v in self.__dict__.items() if k.startswith("_callback_fit_ctx")}
            kept |= {k: v for k, v in self.__dict__.items() if k == "_skl_callbacks_to_teardown"}
            self.__dict__.clear()
            self.__dict__.update(before, **kept)
            if learned is not None:
                learned.restore()
                self._model.clear_cache()
            raise

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


def fit_together(
    autoencoders: list[FittingAutoencoder], X: ArrayLike, sample_weight: ArrayLike | None = None
) -> None:
    """Fit autoencoders that differ in `random_state` alone to the same rows, as one program.

    Those that are trained in stages, or watched by callbacks, are fitted in turn.

    Parameters
    ----------
    autoencoders : list of FittingAutoencoder
        Not fitted before.
    X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
        As in `fit`.
    sample_weight : array-like of shape (n_samples,), optional
        As in `fit`.
    """
    first = autoencoders[0]
    if first._in_stages or first.callbacks:
        for autoencoder in autoencoders:
            autoencoder._fit(X, sample_weight)
        return
    fitters = []
    for autoencoder in autoencoders:
        autoencoder._validate_params()
        rows = autoencoder._rows(X, sample_weight, None, None, reset=True)
        autoencoder._entropy = Seeds.of(autoencoder.random_state).entropy
        n_components = autoencoder._resolved_components(rows, None)
        spec = autoencoder._spec(rows, n_components)
        config = autoencoder._config(n_components)
        fitters.append(Fitter(spec, config, Seeds(autoencoder._entropy)))
    with torch_threads(first._threads(spec, config, rows)):
        found = fit_specs(fitters, rows)
        for autoencoder, fitter, fitted in zip(autoencoders, fitters, found, strict=True):
            autoencoder._take(X, rows, fitter, fitted)
