"""What every autoencoder does, whatever its parts."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
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
from skorch.callbacks import Callback
from torch import nn

from sklearn_ae._compat import output_config
from sklearn_ae.architectures import Architecture, Dense, OwnModules, Shapes
from sklearn_ae.autoencoders._parameters import (
    SHARED_CONSTRAINTS,
    TABLE_PARAMETERS,
    check_no_conflict,
    fill_slot,
    share,
)
from sklearn_ae.autoencoders._state import pack, unpack
from sklearn_ae.autoencoders._threshold import outlier_threshold
from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import (
    CompactRows,
    ConditionEncoder,
    Layout,
    Ragged,
    Rows,
    SparseRows,
    TableRows,
    check_same_units,
    fit_scaling,
)
from sklearn_ae.latents import Deterministic, Latent
from sklearn_ae.losses import LOSSES, Loss, TabularLoss
from sklearn_ae.penalties import L1Weights, Penalty
from sklearn_ae.starts import PCAStart, Start
from sklearn_ae.training import (
    FEW_ROWS,
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
# Bytes beyond which sparse rows are not returned as one dense array.
LARGEST_DENSE = 2**31
# Cells of a block of reconstructions that are yielded.
_BLOCK_CELLS = 2**22
_VARIANCE = 0.95
# Components that are computed where large rows shall keep a share of the variance, and the
# most that are taken without being asked for.
_LEADING = 256
_LARGE_COMPONENTS = 64
# Width of the code of rows that differ in size.
_RAGGED_COMPONENTS = 16


class BaseAutoencoder(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    CallbackSupportMixin,
    BaseEstimator,
    ABC,
):
    """Fit, transform, reconstruct and score; a variant states what differs.

    A variant overrides the hooks that concern it: `_architecture`, `_latent`, `_corruption`,
    `_penalties`, `_start`, `_greedy`, `_default_components` and `_scores`.
    """

    _parameter_constraints: dict = SHARED_CONSTRAINTS
    _preset_architecture: type[Architecture] = Dense
    _left_out: frozenset[str] = frozenset()
    _overcomplete = False
    _judge_corrupted = False
    _model: Model
    _history: History
    _layout: Layout

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Complete the variant's signature and documentation."""
        share(cls, BaseAutoencoder)
        super().__init_subclass__(**kwargs)

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        activation: str = "silu",
        dropout: float = 0.0,
        hidden_noise: float = 0.0,
        normalization: str | None = None,
        tied_weights: bool = False,
        l1: float = 0.0,
        alpha: float = 0.01,
        encoder: Callable[[int, int], nn.Module] | None = None,
        decoder: Callable[[int, int], nn.Module] | None = None,
        architecture: Architecture | None = None,
        latent: Latent | None = None,
        corruption: Corruption | Callable | None = None,
        penalties: Sequence[Penalty] = (),
        loss: str | Loss = "squared_error",
        init: str = "pca",
        categorical_features: ArrayLike | str | None = "from_dtype",
        numeric_map: str | None = None,
        whiten: bool = False,
        deep_features: bool = False,
        batch_size: int | None = None,
        learning_rate_init: float = 0.003,
        max_iter: int | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 15,
        tol: float = 1e-4,
        warm_start: bool = False,
        contamination: float = 0.1,
        device: str = "cpu",
        callbacks: Sequence[Callback] | None = None,
        verbose: int = 0,
        random_state: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.hidden_noise = hidden_noise
        self.normalization = normalization
        self.tied_weights = tied_weights
        self.l1 = l1
        self.alpha = alpha
        self.encoder = encoder
        self.decoder = decoder
        self.architecture = architecture
        self.latent = latent
        self.corruption = corruption
        self.penalties = penalties
        self.loss = loss
        self.init = init
        self.categorical_features = categorical_features
        self.numeric_map = numeric_map
        self.whiten = whiten
        self.deep_features = deep_features
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.contamination = contamination
        self.device = device
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    def _latent(self, rows: Rows) -> Latent:
        """Return what fills the latent's slot."""
        return fill_slot(self, "latent", Deterministic)

    def _penalties(self) -> tuple[Penalty, ...]:
        """Return the terms that this variant adds by its flat parameters."""
        return ()

    def _corruption(self) -> Corruption | Callable | None:
        """Return what fills the corruption's slot."""
        return self.corruption

    def _start(self, composition: Composition) -> Start:
        """Return the closed-form solution to begin from."""
        return composition.latent.start(composition.symmetry)

    def _preset(self) -> Architecture:
        """Return what fills the architecture's slot, a user's own modules left out."""
        return fill_slot(self, "architecture", self._preset_architecture)

    def _architecture(self, rows: Rows) -> Architecture:
        """Return the architecture for some rows."""
        architecture = self._preset()
        if self.encoder is None and self.decoder is None:
            return architecture
        if architecture.symmetry != "linear":
            raise ValueError(
                f"encoder={self.encoder!r} and decoder={self.decoder!r} cannot share weights "
                "with tied_weights=True; set tied_weights=False."
            )
        return OwnModules(architecture, self.encoder, self.decoder)

    def _composition(self, rows: Rows) -> Composition:
        """Fill the slots from the parameters."""
        penalties = tuple(self.penalties)
        if penalties:
            check_no_conflict(self, "penalties", penalties, ["l1"])
        elif self.l1:
            penalties = (L1Weights(self.l1),)
        architecture = self._architecture(rows)
        self._check_deep(architecture)
        composition = Composition(
            architecture=architecture,
            latent=self._latent(rows),
            corruption=self._corruption(),
            penalties=(*self._penalties(), *penalties),
            loss=self.loss if isinstance(self.loss, Loss) else LOSSES[self.loss](),
            start=None,
            judge_corrupted=self._judge_corrupted,
        )
        if isinstance(rows.values, TableRows):
            composition.loss._validate_params()
            loss = TabularLoss(composition.loss, rows.values.columns)
            composition = replace(composition, loss=loss)
        _check_domain(composition.loss, rows.targets.selected(rows.targets.values))
        if self.init == "random" or rows.ragged:
            return composition
        return replace(composition, start=self._start(composition))

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
            fitted_before = self._model if self._goes_on() else None
            rows = self._rows(X, sample_weight, X_clean, condition, reset=True)
            self._entropy = Seeds.of(self.random_state).entropy
            previous = fitted_before or self._greedy(rows)
            composition = self._composition(rows)
            recipe = self._recipe(rows, previous)
            n_epochs = recipe.epochs(rows)
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
            composition = self._composition(rows)
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
            "_container": self._layout.container(X),
            "_history": fitted.history,
            "n_components_": model.factory.n_components,
            "n_iter_": fitted.n_iter,
            "_sparse": isinstance(rows.values, SparseRows),
        }
        attributes["explained_variance_ratio_"] = canonicalize(
            model, rows, composition.symmetry, self.whiten
        )
        attributes["offset_"] = self._offset(rows, model)
        return attributes

    def _offset(self, rows: Rows, model: Model) -> float:
        values = rows.selected(rows.values)
        scores = self._scores(model, values, rows.conditions)
        return outlier_threshold(scores, rows.weights, self.contamination)

    def _scores(
        self,
        model: Model,
        values: NDArray,
        condition: NDArray | None = None,
        target: NDArray | None = None,
    ) -> NDArray[np.float64]:
        """Return how normal rows are; higher is more."""
        return -model.row_errors(values, condition, target)

    def _check_deep(self, architecture: Architecture) -> None:
        """Raise if hidden layers are asked for that cannot be features."""
        if self.deep_features and not architecture.deep:
            raise ValueError(
                "deep_features=True needs hidden layers that are vectors, but those of "
                f"{architecture!r} are not, or not known; set deep_features=False."
            )

    def _goes_on(self) -> bool:
        """Whether the next fit starts from the previous weights."""
        return self.warm_start and self.__sklearn_is_fitted__()

    def _greedy(self, rows: Rows) -> Model | None:
        """Return weights that are trained before the network as a whole is; None if none are."""
        return None

    def _rows(
        self,
        X: ArrayLike,
        sample_weight: ArrayLike | None,
        X_clean: ArrayLike | None,
        condition: ArrayLike | None,
        *,
        reset: bool,
    ) -> Rows:
        """Check what `fit` was given, and put it together."""
        if reset:
            architecture = self._preset()
            architecture._validate_params()
            self._layout = self._new_layout(architecture).fit(X)
        values = self._validated(X, reset=reset)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(
                sample_weight, values, dtype=np.float64, ensure_non_negative=True
            )
        target = None if X_clean is None else self._clean(X_clean, values)
        rows = Rows(values, weight, target=target, grid=self._layout.grid)
        if reset:
            self._condition = None if condition is None else ConditionEncoder().fit(condition, rows)
        rows.condition = self._conditions(condition, len(values))
        return rows

    def _new_layout(self, architecture: Architecture) -> Layout:
        """Return the adapter of the input, told how to read it."""
        layout = architecture.layout()
        for name in layout.options:
            setattr(layout, name, getattr(self, name))
        unread = [n for n in TABLE_PARAMETERS if n not in (*layout.options, *self._left_out)]
        check_no_conflict(self, "architecture", architecture, unread)
        return layout

    def _clean(self, X_clean: ArrayLike, values: Any) -> Any:
        """Check the clean rows that belong to noisy ones."""
        found = self._layout.rows(X_clean)
        if self._layout.tabular:
            return self._checked_clean(found, values)
        ragged = isinstance(found, Ragged)
        holes = self._layout.missing and (ragged or self._layout.grid is None)
        clean = check_array(
            found.cells if ragged else found,
            accept_sparse="csr" if self._layout.sparse else False,
            dtype=_DTYPES,
            input_name="X_clean",
            ensure_all_finite="allow-nan" if holes else True,
        )
        if ragged:
            found.check_sizes(values)
            return Ragged(self._layout.scale(clean), found.sizes)
        clean = SparseRows(clean) if issparse(clean) else self._layout.scale(clean)
        return self._checked_clean(clean, values)

    def _checked_clean(self, clean: Any, values: Any) -> Any:
        """Return clean rows of one size that belong to noisy ones."""
        if clean.shape != values.shape:
            raise ValueError(
                f"X_clean has shape {clean.shape}, but X has shape {values.shape}; pass the "
                "clean version of each row of X, in the same columns."
            )
        if len(clean) >= FEW_ROWS:
            check_same_units(values, clean)
        return clean

    def _conditions(self, condition: ArrayLike | None, n_rows: int) -> NDArray | None:
        """Return the columns of a condition, or None where fit had none."""
        encoder: ConditionEncoder | None = self.__dict__.get("_condition")
        if encoder is not None:
            return encoder.apply(condition, n_rows)
        if condition is not None:
            raise ValueError(
                f"condition={condition!r:.60} was given, but this {type(self).__name__} was "
                "fitted without one; fit it with condition= too."
            )
        return None

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
        if rows.ragged:
            return self._ragged_components()
        if k is not None and k >= 1:
            if k > p and not self._overcomplete:
                raise ValueError(
                    f"n_components={k} exceeds the {p} features of X; use n_components <= {p}, "
                    "or a SparseAutoencoder for an overcomplete code."
                )
            return int(k)
        default = self._default_components(p)
        if k is None and default is not None:
            return default
        if rows.large:
            return self._leading_components(rows)
        with torch_threads(1):
            shares = np.cumsum(PCAStart().spectrum(rows, fit_scaling(rows)))
        needed = 1
        if shares[-1] > 0:
            needed = min(p, int(np.searchsorted(shares, _VARIANCE if k is None else k)) + 1)
        return needed if k is not None else max(1, min(needed, rows.n_columns // 2))

    def _leading_components(self, rows: Rows) -> int:
        """Apply the rules where the whole spectrum would be too much to compute."""
        k, n_computed = self.n_components, min(_LEADING, rows.n_features, rows.n_rows)
        if k is None:
            n_computed = min(n_computed, _LARGE_COMPONENTS)
        generator = Seeds(self._entropy).torch("spectrum")
        found = PCAStart().leading_spectrum(rows, fit_scaling(rows), n_computed, generator)
        shares = np.cumsum(found)
        needed = int(np.searchsorted(shares, _VARIANCE if k is None else k)) + 1
        if k is None:
            return max(1, min(needed, n_computed, rows.n_columns // 2))
        if needed > len(shares) and n_computed < min(rows.n_features, rows.n_rows):
            raise ValueError(
                f"n_components={k!r} asks for more of the variance than the {n_computed} leading "
                f"components of X have, which is {shares[-1:].sum():.3g}; use an integer."
            )
        return max(1, min(needed, len(shares)))

    def _ragged_components(self) -> int:
        """Return the width of the code of rows that differ in size, which have no spectrum."""
        k = self.n_components
        if k is not None and k < 1:
            raise ValueError(
                f"n_components={k!r} is a share of the variance, which is not known for rows of "
                "different sizes; use an integer."
            )
        return _RAGGED_COMPONENTS if k is None else int(k)

    def _default_components(self, n_features: int) -> int | None:
        """Return what n_components=None means, or None for the rule by explained variance."""
        return None

    def _threads(self, composition: Composition, recipe: Recipe, rows: Rows) -> int:
        work = composition.architecture.work(
            Shapes(
                n_inputs=rows.n_features + rows.n_conditions + len(rows.holes),
                n_codes=recipe.n_components,
                n_latents=recipe.n_components + rows.n_conditions,
                n_outputs=rows.n_features,
                n_rows=rows.n_rows,
                grid=rows.grid,
                ragged=rows.ragged,
            )
        )
        return thread_count(work * recipe.batch_rows(rows))

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
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Codes; float32 for float32 rows, otherwise float64. With `deep_features` further
            columns follow, the hidden layers of the encoder.
        """
        return self._transform(X)

    def _transform(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        model, values = self._fitted_model(), self._validated(X)
        self._check_deep(self._composition_used.architecture)
        encode = model.deep_features if self.deep_features else model.encode
        codes = encode(values, self._conditions(condition, len(values)))
        index = self._layout.index(X)
        if index is None or output_config(self) != "pandas":
            return codes
        return pd.DataFrame(codes, index=index)

    def inverse_transform(self, X: ArrayLike, *, lengths: ArrayLike | None = None) -> Any:
        """Return the rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Codes, or what `transform` returns with `deep_features`.
        lengths : array-like of shape (n_samples,) or (n_samples, 2), default=None
            Number of steps of each sequence, or one for all, or height and width of each
            image, where `fit` saw rows of different sizes. None takes their median.

        Returns
        -------
        X_original : ndarray or data frame of shape (n_samples, n_features)
            Rows in X's units, in the container that `fit` saw.
        """
        return self._inverse_transform(X, lengths=lengths)

    def _inverse_transform(
        self, X: ArrayLike, condition: ArrayLike | None = None, lengths: ArrayLike | None = None
    ) -> Any:
        model = self._fitted_model()
        code = check_array(X, dtype=_DTYPES, input_name="X")
        if self.deep_features and code.shape[1] == self._n_features_out:
            code = code[:, : self.n_components_]
        if code.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {code.shape[1]} columns, but the codes of this {type(self).__name__} "
                f"have {self.n_components_} components; pass what transform returns."
            )
        if self._sparse:
            self._check_dense_size(len(code), code.dtype, "inverse_transform")
        conditions = self._conditions(condition, len(code))
        typical = self._typical(len(code), lengths)
        return self._container.wrap(model.decode(code, conditions, typical), like=X)

    def _typical(self, n_rows: int, lengths: ArrayLike | None = None) -> Ragged | None:
        """Return rows of the sizes asked for, or of a typical size, where sizes differ."""
        sizes = self._layout.sizes(lengths, n_rows)
        return None if sizes is None else Ragged.alike(sizes)

    def reconstruct(self, X: ArrayLike) -> Any:
        """Return `inverse_transform(transform(X))`.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        X_reconstructed : ndarray or data frame of shape (n_samples, n_features)
            The rows as the code keeps them, in the container of X. It is dense for sparse X,
            and an error beyond 2 GiB: see `iter_reconstruct`.
        """
        return self._reconstruct(X)

    def _reconstruct(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        model, values = self._fitted_model(), self._validated(X)
        if isinstance(values, SparseRows):
            self._check_dense_size(len(values), values.dtype, "reconstruct")
        conditions = self._conditions(condition, len(values))
        like = values if isinstance(values, Ragged) else None
        restored = model.decode(model.encode(values, conditions), conditions, like)
        return self._layout.container(X).wrap(restored, like=X)

    def _check_dense_size(self, n_rows: int, dtype: np.dtype, name: str) -> None:
        """Raise if what sparse rows become would be too large for an array."""
        p = self.n_features_in_
        size = n_rows * p * dtype.itemsize
        if size > LARGEST_DENSE:
            raise ValueError(
                f"{name} of {n_rows} sparse rows would return {n_rows} x {p} numbers, which are "
                f"{size / 2**30:.1f} GiB, more than {LARGEST_DENSE / 2**30:g} GiB; go over "
                "iter_reconstruct(X), which yields the reconstruction in blocks of rows, or pass "
                "fewer rows at a time."
            )

    def iter_reconstruct(self, X: ArrayLike, *, batch_size: int | None = None) -> Iterator[Any]:
        """Yield what `reconstruct` returns, a block of rows at a time.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        batch_size : int, default=None
            Rows of a block. None takes as many as have about 4 million cells.

        Yields
        ------
        X_reconstructed : ndarray or data frame of shape (batch_size, n_features)
            The next rows as the code keeps them, in the container of X; dense for sparse X.
        """
        return self._iter_reconstruct(X, batch_size)

    def _iter_reconstruct(
        self, X: Any, batch_size: int | None, condition: ArrayLike | None = None
    ) -> Iterator[Any]:
        check_is_fitted(self)
        if batch_size is not None and (not isinstance(batch_size, Integral) or batch_size < 1):
            raise ValueError(
                f"batch_size={batch_size!r} must be an integer of at least 1, or None."
            )
        width = max(self.n_features_in_, math.prod(self._layout.grid or ()))
        size = max(1, _BLOCK_CELLS // width) if batch_size is None else int(batch_size)
        given = None
        if condition is not None and np.ndim(condition) > 0:
            given = np.asarray(condition)

        def parts() -> Iterator[Any]:
            start = 0
            for part in self._layout.parts(X, size):
                rows = slice(start, start + size)
                start = rows.stop
                yield self._reconstruct(part, condition if given is None else given[rows])

        return parts()

    def reconstruction_errors(self, X: ArrayLike) -> Any:
        """Return the loss of each cell: which column makes a row strange.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        errors : ndarray or data frame of shape (n_samples, n_features), float64
            Losses in X's units, in the container of X; squared differences by default.
            Their sum over a row is minus its score.
        """
        return self._reconstruction_errors(X)

    def _reconstruction_errors(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        model, values = self._fitted_model(), self._in_domain(X)
        if isinstance(values, SparseRows):
            self._check_dense_size(len(values), np.dtype(float), "reconstruction_errors")
        errors = model.errors(values, self._conditions(condition, len(values)))
        return self._layout.container(X).wrap_errors(errors, like=X)

    def _in_domain(self, X: ArrayLike) -> Any:
        """Return rows that the loss can be taken of."""
        values = self._validated(X)
        _check_domain(self._model.loss, values)
        return values

    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return minus the loss of each row; higher is more normal.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            Minus the loss in X's units; minus the summed squared error by default.
        """
        return self._score_samples(X)

    def _score_samples(
        self,
        X: ArrayLike,
        condition: ArrayLike | None = None,
        X_clean: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        model, values = self._fitted_model(), self._in_domain(X)
        target = None if X_clean is None else self._clean(X_clean, values)
        return self._scores(model, values, self._conditions(condition, len(values)), target)

    def score(self, X: ArrayLike, y: Any = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean of `score_samples`.

        It grows with n_components, so it cannot choose that; see
        :func:`sklearn_ae.metrics.reconstruction_r2` for a score without units.

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
        score : float
            The weighted mean.
        """
        return self._mean_score(self.score_samples(X), sample_weight)

    @staticmethod
    def _mean_score(scores: NDArray[np.float64], sample_weight: ArrayLike | None) -> float:
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
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
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
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
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

    def _validated(self, X: ArrayLike, *, reset: bool = False) -> Any:
        """Check rows and put them into the form that the network's side takes."""
        if self._layout.tabular:
            validate_data(self, X, reset=reset, skip_check_array=True)
            return self._layout.rows(X)
        found = self._layout.rows(X)
        finite = "allow-nan" if self._layout.missing else True
        if isinstance(found, Ragged):
            named = self._layout.named(X)
            validate_data(self, named, reset=reset, skip_check_array=True)
            cells = check_array(
                found.cells, dtype=_DTYPES, ensure_all_finite=finite, input_name="X"
            )
            return Ragged(self._layout.scale(cells), found.sizes)
        checked = validate_data(
            self,
            found,
            accept_sparse="csr" if self._layout.sparse else False,
            dtype=_DTYPES,
            reset=reset,
            ensure_all_finite=True if issparse(found) else finite,
        )
        return SparseRows(checked) if issparse(checked) else self._layout.scale(checked)

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
        hidden = self._model.module.encoder.hidden_widths if self.deep_features else ()
        return self.n_components_ + sum(hidden)

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

    def __sklearn_is_fitted__(self) -> bool:
        return "_model" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        given = self.architecture
        architecture = given if isinstance(given, Architecture) else self._preset_architecture()
        layout = architecture.layout()
        tags.input_tags.sparse = layout.sparse
        tags.input_tags.allow_nan = layout.missing
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return pack(super().__getstate__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unpack(state))


def _check_domain(loss: Loss, values: Any) -> None:
    """Raise if rows are not in a loss's domain."""
    if isinstance(values, CompactRows):
        for piece in values.pieces():
            loss.check(piece)
    else:
        loss.check(values.cells if isinstance(values, Ragged) else values)
