"""Fitted state as plain arrays, which load without a GPU and hold no training row."""

from __future__ import annotations

from dataclasses import replace
from inspect import isclass
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator

from sklearn_ae._compat import with_descriptions
from sklearn_ae.autoencoders._declaring import check_super_called
from sklearn_ae.data import ArrayForm, as_numpy, scaling_from
from sklearn_ae.inference import (
    AutoencoderModule,
    DefensiveMixture,
    Model,
    TrainingRange,
    TreeBackground,
    set_state_tensors,
    state_tensors,
)
from sklearn_ae.runtime import available_device, check_known, page_template
from sklearn_ae.starts import TreeMixture
from sklearn_ae.state import seal, unseal
from sklearn_ae.training import History, ModelSpec, adopt_terms, make_net, term_weights

_NETWORK = "_network"
# What may stand in a parameter whose own parameters are to be set.
_EXAMPLES = {
    "architecture": "Dense()",
    "corruption": "GaussianNoise()",
    "embedding": "Isomap()",
    "estimator": "Autoencoder()",
    "latent": "Gaussian()",
    "loss": "GaussianLikelihood()",
    "prior": "GaussianMixture()",
}


class StateMixin(BaseEstimator):
    """Saves an estimator as plain values under a format number, versions and a digest."""

    _doc_link_module = "sklearn_ae"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make constructors of subclasses say so if they leave parameters unset."""
        check_super_called(cls)
        super().__init_subclass__(**kwargs)

    @property
    def _doc_link_template(self) -> str:
        return page_template()

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        return with_descriptions(super()._get_params_html(*args, **kwargs))

    def _get_fitted_attr_html(self, *args: Any, **kwargs: Any) -> Any:
        return with_descriptions(super()._get_fitted_attr_html(*args, **kwargs))

    def set_params(self, **params: Any) -> Self:
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Values by name; those of an object in a parameter by the names of both, as in
            `latent__beta`.

        Returns
        -------
        self : estimator
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no such parameter, where the nearest one is named, or no object that has it.
        """
        check_known(self, params)
        for key, value in params.items():
            name, _, own = key.partition("__")
            if not own or name not in self._get_param_names():
                continue
            held = params.get(name, getattr(self, name))
            if isclass(held) or not hasattr(held, "set_params"):
                example = f", such as {name}={_EXAMPLES[name]}" if name in _EXAMPLES else ""
                raise ValueError(
                    f"{key}={value!r} of {type(self).__name__} is a parameter of what {name} "
                    f"holds, but {name}={held!r}; pass an object there that has {own!r}{example}."
                )
        return super().set_params(**params)

    def __getstate__(self) -> dict[str, Any]:
        return seal(type(self), self._packed_state())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unseal(type(self), state, unpack))

    def _packed_state(self) -> dict[str, Any]:
        """Return the attributes, as an estimator that holds this one saves them."""
        return pack(super().__getstate__())

    def _restore_state(self, state: dict[str, Any]) -> None:
        """Take what `_packed_state` has returned."""
        super().__setstate__(unpack(state))


def pack(state: dict[str, Any]) -> dict[str, Any]:
    """Replace the network in an estimator's state by arrays.

    Parameters
    ----------
    state : dict
        Attributes of the estimator, fitted or not.

    Returns
    -------
    packed : dict
        The same, with float32 weights, moments if `partial_fit` has made any, scales
        and history as arrays.
    """
    if "_model" not in state:
        return state
    state = {name: as_numpy(value) for name, value in state.items()}
    model: Model = state.pop("_model")
    net = state.pop("net_")
    history: History = state.pop("_history")
    optimizer = net.optimizer_.state
    state[_NETWORK] = {
        **pack_model(model),
        "training_range": None if model.training_range is None else list(model.training_range),
        "mixture": None if model.mixture is None else _pack_mixture(model.mixture),
        "moments": [
            {name: _array(value) for name, value in optimizer[p].items()}
            for _, p in net.get_all_learnable_params()
            if p in optimizer
        ],
        "term_weights": term_weights(net.criterion_),
        "history_columns": history.columns,
        "history": history.values,
    }
    return state


def unpack(state: dict[str, Any]) -> dict[str, Any]:
    """Build the network again from arrays, on its device or else the CPU."""
    if _NETWORK not in state:
        return state
    state = state.copy()
    saved = state.pop(_NETWORK)
    config = state["_config_used"]
    config = replace(config, device=available_device(config.device))
    scalings = (scaling_from(saved["scaling"]), scaling_from(saved["target_scaling"]))
    net = make_net(saved["factory"], state["_spec_used"], config, scalings)
    adopt_terms(net.criterion_, saved["term_weights"])
    parameters = [parameter for _, parameter in net.get_all_learnable_params()]
    if len(saved["moments"]) not in (0, len(parameters)):
        raise ValueError(f"it has moments of {len(saved['moments'])} of {len(parameters)} weights")
    for parameter, moments in zip(parameters, saved["moments"], strict=False):
        net.optimizer_.state[parameter] = {
            name: _tensor(f"a moment {name!r}", value, parameter.shape if np.ndim(value) else ())
            .clone()
            .to(config.device)
            for name, value in moments.items()
        }
    state["net_"] = net
    model = unpack_model(saved, net.module_)
    if saved["training_range"] is not None:
        model.training_range = TrainingRange(*saved["training_range"])
    if saved["mixture"] is not None:
        spec, n_features = state["_spec_used"], model.factory.n_features
        model.mixture = _unpack_mixture(saved["mixture"], spec, config.device, n_features)
    model.term_weights = saved["term_weights"]
    state["_model"] = model
    state["_history"] = History(saved["history_columns"], saved["history"])
    # Of libraries, torch alone is sure to be there; a model of numpy serves every other.
    if state.pop("_namespace", None) == "torch":
        ArrayForm(torch, "cpu").mark(state)
    net.history_ = state["_history"].to_skorch()
    return state


def _pack_mixture(mixture: DefensiveMixture) -> dict[str, Any]:
    """Return the part of a density that is not the network's, as arrays."""
    if isinstance(mixture, TreeBackground):
        return {"trees": mixture.start._asdict(), "share": mixture.share}
    return pack_model(mixture.start)


def _unpack_mixture(
    saved: dict[str, Any], spec: ModelSpec, device: str, n_features: int
) -> DefensiveMixture:
    """Return what `_pack_mixture` has packed."""
    if "trees" not in saved:
        return DefensiveMixture(unpack_model(saved, built(saved, device)), spec.defensive_share)
    trees, share = TreeMixture(**saved["trees"]), saved["share"]
    trees.check(n_features)
    if not 0 <= share <= 1:
        raise ValueError(f"the share of its trees is {share}")
    return TreeBackground(trees, share)


def pack_model(model: Model) -> dict[str, Any]:
    """Return what a model consists of, with its weights as arrays."""
    return {
        "factory": model.factory,
        "loss": model.loss,
        "scaling": model.scaling.state(),
        "target_scaling": model.target_scaling.state(),
        "code_scale": model.code_scale,
        "weights": [_array(tensor) for tensor in state_tensors(model.module)],
    }


def built(saved: dict[str, Any], device: str) -> AutoencoderModule:
    """Return the network of a packed model, its weights not yet set."""
    return saved["factory"]().eval().to(available_device(device))


def unpack_model(saved: dict[str, Any], module: AutoencoderModule) -> Model:
    """Put saved weights into a network, once they are what it has.

    Raises
    ------
    ValueError
        If an array has another shape or type, or holds a number that is not finite.
    """
    factory, weights, tensors = saved["factory"], saved["weights"], state_tensors(module)
    if len(weights) != len(tensors):
        raise ValueError(f"it has {len(weights)} arrays of weights in place of {len(tensors)}")
    set_state_tensors(
        module,
        [
            _tensor(f"array {i} of the weights", value, tensor.shape, tensor.dtype)
            for i, (value, tensor) in enumerate(zip(weights, tensors, strict=True))
        ],
    )
    scaling, target = scaling_from(saved["scaling"]), scaling_from(saved["target_scaling"])
    # Targets of higher resolution have several columns in place of one.
    width = factory.n_features * max(1, len(target.mean) // factory.n_features)
    for columns, values, n in (("", scaling, factory.n_features), ("target ", target, width)):
        _tensor(f"the mean of {columns}columns", values.mean, (n,))
        _tensor(f"the scale of {columns}columns", values.scale, (n,))
    _tensor("the scale of the code", saved["code_scale"], (factory.n_components,))
    return Model(factory, module, scaling, saved["loss"], target, saved["code_scale"])


def _tensor(
    name: str, value: Any, shape: tuple[int, ...], dtype: torch.dtype | None = None
) -> torch.Tensor:
    """Return an array as a tensor, if it has a shape and a type and is finite."""
    # One that is mapped from a file may not be written to, of which torch warns.
    tensor = torch.from_numpy(np.require(value, requirements=["C", "W"]))
    if tensor.shape != torch.Size(shape):
        raise ValueError(f"{name} has shape {tuple(tensor.shape)} in place of {tuple(shape)}")
    if dtype is not None and tensor.dtype != dtype:
        raise ValueError(f"{name} has type {tensor.dtype} in place of {dtype}")
    if not (torch.isfinite(tensor.sum()) or torch.isfinite(tensor).all()):
        raise ValueError(f"{name} holds a number that is not finite")
    return tensor


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
