"""The networks that learn what the start lacks: ours, or a user's estimator."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from torch import Generator

from sklearn_ae.architectures import Dense
from sklearn_ae.autoencoders import built, pack_model, unpack_model
from sklearn_ae.data import ColumnScaling, Rows
from sklearn_ae.inference import Model
from sklearn_ae.latents import Deterministic
from sklearn_ae.losses import SquaredError
from sklearn_ae.runtime import Seeds
from sklearn_ae.starts import LinearStart, Start
from sklearn_ae.training import Fitter, History, ModelSpec, TrainingConfig, fit_folds

# Batches of a fit that should suffice, and the epochs between which this is kept.
_BATCHES = 300
_EPOCHS = (8, 60)
# Share of hidden units dropped in training.
_DROPOUT = 0.1
# What the mask is less its usual mean, so that the network's input is centred.
_USUAL_SHARE = 0.2
# Times that a user's estimator rebuilds a row to fill it, where it cannot learn from pairs.
_PASSES = 5


class Examples(NamedTuple):
    """Rows with cells hidden, filled by the closed forms, and what was hidden.

    Parameters
    ----------
    filled : ndarray of shape (n, p)
        Rows filled by the closed forms.
    missing : ndarray of shape (n, p)
        What was filled.
    start : ndarray of shape (n, p)
        The same rows filled by the start alone.
    truth : ndarray of shape (n, p)
        The rows before cells were hidden; NaN where nothing was observed.
    hidden : ndarray of shape (n, p)
        The cells that were hidden.
    weight : ndarray of shape (n,)
        Weights of the rows.
    """

    filled: NDArray
    missing: NDArray
    start: NDArray
    truth: NDArray
    hidden: NDArray
    weight: NDArray


class Learner(ABC):
    """Learns from examples what the start lacks."""

    n_iter: int = 0
    history: History | None = None

    @abstractmethod
    def fit(self, folds: list[tuple[Examples, Examples]]) -> list[NDArray]:
        """Learn from the first part of each fold; return the fills of the second."""

    @abstractmethod
    def fill(self, filled: NDArray, missing: NDArray, start: NDArray) -> NDArray[np.float64]:
        """Fill further rows: the mean over folds."""

    @property
    @abstractmethod
    def device(self) -> str:
        """Where the networks are."""


class _Unchanged(Start):
    """Codes are the rows, and reconstructions are the codes."""

    def solve(
        self,
        rows: Rows,
        scaling: ColumnScaling,
        target_scaling: ColumnScaling,
        n_components: int,
        generator: Generator,
    ) -> LinearStart:
        """Return the identity, which does not see the condition."""
        p, c = rows.n_features, rows.n_conditions
        pick = torch.cat([torch.eye(p), torch.zeros(c, p)]).double()
        return LinearStart(pick, pick)

    def scalings(self, rows: Rows, *, normal_scores: bool) -> tuple[ColumnScaling, ColumnScaling]:
        """Return those of rows that are in standard units already."""
        return _unit(rows.n_features), _unit(rows.n_features)


class FoldNetworks(Learner):
    """A network a fold, each trained from the start, whose fills are averaged.

    A network gets a row filled by the mix of closed forms, which cells were filled, and how far
    the start is from the mix. It has the identity beside it and its last layers are zero at
    first, so that it begins at the mix.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers.
    config : TrainingConfig
        How to train; its width is that of the rows.
    seeds : Seeds
        Feeds every draw.
    """

    def __init__(self, hidden: tuple[int, ...], config: TrainingConfig, seeds: Seeds) -> None:
        self.hidden = hidden
        self.config = config
        self.seeds = seeds
        self._models: list[Model] = []

    def fit(self, folds: list[tuple[Examples, Examples]]) -> list[NDArray]:
        """Train the networks of all folds together; keep the best epoch over all held-out parts."""
        config = self.config
        spec = self._spec()
        if config.max_iter is None:
            first = Rows(folds[0][0].filled)
            n_batches = max(1, first.n_rows // config.batch_rows(first))
            config = replace(config, max_iter=int(np.clip(_BATCHES // n_batches, *_EPOCHS)))
        parts = [(_rows(train), _rows(valid)) for train, valid in folds]
        self._models, found = fit_folds(Fitter(spec, config, self.seeds), parts)
        self.n_iter, self.history = found.n_iter, found.history
        self.config = replace(config, callbacks=())
        return [
            self._one(model, valid.filled, _condition(valid))
            for model, (_, valid) in zip(self._models, folds, strict=True)
        ]

    def fill(self, filled: NDArray, missing: NDArray, start: NDArray) -> NDArray[np.float64]:
        """Return the mean of what the networks say."""
        condition = _conditions(filled, missing, start)
        return np.mean([self._one(model, filled, condition) for model in self._models], axis=0)

    @staticmethod
    def _one(model: Model, filled: NDArray, condition: NDArray) -> NDArray[np.float64]:
        return model.decode(model.encode(filled, condition), condition)

    def _spec(self) -> ModelSpec:
        return ModelSpec(
            architecture=Dense(self.hidden, dropout=_DROPOUT),
            latent=Deterministic(),
            corruption=None,
            penalties=(),
            loss=SquaredError(),
            start=_Unchanged(),
        )

    @property
    def device(self) -> str:
        """Where the networks are."""
        return str(self._models[0].device) if self._models else "cpu"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_models": [pack_model(model) for model in self._models]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        models = [unpack_model(m, built(m, state["config"].device)) for m in state["_models"]]
        vars(self).update(state, _models=models)


class OwnEstimators(Learner):
    """A user's estimator, cloned for each fold.

    One whose `fit` takes `X_clean` learns from filled rows, with the observed ones as
    `X_clean`. Others are fitted to filled rows, and rebuild a row several times, its observed
    cells kept.

    Parameters
    ----------
    estimator : estimator
        Has `fit` and `reconstruct`, or `transform` and `inverse_transform`.
    parameters : dict
        Set on the clones.
    """

    def __init__(self, estimator: BaseEstimator, parameters: dict[str, Any]) -> None:
        self.estimator = estimator
        self.parameters = parameters
        self.fitted: list[Any] = []

    def fit(self, folds: list[tuple[Examples, Examples]]) -> list[NDArray]:
        """Fit a clone a fold."""
        self.fitted, out = [], []
        for train, valid in folds:
            own = clone(self.estimator)
            known = own.get_params()
            own.set_params(**{k: v for k, v in self.parameters.items() if k in known})
            taken = inspect.signature(own.fit).parameters
            weighted = {}
            if "sample_weight" in taken and np.ptp(train.weight) > 0:
                weighted["sample_weight"] = train.weight
            truth = np.where(np.isnan(train.truth), train.filled, train.truth)
            if self._pairs:
                own.fit(train.filled, X_clean=truth, **weighted)
            else:
                own.fit(truth, **weighted)
            self.fitted.append(own)
            out.append(self._one(own, valid.filled, valid.missing))
        self.n_iter = max(getattr(own, "n_iter_", 1) for own in self.fitted)
        return out

    def fill(self, filled: NDArray, missing: NDArray, start: NDArray) -> NDArray[np.float64]:
        """Return the mean of what the clones say."""
        return np.mean([self._one(own, filled, missing) for own in self.fitted], axis=0)

    @property
    def device(self) -> str:
        """Where the clones are, if they say so."""
        return next((own.device_ for own in self.fitted if hasattr(own, "device_")), "cpu")

    @property
    def _pairs(self) -> bool:
        return "X_clean" in inspect.signature(self.estimator.fit).parameters

    def _one(self, own: Any, filled: NDArray, missing: NDArray) -> NDArray[np.float64]:
        x = filled
        for _ in range(1 if self._pairs else _PASSES):
            if hasattr(own, "reconstruct"):
                rebuilt = own.reconstruct(x)
            else:
                rebuilt = own.inverse_transform(own.transform(x))
            x = np.where(missing, np.asarray(rebuilt), filled)
        return x


def _unit(p: int) -> ColumnScaling:
    """Rows are in standard units already."""
    return ColumnScaling(np.zeros(p), np.ones(p))


def _conditions(filled: NDArray, missing: NDArray, start: NDArray) -> NDArray[np.float64]:
    return np.hstack([missing - _USUAL_SHARE, np.where(missing, start - filled, 0.0)])


def _condition(examples: Examples) -> NDArray[np.float64]:
    return _conditions(examples.filled, examples.missing, examples.start)


def _rows(examples: Examples) -> Rows:
    """Return rows to be trained on or validated on; only what was hidden is compared."""
    weight = None if np.ptp(examples.weight) == 0 else examples.weight
    target = np.where(examples.hidden, examples.truth, np.nan)
    return Rows(examples.filled, weight, target=target, condition=_condition(examples))
