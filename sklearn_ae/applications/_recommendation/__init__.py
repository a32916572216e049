"""What a recommender consists of: items by items in closed form, rankings, ratings as rows."""

from sklearn_ae.applications._recommendation._items import (
    DenseItems,
    Items,
    LowRankItems,
    SingularVectors,
    solve_items,
)
from sklearn_ae.applications._recommendation._ranking import best, gains, hidden_part
from sklearn_ae.applications._recommendation._ratings import (
    ratings_matrix,
    split_by_time,
)

__all__ = [
    "DenseItems",
    "Items",
    "LowRankItems",
    "SingularVectors",
    "best",
    "gains",
    "hidden_part",
    "ratings_matrix",
    "solve_items",
    "split_by_time",
]
