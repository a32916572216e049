"""What finds outliers: the default networks and neighbours, or a user's autoencoders."""

from sklearn_ae.applications._outlier_detection._calibration import (
    Calibration,
    false_discoveries_held,
)
from sklearn_ae.applications._outlier_detection._clones import Clones
from sklearn_ae.applications._outlier_detection._recipe import Recipe

__all__ = ["Calibration", "Clones", "Recipe", "false_discoveries_held"]
