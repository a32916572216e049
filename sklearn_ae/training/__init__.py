"""From rows and a spec to a trained network."""

from sklearn_ae.training._assembly import make_net
from sklearn_ae.training._canonical import canonicalize, mean_divergence
from sklearn_ae.training._config import ModelSpec, TrainingConfig
from sklearn_ae.training._devices import available_device, resolve_device
from sklearn_ae.training._factory import ModuleFactory, training_threads
from sklearn_ae.training._history import History
from sklearn_ae.training._mixture import DefensiveMixture
from sklearn_ae.training._model import Model
from sklearn_ae.training._module import AutoencoderModule
from sklearn_ae.training._net import AutoencoderNet, set_state_tensors, state_tensors
from sklearn_ae.training._seeds import Seeds
from sklearn_ae.training._selection import Fitted, Fitter, fit_specs
from sklearn_ae.training._threads import thread_count, torch_threads
from sklearn_ae.training._together import train_together
from sklearn_ae.training._training_range import TrainingRange

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
    "training_threads",
]
