"""From rows and a composition to a trained network."""

from sklearn_ae.training._canonical import canonicalize
from sklearn_ae.training._devices import available_device, resolve_device
from sklearn_ae.training._history import History
from sklearn_ae.training._model import Model, ModuleFactory
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._recipe import Composition, Recipe
from sklearn_ae.training._seeds import Seeds
from sklearn_ae.training._selection import Fitted, Fitter, make_net
from sklearn_ae.training._threads import thread_count, torch_threads

__all__ = [
    "AutoencoderNet",
    "Composition",
    "Fitted",
    "Fitter",
    "History",
    "Model",
    "ModuleFactory",
    "Recipe",
    "Seeds",
    "available_device",
    "canonicalize",
    "make_net",
    "resolve_device",
    "thread_count",
    "torch_threads",
]
