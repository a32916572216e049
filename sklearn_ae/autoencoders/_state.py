"""Fitted state as plain arrays, which load without a GPU and hold no training row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sklearn_ae.data import ArrayForm, as_numpy, scaling_from
from sklearn_ae.inference import (
    AutoencoderModule,
    DefensiveMixture,
    Model,
    TrainingRange,
    set_state_tensors,
    state_tensors,
)
from sklearn_ae.runtime import available_device
from sklearn_ae.training import History, adopt_terms, make_net, term_weights

_NETWORK = "_network"


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
    state = {k: as_numpy(v) if torch.is_tensor(v) else v for k, v in state.items()}
    model: Model = state.pop("_model")
    net = state.pop("net_")
    history: History = state.pop("_history")
    optimizer = net.optimizer_.state
    mixture = model.mixture
    state[_NETWORK] = {
        **_packed(model),
        "training_range": None if model.training_range is None else list(model.training_range),
        "mixture": None if mixture is None else _packed(mixture.start),
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
    for parameter, moments in zip(parameters, saved["moments"], strict=False):
        net.optimizer_.state[parameter] = {
            name: torch.from_numpy(np.array(value)).to(config.device)
            for name, value in moments.items()
        }
    state["net_"] = net
    model = _unpacked(saved, net.module_)
    if saved["training_range"] is not None:
        model.training_range = TrainingRange(*saved["training_range"])
    if saved["mixture"] is not None:
        module = saved["mixture"]["factory"]().eval().to(config.device)
        start = _unpacked(saved["mixture"], module)
        model.mixture = DefensiveMixture(start, state["_spec_used"].defensive_share)
    model.term_weights = saved["term_weights"]
    state["_model"] = model
    state["_history"] = History(saved["history_columns"], saved["history"])
    if state.get("_namespace") == "torch":
        ArrayForm(torch, "cpu").mark(state)
    net.history_ = state["_history"].to_skorch()
    return state


def _packed(model: Model) -> dict[str, Any]:
    return {
        "factory": model.factory,
        "loss": model.loss,
        "scaling": model.scaling.state(),
        "target_scaling": model.target_scaling.state(),
        "code_scale": model.code_scale,
        "weights": [_array(tensor) for tensor in state_tensors(model.module)],
    }


def _unpacked(saved: dict[str, Any], module: AutoencoderModule) -> Model:
    """Put saved weights into a network."""
    set_state_tensors(module, [torch.from_numpy(np.array(w)) for w in saved["weights"]])
    return Model(
        saved["factory"],
        module,
        scaling_from(saved["scaling"]),
        saved["loss"],
        scaling_from(saved["target_scaling"]),
        saved["code_scale"],
    )


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()
