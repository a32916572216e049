"""From rows and a composition to a trained network."""

from sklearn_ae.training._assembly import make_net
from sklearn_ae.training._background import Background
from sklearn_ae.training._canonical import canonicalize, mean_divergence
from sklearn_ae.training._devices import available_device, resolve_device
from sklearn_ae.training._factory import ModuleFactory
from sklearn_ae.training._history import History
from sklearn_ae.training._lockstep import train_lanes
from sklearn_ae.training._model import Model
from sklearn_ae.training._module import AutoencoderModule
from sklearn_ae.training._net import AutoencoderNet, set_state_tensors, state_tensors
from sklearn_ae.training._recipe import Composition, Recipe
from sklearn_ae.training._seeds import Seeds
from sklearn_ae.training._selection import Fitted, Fitter, fit_compositions
from sklearn_ae.training._support import Support
from sklearn_ae.training._threads import thread_count, torch_threads

__all__ = [
    "AutoencoderModule",
    "AutoencoderNet",
    "Background",
    "Composition",
    "Fitted",
    "Fitter",
    "History",
    "Model",
    "ModuleFactory",
    "Recipe",
    "Seeds",
    "Support",
    "available_device",
    "canonicalize",
    "fit_compositions",
    "make_net",
    "mean_divergence",
    "resolve_device",
    "set_state_tensors",
    "state_tensors",
    "thread_count",
    "torch_threads",
    "train_lanes",
]
