"""From rows and a spec to a trained network."""

from sklearn_ae.inference import (
    AutoencoderModule,
    DefensiveMixture,
    Model,
    ModuleFactory,
    TrainingRange,
    canonicalize,
    mean_divergence,
    set_state_tensors,
    state_tensors,
)
from sklearn_ae.runtime import Seeds, available_device, resolve_device, thread_count, torch_threads
from sklearn_ae.training._assembly import make_net
from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training._fit import (
    Fitted,
    Fitter,
    Selection,
    fit_folds,
    fit_specs,
    fold_networks,
)
from sklearn_ae.training._history import History
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._objective import adopt_terms, term_weights
from sklearn_ae.training._spec import ModelSpec
from sklearn_ae.training._weights import Snapshot

__all__ = [
    "AutoencoderModule",
    "AutoencoderNet",
    "DefensiveMixture",
    "ModelSpec",
    "Fitted",
    "Fitter",
    "Selection",
    "Snapshot",
    "fit_folds",
    "fold_networks",
    "History",
    "Model",
    "ModuleFactory",
    "TrainingConfig",
    "Seeds",
    "TrainingRange",
    "adopt_terms",
    "available_device",
    "canonicalize",
    "fit_specs",
    "make_net",
    "mean_divergence",
    "resolve_device",
    "set_state_tensors",
    "state_tensors",
    "term_weights",
    "thread_count",
    "torch_threads",
]
