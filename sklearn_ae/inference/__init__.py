"""A network as it is used: codes, reconstructions, densities, and the basis of codes."""

from sklearn_ae.inference._canonical import align, canonicalize, mean_divergence, rebase
from sklearn_ae.inference._density import (
    DefensiveMixture,
    TreeBackground,
    draw_codes,
    log_density,
    sample,
)
from sklearn_ae.inference._factory import ModuleFactory
from sklearn_ae.inference._model import Model
from sklearn_ae.inference._module import (
    AutoencoderModule,
    parameters_of,
    set_state_tensors,
    state_tensors,
)
from sklearn_ae.inference._sampler import Sampler
from sklearn_ae.inference._sparse_passes import WIDE
from sklearn_ae.inference._training_range import TrainingRange

__all__ = [
    "WIDE",
    "AutoencoderModule",
    "DefensiveMixture",
    "Model",
    "ModuleFactory",
    "Sampler",
    "TrainingRange",
    "TreeBackground",
    "align",
    "canonicalize",
    "draw_codes",
    "log_density",
    "mean_divergence",
    "parameters_of",
    "rebase",
    "sample",
    "set_state_tensors",
    "state_tensors",
]
