"""Estimators for a task, with an autoencoder's parts inside."""

from sklearn_ae.applications._classifier import AutoencoderClassifier
from sklearn_ae.applications._domain_adaptation import DomainAdaptationTransformer
from sklearn_ae.applications._feature_selector import AutoencoderFeatureSelector
from sklearn_ae.applications._graph_adapted_classifier import GraphAdaptedClassifier
from sklearn_ae.applications._imputer import AutoencoderImputer
from sklearn_ae.applications._manifold_autoencoder import ManifoldAutoencoder
from sklearn_ae.applications._outlier_detector import AutoencoderOutlierDetector
from sklearn_ae.applications._recommendation import ratings_matrix, split_by_time
from sklearn_ae.applications._recommender import AutoencoderRecommender
from sklearn_ae.applications._regressor import AutoencoderRegressor
from sklearn_ae.applications._super_resolver import SuperResolver
from sklearn_ae.applications._time_series_detector import TimeSeriesOutlierDetector

__all__ = [
    "AutoencoderFeatureSelector",
    "AutoencoderImputer",
    "AutoencoderOutlierDetector",
    "AutoencoderRecommender",
    "DomainAdaptationTransformer",
    "GraphAdaptedClassifier",
    "AutoencoderClassifier",
    "AutoencoderRegressor",
    "ManifoldAutoencoder",
    "SuperResolver",
    "TimeSeriesOutlierDetector",
    "ratings_matrix",
    "split_by_time",
]
