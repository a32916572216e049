"""The stacked autoencoder."""

from __future__ import annotations

import copy
import inspect
import math
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_ae._compat import with_callbacks
from sklearn_ae.architectures import Architecture, Chain, Chained
from sklearn_ae.autoencoders._autoencoder import Autoencoder
from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._fitting import fit
from sklearn_ae.data import RESERVED, Rows
from sklearn_ae.inference import AutoencoderModule, Model, ModuleFactory, rebase
from sklearn_ae.latents import Deterministic
from sklearn_ae.runtime import torch_defaults
from sklearn_ae.training import Fitted, Fitter


class StackedAutoencoder(BaseAutoencoder):
    """Autoencoders trained one on the codes of the other, then fine-tuned as a whole.

    Each stage is an :class:`Autoencoder` of the codes of the stage before, so it starts from
    PCA and keeps what held-out rows prefer. The stages are then joined into one network,
    which is trained on the original rows; epoch 0 of that is the greedy stack, and it is
    what is returned if held-out rows do not prefer a later epoch.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the last code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1.
    stage_sizes : tuple of int, default=None
        Widths of the codes of the stages before the last, from the input on. None takes
        one stage, whose width is the geometric mean of the number of features and
        `n_components`.
    latent : Deterministic, default=None
        What stands between encoder and decoder.

    Attributes
    ----------
    stages_ : list of Autoencoder
        The stages as greedy training left them, each fitted on the codes of the one
        before. Their `loss_curve_` and `history_` tell how they were trained.

    Notes
    -----
    `history_` and the curves are those of the fine-tuning. `hidden_layer_sizes` are the
    hidden layers of each stage. The first call of `partial_fit` begins from PCA, without
    stages. Stages know of no condition, so that `fit` does not take one.

    References
    ----------
    Bengio et al., Greedy layer-wise training of deep networks, NIPS 2006.

    Vincent et al., Stacked denoising autoencoders, JMLR 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import StackedAutoencoder
    >>> X = load_iris().data
    >>> stack = StackedAutoencoder(1, stage_sizes=(3, 2), max_iter=5, random_state=0).fit(X)
    >>> [stage.n_components_ for stage in stack.stages_]
    [3, 2, 1]
    """

    _parameter_constraints: dict = {
        "stage_sizes": [tuple, list, None],
        "latent": [Deterministic, None],
    }

    _in_stages = True
    stages_: list[Autoencoder]

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        stage_sizes: tuple[int, ...] | None = None,
        latent: Deterministic | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(n_components, latent=latent, **shared)
        self.stage_sizes = stage_sizes

    def _architecture(self, given: Architecture, rows: Rows, n_components: int) -> Architecture:
        widths = self._widths(rows, n_components)
        further = [clone(given.of_codes()) for _ in widths]
        return Chained((clone(given), *further), widths)

    def _widths(self, rows: Rows, n_components: int) -> tuple[int, ...]:
        """Widths of the stages before the last."""
        sizes = self.stage_sizes
        if sizes is None and self.warm_start and self.__sklearn_is_fitted__():
            return self._spec_used.architecture.widths  # columns may be new or gone
        if sizes is None:
            wide = (
                math.prod(rows.sample_shape)
                if rows.ragged and rows.sample_shape
                else rows.n_features
            )
            return (max(n_components, round((wide * n_components) ** 0.5)),)
        if any(isinstance(s, bool) or not isinstance(s, Integral) or s < 1 for s in sizes):
            raise ValueError(
                f"stage_sizes={sizes!r} must hold integers of at least 1; use for example "
                "stage_sizes=(32, 16)."
            )
        widths = [*sizes, n_components]
        if not rows.ragged:
            widths.insert(0, rows.n_features)
        if any(b > a for a, b in pairwise(widths)):
            raise ValueError(
                f"stage_sizes={sizes!r} must not rise from the {rows.n_features} features of X "
                f"to n_components={widths[-1]}; list them from wide to narrow."
            )
        return tuple(int(size) for size in sizes)

    def _greedy(self, rows: Rows, n_components: int) -> tuple[Model, list[tuple[Model, Rows]]]:
        """Train the stages one after the other, and join them."""
        if rows.n_conditions:
            raise ValueError(
                f"condition was given, but {type(self).__name__} trains its stages on codes that "
                "know of none; leave condition out, use an Autoencoder, or call partial_fit, "
                "which trains without stages."
            )
        values, weight = rows.arrays(), rows.weights
        companions = {n: c for n, c in rows.selected_companions.items() if n not in RESERVED}
        self.stages_, found = [], []
        for size in (*self._widths(rows, n_components), n_components):
            stage = self._stage(size, rows, first=not self.stages_)
            found.append(with_callbacks(fit)(stage, values, weight, None, None, companions))
            self.stages_.append(stage)
            values = stage.transform(values)
        whole = self._joined(rows, [stage._model for stage in self.stages_])
        calibrated = found[0][0].calibrated and all(fitted.held_out for *_, fitted in found)
        return whole, self._folds(rows, found) if calibrated else []

    def _folds(
        self, rows: Rows, found: list[tuple[Fitter, Rows, Fitted]]
    ) -> list[tuple[Model, Rows]]:
        """Join what the stages of each fold have learned.

        Every stage holds the same rows out. A later one reads codes in the basis of the stage
        before it that was fitted to all rows, to which those of folds are brought.
        """
        for fitter, own_rows, fitted in found:
            for model, part in fitted.held_out:
                if model is not fitted.model:
                    rebase(model, own_rows.others(part), fitted.model, fitter.spec.symmetry)
        joined = []
        for fold in zip(*(fitted.held_out for *_, fitted in found), strict=True):
            models, parts = zip(*fold, strict=True)
            joined.append((self._joined(rows, list(models)), rows.take(parts[0].positions)))
        return joined

    def _stage(self, size: int, rows: Rows, *, first: bool) -> Autoencoder:
        """Make one stage, with this estimator's hyperparameters."""
        names = inspect.signature(Autoencoder.__init__).parameters.keys() - {"self"}
        shared = {name: getattr(self, name) for name in names}
        shared |= {
            "n_components": size,
            "callbacks": None,
            "warm_start": False,
            "checkpoint": None,  # it is that of the whole
            "freeze": (),  # it is of the network that the stages become
            "deep_features": False,
            "whiten": False,  # the next stage needs to see which components are large
            "random_state": self._entropy,
        }
        if self.architecture is not None:
            own, shape = self.architecture, None if rows.ragged else rows.sample_shape
            shared["architecture"] = own.of_arrays(shape) if first else own.of_codes()
        if rows.ragged:  # the whole has no linear path then
            shared["init"] = "random"
        if not first:  # codes are real numbers, whatever the rows are
            shared["loss"] = "squared_error"
        return Autoencoder(**shared)

    def _joined(self, rows: Rows, models: list[Model]) -> Model:
        """Join the stages' networks, with fixed units between them."""
        first, last = models[0], models[-1]
        widths = tuple(model.factory.n_components for model in models[:-1])
        factory = ModuleFactory(
            Chained(tuple(clone(m.factory.architecture) for m in models), widths),
            clone(last.factory.latent),
            rows.n_features,
            last.factory.n_components,
            rows.n_rows,
            first.factory.linear_path,
            n_parameters=first.factory.n_parameters,
            sample_shape=rows.sample_shape,
            ragged=rows.ragged,
            missing_columns=first.factory.missing_columns,
        )
        modules = [copy.deepcopy(model.module) for model in models]
        with torch.no_grad(), torch_defaults():
            encoder = Chain([module.encoder for module in modules], widths, encoding=True)
            decoders = [module.decoder for module in reversed(modules)]
            decoder = Chain(decoders, widths[::-1], encoding=False)
            for i, (model, following) in enumerate(pairwise(models)):
                mean = following.scaling.mean / model.code_scale
                scale = following.scaling.scale / model.code_scale
                down, up = encoder.units[i], decoder.units[-1 - i]
                down.shift.copy_(_float32(mean))
                down.scale.copy_(_float32(_inverse(scale)))
                up.shift.copy_(_float32(-mean * _inverse(scale)))
                up.scale.copy_(_float32(scale))
        module = AutoencoderModule(encoder, modules[-1].latent, decoder, factory.missing_columns)
        return Model(factory, module, first.scaling, first.loss, first.target_scaling)


def _inverse(scale: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)


def _float32(values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))
