"""Hyperparameters, and the parts that they spell."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback
from torch import nn

from sklearn_ae.architectures import Architecture, Dense, OwnModules
from sklearn_ae.autoencoders._parameters import SHARED_CONSTRAINTS, check_no_conflict, fill_slot
from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import LazyRows, Ragged, Rows, TableRows
from sklearn_ae.latents import Deterministic, Latent
from sklearn_ae.losses import LOSSES, Loss, TabularLoss
from sklearn_ae.penalties import L1Weights, Penalty
from sklearn_ae.starts import Start
from sklearn_ae.training import ModelSpec


class ComposedAutoencoder(BaseEstimator, ABC):
    """Hyperparameters, and the spec that they spell."""

    _parameter_constraints: dict = SHARED_CONSTRAINTS
    _preset_architecture: type[Architecture] = Dense
    _left_out: frozenset[str] = frozenset()
    _overcomplete = False
    _validate_corrupted = False
    _defensive_share = 0.0

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

    def _latent(self, n_components: int) -> Latent:
        """Return what fills the latent's slot."""
        return fill_slot(self, "latent", Deterministic)

    def _penalties(self) -> tuple[Penalty, ...]:
        """Return the terms that this variant adds by its flat parameters."""
        return ()

    def _corruption(self) -> Corruption | Callable | None:
        """Return what fills the corruption's slot."""
        return self.corruption

    def _start(self, spec: ModelSpec) -> Start:
        """Return the closed-form solution to begin from."""
        return spec.latent.start(spec.symmetry)

    def _preset(self) -> Architecture:
        """Return what fills the architecture's slot, a user's own modules left out."""
        return fill_slot(self, "architecture", self._preset_architecture)

    def _architecture(self, rows: Rows, n_components: int) -> Architecture:
        """Return the architecture for some rows and a width of the code."""
        architecture = self._preset()
        if self.encoder is None and self.decoder is None:
            return architecture
        if architecture.symmetry != "linear":
            raise ValueError(
                f"encoder={self.encoder!r} and decoder={self.decoder!r} cannot share weights "
                "with tied_weights=True; set tied_weights=False."
            )
        return OwnModules(architecture, self.encoder, self.decoder)

    def _default_components(self, n_features: int) -> int | None:
        """Return what n_components=None means, or None for the rule by explained variance."""
        return None

    def _spec(self, rows: Rows, n_components: int) -> ModelSpec:
        """Fill the slots from the parameters."""
        penalties = tuple(self.penalties)
        if penalties:
            check_no_conflict(self, "penalties", penalties, ["l1"])
        elif self.l1:
            penalties = (L1Weights(self.l1),)
        architecture = self._architecture(rows, n_components)
        self._check_deep(architecture)
        spec = ModelSpec(
            architecture=architecture,
            latent=self._latent(n_components),
            corruption=self._corruption(),
            penalties=(*self._penalties(), *penalties),
            loss=self.loss if isinstance(self.loss, Loss) else LOSSES[self.loss](),
            start=None,
            validate_corrupted=self._validate_corrupted,
            defensive_share=self._defensive_share,
        )
        if isinstance(rows.values, TableRows):
            spec.loss._validate_params()
            loss = TabularLoss(spec.loss, rows.values.columns)
            spec = replace(spec, loss=loss)
        check_domain(spec.loss, rows.targets.selected(rows.targets.values))
        if self.init == "random" or rows.ragged:
            return spec
        return replace(spec, start=self._start(spec))

    def _check_deep(self, architecture: Architecture) -> None:
        """Raise if hidden layers are asked for that cannot be features."""
        if self.deep_features and not architecture.deep:
            raise ValueError(
                "deep_features=True needs hidden layers that are vectors, but those of "
                f"{architecture!r} are not, or not known; set deep_features=False."
            )


def check_domain(loss: Loss, values: Any) -> None:
    """Raise if rows are not in a loss's domain."""
    if isinstance(values, LazyRows):
        for piece in values.pieces():
            loss.check(piece)
    else:
        loss.check(values.cells if isinstance(values, Ragged) else values)
