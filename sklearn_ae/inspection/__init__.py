"""Why rows are strange: the cells that make them so, and pictures of them."""

from sklearn_ae.inspection._anomaly_display import AnomalyDisplay
from sklearn_ae.inspection._reasons import Replacements

__all__ = ["AnomalyDisplay", "Replacements"]
