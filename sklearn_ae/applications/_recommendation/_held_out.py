"""What users that are held out prefer: a ridge, a dropout, and the weight of a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sklearn_ae.applications._recommendation._items import solve_items
from sklearn_ae.applications._recommendation._ranking import best, gains, hidden_part, mixed
from sklearn_ae.applications._recommendation._users import blocks, stored
from sklearn_ae.runtime import Seeds

# Items that the gain is of.
RANKED = 100
# Users that are held out: this share, but no more, and none where they are few.
_HELD_OUT, _MOST_HELD_OUT, _FEW_USERS = 0.1, 2_000, 50
# Times that items of held-out users are hidden.
_N_HIDDEN = 3


class HeldOutUsers:
    """Users that choices go by, of each of whom a fifth of the items is to be found.

    Parameters
    ----------
    users : csr_array of shape (n_users, n_items)
        All users.
    index : ndarray of int
        Which are held out.
    seeds : Seeds
        Feeds what is hidden.
    """

    def __init__(self, users: csr_array, index: NDArray[np.intp], seeds: Seeds) -> None:
        self.users = users
        self.index = index
        self.seeds = seeds

    @classmethod
    def drawn(cls, users: csr_array, seeds: Seeds) -> Self | None:
        """Draw some users with several items, None where they are few."""
        several = np.flatnonzero(np.diff(users.indptr) > 1)
        if len(several) < _FEW_USERS:
            return None
        n = min(_MOST_HELD_OUT, math.ceil(_HELD_OUT * len(several)))
        return cls(users, np.sort(seeds.numpy("held out").permutation(several)[:n]), seeds)

    @cached_property
    def others(self) -> csr_array:
        """Users that are not held out."""
        return self.users[np.setdiff1d(np.arange(self.users.shape[0]), self.index)]

    @property
    def _trials(self) -> list[tuple[csr_array, csr_array]]:
        """What held-out users have left, and what was hidden, several times."""
        rng = self.seeds.numpy("hidden")
        return [hidden_part(self.users[self.index], rng) for _ in range(_N_HIDDEN)]

    def regularization(
        self, alphas: Sequence[float], dropouts: Sequence[float]
    ) -> tuple[float, float]:
        """Return the best alpha with the first dropout, and the best dropout with that."""
        trials = self._trials
        found: dict[tuple[float, float], float] = {}

        def gain(alpha: float, dropout: float) -> float:
            if (alpha, dropout) not in found:
                items = solve_items(self.others, alpha, dropout)
                means = [
                    np.nanmean(_gains(items.scores(seen), seen, wanted)) for seen, wanted in trials
                ]
                found[alpha, dropout] = float(np.mean(means))
            return found[alpha, dropout]

        alpha = max(alphas, key=lambda value: gain(value, dropouts[0]))
        return alpha, max(dropouts, key=lambda value: gain(alpha, value))

    def gains_by_weight(
        self,
        parts: Callable[[csr_array], tuple[NDArray, NDArray | None]],
        weights: Sequence[float],
    ) -> dict[float, float]:
        """Return the mean gain for each weight of a network.

        Parameters
        ----------
        parts : callable
            Scores of the closed form and of the network, in standard units, of users.
        weights : sequence of float
            Weights of the network.
        """
        found: dict[float, list[NDArray]] = {weight: [] for weight in weights}
        for seen, wanted in self._trials:
            for part in blocks(seen):
                linear, network = parts(seen[part])
                for weight in weights:
                    scores = mixed(linear, network, weight)
                    found[weight].append(_gains(scores, seen[part], wanted[part]))
        return {weight: float(np.nanmean(np.concatenate(g))) for weight, g in found.items()}


def _gains(scores: NDArray, seen: csr_array, wanted: csr_array) -> NDArray[np.float64]:
    scores = scores.copy()
    scores[stored(seen)] = -np.inf
    return gains(best(scores, RANKED), wanted)
