"""The network of users that is averaged in where none is given."""

from __future__ import annotations

import math

from sklearn_ae.autoencoders import VariationalAutoencoder
from sklearn_ae.corruptions import MaskingNoise

# Steps of the network, and passes at least; what a batch holds of many users.
_STEPS, _EPOCHS, _BATCH = 560, 4, 500
_HIDDEN = 200
# Directions of users.
WIDTH = 64


def network_of_users(n_users: int, n_items: int) -> VariationalAutoencoder:
    """Return a variational autoencoder of items, as deep and trained as long as users allow.

    Parameters
    ----------
    n_users, n_items : int
        Shape of the table.
    """
    batch = min(_BATCH, max(32, n_users // 8))
    n_batches = math.ceil(n_users / batch)
    return VariationalAutoencoder(
        min(WIDTH, n_items),
        hidden_layer_sizes=(_HIDDEN,),
        activation="tanh",
        loss="multinomial",
        prior="normal",
        corruption=MaskingNoise(0.5),
        init="random",
        beta=0.2,
        warm_up=0.5,
        alpha=0.0,
        learning_rate_init=1e-3,
        early_stopping=False,
        batch_size=batch,
        max_iter=max(_EPOCHS, math.ceil(_STEPS / n_batches)),
    )
