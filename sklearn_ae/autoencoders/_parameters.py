"""Parameters of every autoencoder, and what it learns."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral, Real

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from skorch.callbacks import Callback
from torch import nn

from sklearn_ae.architectures import ACTIVATIONS, NORMALIZATIONS, Architecture
from sklearn_ae.corruptions import Corruption
from sklearn_ae.latents import Latent
from sklearn_ae.losses import LOSSES, Loss
from sklearn_ae.penalties import Penalty
from sklearn_ae.runtime import named_in_errors


class AutoencoderParameters(BaseEstimator):
    """What can be set, with domains and defaults, and what `fit` learns.

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
