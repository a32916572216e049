"""What finds outliers: the default networks and neighbours, or a user's autoencoders."""

from sklearn_ae.applications._outlier_detection._calibration import (
    Calibration,
    false_discoveries_held,
)
from sklearn_ae.applications._outlier_detection._clones import Clones
from sklearn_ae.applications._outlier_detection._encoding import Encoding
from sklearn_ae.applications._outlier_detection._ensemble import Ensemble, Mixture
from sklearn_ae.applications._outlier_detection._few_rows import FewRows
from sklearn_ae.applications._outlier_detection._nearest import Scale
from sklearn_ae.applications._outlier_detection._recipe import MIXTURES, Recipe

__all__ = [
    "MIXTURES",
    "Calibration",
    "Clones",
    "Encoding",
    "Ensemble",
    "FewRows",
    "Mixture",
    "Recipe",
    "Scale",
    "false_discoveries_held",
]
