"""What every autoencoder is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
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
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted
from skorch.callbacks import Callback
from torch import nn

from sklearn_ae._compat import (
    CallbackSupportMixin,
    check_sample_weight,
    output_config,
    with_callbacks,
)
from sklearn_ae.architectures import ACTIVATIONS, NORMALIZATIONS, Architecture, Dense
from sklearn_ae.autoencoders import _sampling
from sklearn_ae.autoencoders._checkpointing import checkpointed
from sklearn_ae.autoencoders._composing import check_deep, check_domain, check_encoded
from sklearn_ae.autoencoders._cross_fitting import CrossFit, cross_fitted
from sklearn_ae.autoencoders._declaring import declare
from sklearn_ae.autoencoders._fitting import (
    fit,
    fit_further,
    training_mode,
    unchanged_on_failure,
)
from sklearn_ae.autoencoders._from_source import in_turn, opened
from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.autoencoders._reading import Reader, check_dense_size, dtypes_of
from sklearn_ae.autoencoders._reasons import ReasonsMixin
from sklearn_ae.autoencoders._slots import fill_slot
from sklearn_ae.autoencoders._state import StateMixin
from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import (
    ArrayForm,
    Ragged,
    Rows,
    SparseRows,
    as_numpy,
    check_accepted,
    objects_as_numbers,
    rows_as_numpy,
    within_range,
)
from sklearn_ae.inference import Model, Sampler
from sklearn_ae.latents import Deterministic, Latent
from sklearn_ae.losses import LOSSES, Loss
from sklearn_ae.penalties import Penalty
from sklearn_ae.runtime import named_in_errors
from sklearn_ae.sources import apply_in_blocks
from sklearn_ae.sources._opening import row_source
from sklearn_ae.starts import Start
from sklearn_ae.training import AutoencoderNet, History, ModelSpec, Selection, TrainingConfig

# What comes with rows, in the order in which it is handed on.
_GIVEN = ("X", "sample_weight", "X_clean", "condition", "companions")


class BaseAutoencoder(
    ReasonsMixin,
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

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1.
    hidden_layer_sizes : tuple of int, default=None
        Widths of the encoder's hidden layers, mirrored in the decoder. None takes
        (256, 128), or (128, 128) below 1,000 rows. An empty tuple leaves the linear maps.
    activation : {"silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"}, default="silu"
        Activation of the hidden layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden units dropped in training.
    hidden_noise : float, default=0.0
        Standard deviation of Gaussian noise that is added to hidden units in training.
    normalization : {"batch", "layer"}, default=None
        Standardise hidden units over the batch or over the row.
    tied_weights : bool, default=False
        The decoder uses the encoder's weights transposed. The start is then exact for PCA and
        approximate for the others.
    l1 : float, default=0.0
        Multiplies the L1 norm of the weights in the objective.
    alpha : float, default=0.01
        Decoupled weight decay (L2) of AdamW.
    encoder : callable, default=None
        A torch module class or factory in place of the encoder's network:
        `encoder(n_features, n_codes)` returns a module from float tensors of shape
        (n, n_features) to (n, n_codes). It is scaled by a number that starts at zero beside
        the linear map, unless `init="random"`.
    decoder : callable, default=None
        The same for the decoder: `decoder(n_components, n_outputs)`.
    architecture : Architecture, default=None
        Encoder and decoder, in place of `hidden_layer_sizes`, `activation`, `dropout`,
        `hidden_noise`, `normalization` and `tied_weights`. None means :class:`Dense`.
    latent : Latent, default=None
        What stands between them. None means :class:`Deterministic`.
    corruption : Corruption or callable, default=None
        What is done to the encoder's input in training: :class:`GaussianNoise`,
        :class:`MaskingNoise`, :class:`SaltAndPepperNoise`, :class:`SwapNoise`, or a callable
        `corruption(X, rng)` that gets rows in X's units and a numpy Generator and returns a
        corrupted copy.
    penalties : tuple of Penalty, default=()
        Further terms of the objective, in place of `l1`.
    loss : {"squared_error", "absolute_error", "huber", "gaussian", "bernoulli", "poisson", \
"multinomial"} or Loss, default="squared_error"
        Cost of a reconstruction. "bernoulli" needs X in [0, 1] and gives probabilities;
        "poisson" needs X >= 0 and gives rates, "multinomial" X >= 0 and gives shares of a row;
        "gaussian" learns the noise.
    init : {"pca", "random"}, default="pca"
        "pca" begins from the closed-form linear solution. "random" is the textbook network:
        no linear map beside it, random weights, and no promise.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
default="from_dtype"
        Which columns are categorical: by the data frame's dtypes, by a mask, positions or names, or
        none. In a frame with a column that is not of numbers, each column has a loss of its own
        kind, as a share of that of its best constant, and whole numbers come back whole, in the
        range that `fit` saw.
    numeric_map : {"robust", "quantile"}, default=None
        What skewed columns of numbers are mapped by: asinh in units of the quartiles, or to
        normal scores. None leaves them as they are.
    whiten : bool, default=False
        Scale each component to unit variance over the training rows.
    deep_features : bool, default=False
        `transform` returns the code followed by the hidden layers of the encoder, as features
        for a model behind it; `inverse_transform` takes the same. It may be set after `fit`.
    optimizer : callable, default=None
        A torch optimizer class, or a factory `optimizer(params, lr=...)`, in place of AdamW
        with weight decay `alpha` and gradients clipped to a norm of 1, the default. Steps are
        then skorch's own and not recorded.
    batch_size : int, default=None
        Rows a batch. None takes a power of two below n / 4, from 32 to 128, growing to 1024
        between 10,000 and 100,000 rows. Sparse rows of more than 2²⁵ cells have batches of
        2²⁴ cells at most, but 32 rows at least.
    learning_rate_init : float, default=0.003
        Peak of the one-cycle learning rate.
    max_iter : int, default=None
        Epochs. None takes 60 up to 10,000 rows and 60 sqrt(10,000 / n) above, 12 at least.
        A source of more than 1,000,000 rows has 12 sqrt(1,000,000 / n), one at least.
        Sparse rows of more than 2²⁵ cells are read 2³⁴ cells at most, but 4 times at least.
        0 returns the start.
    early_stopping : bool, default=True
        Validate each epoch on held-out rows: on `validation_fraction` of them, or out of
        fold below 1,000 rows. The network must win by more than one standard error of its
        gain, 2.5 out of fold. Below 20 rows the start is kept. False trains on all rows and
        keeps the last weights, without a promise.
    validation_fraction : float in (0, 1), default=0.1
        Share of the rows held out, from 1,000 rows on; of a source, 200,000 rows at most.
    n_iter_no_change : int, default=15
        Epochs without improvement after which the final fall of the learning rate begins.
    tol : float, default=1e-4
        Relative decrease of the validation loss that counts as improvement.
    warm_start : bool, default=False
        Start the next fit from the previous weights, which are then epoch 0. Columns of a data
        frame are known by their names: they may come in another order, some may be new and some
        gone.
    freeze : tuple of str, default=()
        Parts of the network that training leaves as they are: "encoder", with which codes stay
        what they are, "decoder", or names of modules and weights of `net_.module_`, or patterns
        of names such as "*.linear.*". A fit that does not go on from previous weights freezes
        the start. See :doc:`/user_guide/transfer`.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch. The same call goes on from there where it
        was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Which rows `predict` calls outliers. With "auto", one in ten of fresh rows like the
        training rows: the threshold comes from scores of rows that were held out, in folds
        below 1,000 rows and in the validation part from there on. Below 20 rows, without
        `early_stopping` and after `partial_fit` there are none, and it is as 0.1. A float is
        the share of the training rows, scored by the network that was fitted to them; more of
        the fresh rows are then outliers, the more so the better it fits.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto": where the network is. Rows may be anywhere.
    callbacks : list of skorch callbacks, default=None
        Called while training; see skorch.callbacks. `KeyboardInterrupt` from a callback ends
        `fit` with that error, and the estimator is as it was before; `EarlyStopping` ends it
        with what was found so far.
    verbose : int, default=0
        1 prints a line an epoch, 2 also why training steps are not captured.
    random_state : int, RandomState or None, default=None
        Feeds every draw. None draws a seed from the operating system; the global
        generators of numpy, Python and torch are never used.

    Attributes
    ----------
    n_components_ : int
        Width of the code.
    net_ : skorch.NeuralNet
        The net; `net_.module_` is the torch module, between standardised rows and codes. What
        `net_.predict` and `net_.forward` take and return are standardised rows, too; `transform`
        and `reconstruct` are between rows in X's units.
    n_iter_ : int
        Epochs run.
    selection_ : Selection
        Whether the "start" or the "network" was `kept`, with the mean losses of held-out
        rows of both, `start_loss` and `network_loss`, in X's units; None without such rows.
    history_ : DataFrame
        A row an epoch, the start being epoch 0, with losses in X's units and a column for
        each named term.
    loss_curve_ : ndarray of shape (n_iter_,)
        Training loss after each epoch.
    validation_loss_curve_ : ndarray of shape (n_iter_,)
        Loss of held-out rows after each epoch, empty if none were held out.
    best_validation_loss_ : float or None
        Least loss of held-out rows, the start included.
    explained_variance_ratio_ : ndarray of shape (n_components_,)
        Variance of the reconstruction's regression on each component, as a share of the
        variance of X; equal to PCA's where the start is PCA and is kept.
    offset_ : float
        `decision_function` is `score_samples` minus this; `contamination` sets it.
    device_ : str
        Where the network is, such as "cpu" or "cuda:0". An estimator that is loaded where the
        device of its fit is not is on the CPU.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.
    """

    _parameter_constraints: dict = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "hidden_layer_sizes": [tuple, list, Interval(Integral, 1, None, closed="left"), None],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "hidden_noise": [Interval(Real, 0, None, closed="left")],
        "normalization": [StrOptions(set(NORMALIZATIONS)), None],
        "tied_weights": ["boolean"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "encoder": [callable, None],
        "decoder": [callable, None],
        "architecture": [Architecture, None],
        "latent": [Latent, None],
        "corruption": [Corruption, callable, None],
        "penalties": [tuple, list],
        "loss": [StrOptions(set(LOSSES)), Loss],
        "init": [StrOptions({"pca", "random"})],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "numeric_map": [StrOptions({"robust", "quantile"}), None],
        "whiten": ["boolean"],
        "deep_features": ["boolean"],
        "optimizer": [callable, None],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 0, None, closed="left"), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "freeze": [tuple, list],
        "checkpoint": [str, os.PathLike, None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "device": [str],
        "callbacks": [tuple, list, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }
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

    @named_in_errors
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
        optimizer: Callable | None = None,
        batch_size: int | None = None,
        learning_rate_init: float = 0.003,
        max_iter: int | None = None,
        early_stopping: bool = True,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 15,
        tol: float = 1e-4,
        warm_start: bool = False,
        freeze: Sequence[str] = (),
        checkpoint: str | os.PathLike[str] | None = None,
        contamination: float | str = "auto",
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
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.freeze = freeze
        self.checkpoint = checkpoint
        self.contamination = contamination
        self.device = device
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

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

    @in_kind
    def transform(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        """Return the codes of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components_)
            Codes; float32 for float32 rows, otherwise float64. With `deep_features` further
            columns follow, the hidden layers of the encoder.
        """
        values, given = self._read(X, condition)
        check_deep(self, self._spec_used.architecture)
        encode = self._model.deep_features if self.deep_features else self._model.encode
        codes = encode(values, given)
        index = self._reader.adapter.index(X)
        if index is None or output_config(self) != "pandas":
            return codes
        return pd.DataFrame(codes, index=index)

    @in_kind
    def inverse_transform(
        self,
        X: ArrayLike,
        condition: ArrayLike | None = None,
        *,
        lengths: ArrayLike | None = None,
    ) -> Any:
        """Return the rows that codes stand for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Codes, or what `transform` returns with `deep_features`.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.
        lengths : array-like of shape (n_samples,) or (n_samples, 2), default=None
            Number of steps of each sequence, or one for all, or height and width of each
            image, where `fit` saw rows of different sizes. None takes their median.

        Returns
        -------
        X_original : ndarray or data frame of shape (n_samples, n_features)
            Rows in X's units, in the container that `fit` saw.
        """
        check_is_fitted(self)
        check_accepted(X)
        with np.errstate(invalid="ignore"):  # it adds up the cells, past infinity both ways
            code = check_array(objects_as_numbers(X), dtype=dtypes_of(X), input_name="X")
        if self.deep_features and code.shape[1] == self._n_features_out:
            code = code[:, : self.n_components_]
        if code.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {code.shape[1]} columns, but the codes of this {type(self).__name__} "
                f"have {self.n_components_} components; pass what transform returns."
            )
        if self._reader.sparse:
            check_dense_size(len(code), self.n_features_in_, code.dtype, "inverse_transform")
        given = self._reader.conditions(self, condition, len(code))
        typical = self._reader.typical(len(code), lengths)
        return self._reader.container.wrap(self._model.decode(code, given, typical), like=X)

    @in_kind
    def reconstruct(self, X: ArrayLike, condition: ArrayLike | None = None) -> Any:
        """Return `inverse_transform(transform(X))`.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        X_reconstructed : ndarray or data frame of shape (n_samples, n_features)
            The rows as the code keeps them, in the container of X. It is dense for sparse X,
            and an error beyond 2 GiB: see `iter_reconstruct`.
        """
        values, given = self._read(X, condition)
        if isinstance(values, SparseRows):
            check_dense_size(*values.shape, values.dtype, "reconstruct")
        return self._reader.adapter.container(X).wrap(self._rebuilt(values, given), like=X)

    def iter_reconstruct(
        self,
        X: ArrayLike,
        condition: ArrayLike | None = None,
        *,
        batch_size: int | None = None,
    ) -> Iterator[Any]:
        """Yield what `reconstruct` returns, a block of rows at a time.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.
        batch_size : int, default=None
            Rows of a block. None takes as many as have about 4 million cells.

        Yields
        ------
        X_reconstructed : ndarray or data frame of shape (batch_size, n_features)
            The next rows as the code keeps them, in the container of X; dense for sparse X.
        """
        check_is_fitted(self)
        if row_source(X) is not None:
            return apply_in_blocks(self, X, "reconstruct", batch_size=batch_size)
        blocks = self._reader.blocks(X, condition, self.n_features_in_, batch_size)
        return (self.reconstruct(*block) for block in blocks)

    @in_kind
    def score_samples(
        self,
        X: ArrayLike,
        condition: ArrayLike | None = None,
        *,
        X_clean: ArrayLike | None = None,
    ) -> NDArray[np.float64]:
        """Return minus the loss of each row, or its log-density; higher is more normal.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.
        X_clean : array-like of shape (n_samples, n_features), default=None
            What reconstructions are compared with; X itself if None.

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            Minus the loss in X's units; minus the summed squared error by default. A
            :class:`VariationalAutoencoder` gives a bound on the log-density in nats.
        """
        values, given = self._read(X, condition)
        if X_clean is not None or type(self)._scores is not BaseAutoencoder._scores:
            values = as_numpy(values)
        check_domain(self._model.loss, values)
        target = None if X_clean is None else self._reader.clean(self, X_clean, values)
        return self._scores(self._model, values, given, target)

    @in_kind
    def score(
        self,
        X: ArrayLike,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        X_clean: ArrayLike | None = None,
        condition: ArrayLike | None = None,
    ) -> float:
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
        X_clean : array-like of shape (n_samples, n_features), default=None
            What reconstructions are compared with; X itself if None.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        score : float
            The weighted mean.
        """
        scores = as_numpy(self.score_samples(X, condition, X_clean=X_clean))
        if sample_weight is None:
            return float(scores.mean())
        weights = within_range(check_sample_weight(sample_weight, scores))
        return float(np.average(scores, weights=weights))

    @in_kind
    def decision_function(
        self, X: ArrayLike, condition: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return `score_samples(X) - offset_`: negative for outliers.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        decision : ndarray of shape (n_samples,), float64
            The shifted scores.
        """
        return self.score_samples(X, condition) - self.offset_

    @in_kind
    def predict(self, X: ArrayLike, condition: ArrayLike | None = None) -> NDArray[np.int64]:
        """Return +1 for inliers and -1 for outliers.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        labels : ndarray of shape (n_samples,), int64
            +1 where `decision_function` is not negative.
        """
        return 2 * (self.decision_function(X, condition) >= 0) - 1

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
