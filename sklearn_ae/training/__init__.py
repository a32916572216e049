"""From rows and a spec to a trained network."""

from sklearn_ae.training._assembly import make_net, training_threads
from sklearn_ae.training._config import TrainingConfig
from sklearn_ae.training._fit import fit_folds, fit_specs, fold_networks, splits, tuned_folds
from sklearn_ae.training._fitter import Fitted, Fitter, Selection
from sklearn_ae.training._history import History
from sklearn_ae.training._net import AutoencoderNet
from sklearn_ae.training._objective import adopt_terms, term_weights
from sklearn_ae.training._spec import ModelSpec
from sklearn_ae.training._weights import Snapshot
from sklearn_ae.training.callbacks import EXACT, FitProgress

__all__ = [
    "EXACT",
    "AutoencoderNet",
    "ModelSpec",
    "Fitted",
    "Fitter",
    "FitProgress",
    "Selection",
    "Snapshot",
    "adopt_terms",
    "fit_folds",
    "fold_networks",
    "History",
    "TrainingConfig",
    "fit_specs",
    "make_net",
    "splits",
    "term_weights",
    "training_threads",
    "tuned_folds",
]
