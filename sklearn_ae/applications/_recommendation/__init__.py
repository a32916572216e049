"""What a recommender consists of: users as rows, items by items, choices, and rankings."""

from sklearn_ae.applications._recommendation._catalogue import Catalogue
from sklearn_ae.applications._recommendation._held_out import RANKED, HeldOutUsers
from sklearn_ae.applications._recommendation._items import (
    DenseItems,
    Items,
    LowRankItems,
    SingularVectors,
    solve_items,
)
from sklearn_ae.applications._recommendation._network import WIDTH, network_of_users
from sklearn_ae.applications._recommendation._ranking import (
    best,
    gains,
    hidden_part,
    mixed,
    standard,
)
from sklearn_ae.applications._recommendation._ratings import (
    ratings_matrix,
    split_by_time,
)
from sklearn_ae.applications._recommendation._users import Users, blocks, read_users, stored

__all__ = [
    "RANKED",
    "WIDTH",
    "Catalogue",
    "DenseItems",
    "HeldOutUsers",
    "Items",
    "LowRankItems",
    "SingularVectors",
    "Users",
    "best",
    "blocks",
    "gains",
    "hidden_part",
    "mixed",
    "network_of_users",
    "ratings_matrix",
    "read_users",
    "solve_items",
    "split_by_time",
    "standard",
    "stored",
]
