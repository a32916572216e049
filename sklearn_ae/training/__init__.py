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
from sklearn_ae.training._config import ModelSpec, TrainingConfig
from sklearn_ae.training._history import History
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._selection import Fitted, Fitter, fit_specs
from sklearn_ae.training._together import train_together

__all__ = [
    "AutoencoderModule",
    "AutoencoderNet",
    "DefensiveMixture",
    "ModelSpec",
    "Fitted",
    "Fitter",
    "History",
    "Model",
    "ModuleFactory",
    "TrainingConfig",
    "Seeds",
    "TrainingRange",
    "available_device",
    "canonicalize",
    "fit_specs",
    "make_net",
    "mean_divergence",
    "resolve_device",
    "set_state_tensors",
    "state_tensors",
    "thread_count",
    "torch_threads",
    "train_together",
]
