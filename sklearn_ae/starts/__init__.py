"""Starts: closed-form linear answers that networks begin from."""

from sklearn_ae.starts._base import (
    WIDEST,
    LinearStart,
    Start,
    fit_scalings,
    standardized_columns,
)
from sklearn_ae.starts._bicubic import BicubicStart
from sklearn_ae.starts._chow_liu import TreeMixture, fit_trees, stacked_shares
from sklearn_ae.starts._coral import Coral
from sklearn_ae.starts._graph import NeighbourGraph, RangeScaling
from sklearn_ae.starts._neighbour_index import NeighbourIndex
from sklearn_ae.starts._pca import PCAStart
from sklearn_ae.starts._ppca import PPCAStart
from sklearn_ae.starts._ridge import RidgeStart
from sklearn_ae.starts._sigmoid import SigmoidStart

__all__ = [
    "WIDEST",
    "BicubicStart",
    "Coral",
    "LinearStart",
    "NeighbourGraph",
    "NeighbourIndex",
    "PCAStart",
    "PPCAStart",
    "RangeScaling",
    "RidgeStart",
    "SigmoidStart",
    "Start",
    "TreeMixture",
    "fit_scalings",
    "fit_trees",
    "stacked_shares",
    "standardized_columns",
]
