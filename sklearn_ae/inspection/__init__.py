"""Why rows are strange, how real synthetic rows look, and pictures of both."""

from sklearn_ae.inspection._anomaly_display import AnomalyDisplay
from sklearn_ae.inspection._reasons import Replacements
from sklearn_ae.inspection._synthetic_report import SyntheticReport

__all__ = ["AnomalyDisplay", "Replacements", "SyntheticReport"]
