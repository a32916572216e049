"""Hyperparameters that every autoencoder shares: domains, documentation, slots."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any, TypedDict

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from skorch.callbacks import Callback
from torch import nn

from sklearn_ae.architectures import ACTIVATIONS, NORMALIZATIONS, Architecture, Dense
from sklearn_ae.corruptions import Corruption
from sklearn_ae.latents import Latent
from sklearn_ae.losses import LOSSES, Loss
from sklearn_ae.penalties import Penalty

SHARED_CONSTRAINTS: dict[str, list] = {
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
    "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "max_iter": [Interval(Integral, 0, None, closed="left"), None],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "warm_start": ["boolean"],
    "contamination": [Interval(Real, 0, 0.5, closed="right")],
    "device": [str],
    "callbacks": [tuple, list, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
}

# Parameters that say how to read the columns of a table.
TABLE_PARAMETERS = ("categorical_features", "numeric_map")


class Shared(TypedDict, total=False):
    """Keyword parameters that every autoencoder takes; a class states its own before them."""

    hidden_layer_sizes: tuple[int, ...] | None
    activation: str
    dropout: float
    hidden_noise: float
    normalization: str | None
    tied_weights: bool
    l1: float
    alpha: float
    encoder: Callable[[int, int], nn.Module] | None
    decoder: Callable[[int, int], nn.Module] | None
    architecture: Architecture | None
    latent: Latent | None
    corruption: Corruption | Callable | None
    penalties: Sequence[Penalty]
    loss: str | Loss
    init: str
    categorical_features: ArrayLike | str | None
    numeric_map: str | None
    whiten: bool
    deep_features: bool
    batch_size: int | None
    learning_rate_init: float
    max_iter: int | None
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    warm_start: bool
    contamination: float
    device: str
    callbacks: Sequence[Callback] | None
    verbose: int
    random_state: int | None


_PARAMETERS = """
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
    {architecture}
latent : Latent, default=None
    What stands between them. None means :class:`{latent}`.
corruption : Corruption or callable, default=None
    What is done to the encoder's input in training: :class:`GaussianNoise`,
    :class:`MaskingNoise`, :class:`SaltAndPepperNoise`, :class:`SwapNoise`, or a callable
    `corruption(X, rng)` that gets rows in X's units and a numpy Generator and returns a
    corrupted copy.
penalties : tuple of Penalty, default=()
    Further terms of the objective, in place of `l1`.
loss : {"squared_error", "absolute_error", "huber", "gaussian", "bernoulli", "poisson"} or Loss, \
default="squared_error"
    Cost of a reconstruction. "bernoulli" needs X in [0, 1] and gives probabilities;
    "poisson" needs X >= 0 and gives rates; "gaussian" learns the noise.
init : {"pca", "random"}, default="pca"
    "pca" begins from the closed-form linear solution. "random" is the textbook network:
    no linear map beside it, random weights, and no promise.
categorical_features : "from_dtype", array-like of bool, int or str, or None, \
default="from_dtype"
    Which columns are categorical: by the data frame's dtypes, by a mask, positions or names, or
    none. In a frame with a column that is not of numbers, each column has a loss of its own
    kind, as a share of that of its best constant.
numeric_map : {"robust", "quantile"}, default=None
    What skewed columns of numbers are mapped by: asinh in units of the quartiles, or to
    normal scores. None leaves them as they are.
whiten : bool, default=False
    Scale each component to unit variance over the training rows.
deep_features : bool, default=False
    `transform` returns the code followed by the hidden layers of the encoder, as features
    for a model behind it; `inverse_transform` takes the same. It may be set after `fit`.
batch_size : int, default=None
    Rows a batch. None takes a power of two below n / 4, from 32 to 128, growing to 1024
    between 10,000 and 100,000 rows. Sparse rows of more than 2²⁵ cells have batches of
    2²⁴ cells at most, but 32 rows at least.
learning_rate_init : float, default=0.003
    Peak of the one-cycle learning rate.
max_iter : int, default=None
    Epochs. None takes 60 up to 10,000 rows and 60 sqrt(10,000 / n) above, 12 at least.
    Sparse rows of more than 2²⁵ cells are read 2³⁴ cells at most, but 4 times at least.
    0 returns the start.
early_stopping : bool, default=True
    Judge each epoch on held-out rows: on `validation_fraction` of them, or out of
    fold below 1,000 rows. The network must win by more than one standard error of its
    gain, 2.5 out of fold. Below 20 rows the start is kept. False trains on all rows and
    keeps the last weights, without a promise.
validation_fraction : float in (0, 1), default=0.1
    Share of the rows held out, from 1,000 rows on.
n_iter_no_change : int, default=15
    Epochs without improvement after which the final fall of the learning rate begins.
tol : float, default=1e-4
    Relative decrease of the validation loss that counts as improvement.
warm_start : bool, default=False
    Start the next fit from the previous weights, which are then epoch 0.
contamination : float in (0, 0.5], default=0.1
    Share of the training rows that `predict` calls outliers.
device : str, default="cpu"
    "cpu", "cuda", "cuda:1", "mps" or "auto".
callbacks : list of skorch callbacks, default=None
    Called while training; see skorch.callbacks.
verbose : int, default=0
    1 prints a line an epoch, 2 also why training steps are not captured.
random_state : int, RandomState or None, default=None
    Feeds every draw. None draws a seed from the operating system; the global
    generators of numpy, Python and torch are never used.
"""

_ATTRIBUTES = """
n_components_ : int
    Width of the code.
net_ : skorch.NeuralNet
    The net; `net_.module_` is the torch module, between standardised rows and codes.
n_iter_ : int
    Epochs run.
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
    `decision_function` is `score_samples` minus this.
n_features_in_ : int
    Number of features.
feature_names_in_ : ndarray of str
    Their names, if X has any.
"""

_ARCHITECTURE = "    {architecture}"
_PARAMETERS_MARK = "{shared parameters}"
_ATTRIBUTES_MARK = "{shared attributes}"


def share(cls: type, base: type) -> None:
    """Complete a variant's signature and documentation by what all autoencoders share.

    Parameters
    ----------
    cls : type
        Its `__init__` states its own parameters and hands the others on; its docstring
        has a mark where the shared parameters and attributes belong. `_left_out` names
        shared parameters that it does not have.
    base : type
        Its `__init__` has the shared parameters.
    """
    own = inspect.signature(cls.__dict__["__init__"]).parameters
    kept = {n: p for n, p in own.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
    shared = inspect.signature(base.__dict__["__init__"]).parameters
    left_out = {*kept, *getattr(cls, "_left_out", ())}
    merged = {**kept, **{name: p for name, p in shared.items() if name not in left_out}}
    constraints: dict = getattr(cls, "_parameter_constraints", {})
    cls._parameter_constraints = {n: c for n, c in constraints.items() if n in merged}  # type: ignore[attr-defined]
    init: Any = cls.__dict__["__init__"]
    init.__signature__ = inspect.Signature(list(merged.values()))
    if cls.__doc__ is not None:
        latent = getattr(cls, "_latent_name", "Deterministic")
        text = _without(_PARAMETERS, left_out).replace("{latent}", latent)
        preset: type[BaseEstimator] = getattr(cls, "_preset_architecture", Dense)
        *names, last = (f"`{name}`" for name in inspect.signature(preset).parameters)
        replaced = textwrap.fill(
            f"Encoder and decoder, in place of {', '.join(names)} and {last}. None means "
            f":class:`{preset.__name__}`.",
            width=88,
            initial_indent="    ",
            subsequent_indent="    ",
        )
        text = text.replace(_ARCHITECTURE, replaced)
        doc = inspect.cleandoc(cls.__doc__).replace(_PARAMETERS_MARK, text.strip("\n"))
        cls.__doc__ = doc.replace(_ATTRIBUTES_MARK, _ATTRIBUTES.strip("\n"))


def _without(text: str, names: set[str]) -> str:
    """Leave out the entries that a class documents itself."""
    kept, skipping = [], False
    for line in text.splitlines():
        if line and not line.startswith(" "):
            skipping = line.split(" :")[0] in names
        if not skipping:
            kept.append(line)
    return "\n".join(kept)


def fill_slot(
    estimator: BaseEstimator, slot: str, preset: type[BaseEstimator], **renamed: str
) -> Any:
    """Return the object in a slot, or the preset spelled by the flat parameters.

    Parameters
    ----------
    estimator : estimator
        Its parameters are read.
    slot : str
        Name of the slot.
    preset : type
        What fills the slot when it is None. Its parameters are taken from those of
        the estimator that have the same name.
    **renamed : str
        Parameters of the preset that the estimator calls by another name.

    Raises
    ------
    ValueError
        If the slot is filled and a flat parameter that it replaces is not at its default.
    """
    names = {name: renamed.get(name, name) for name in preset._get_param_names()}
    filled = getattr(estimator, slot)
    if filled is None:
        return preset(**{name: getattr(estimator, flat) for name, flat in names.items()})
    check_no_conflict(estimator, slot, filled, list(names.values()))
    return filled


def check_no_conflict(
    estimator: BaseEstimator, slot: str, filled: Any, flat_names: list[str]
) -> None:
    """Raise if a flat parameter that a filled slot replaces is not at its default."""
    defaults = inspect.signature(type(estimator).__init__).parameters
    for name in flat_names:
        value = getattr(estimator, name)
        # An array is never a default, and has no single answer to a comparison.
        if hasattr(value, "shape") or value != defaults[name].default:
            raise ValueError(
                f"{slot}={filled!r} replaces {name}={value!r}; leave {name} at its default "
                f"and set it in the object that fills {slot}, or leave {slot} at its default."
            )
