"""Items for users, by a linear autoencoder in closed form and a variational one."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn import config_context
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sklearn_ae.applications._recommendation import (
    RANKED,
    WIDTH,
    Catalogue,
    HeldOutUsers,
    SingularVectors,
    Users,
    best,
    blocks,
    gains,
    hidden_part,
    mixed,
    network_of_users,
    read_users,
    solve_items,
    standard,
    stored,
)
from sklearn_ae.autoencoders import (
    BaseAutoencoder,
    StateMixin,
    checkpointed,
    in_kind,
)
from sklearn_ae.data import ArrayForm, as_numpy, check_accepted
from sklearn_ae.runtime import Seeds, named_in_errors
from sklearn_ae.sources._opening import refuse_source

# What "auto" looks among; the first pair is where there are too few users, or too many items.
_ALPHAS, _DROPOUTS = (200.0, 50.0, 800.0), (0.5, 0.25, 0.75)
_WEIGHTS = (0.0, 0.2, 0.4, 0.6)
# Items up to which several alphas and dropouts are solved for.
_FEW_ITEMS = 4_096
# Shares below it are as good as none.
_LEAST_SHARE = 1e-12


class AutoencoderRecommender(ClassNamePrefixFeaturesOutMixin, TransformerMixin, StateMixin):
    r"""Recommend items to users, unseen ones too, by what they have.

    Rows are users and columns are items. The closed form is a linear autoencoder of items,
    trained as if each item of a user were missing with probability `dropout`, in which no
    item speaks for itself; users with many items count less, by the number of their items to the
    power of -1/4. Beside it stands a variational autoencoder with a multinomial likelihood. The
    scores of both are standardised over the items of a user, and averaged with the weight that
    held-out users prefer: the network's may be 0.

    Parameters
    ----------
    estimator : autoencoder of this library, default=None
        What is averaged in, by its reconstructions. None stands for a variational autoencoder
        with 64 components and a hidden layer of 200.
    alpha : float or "auto", default="auto"
        Ridge of the closed form. "auto" takes what held-out users prefer of 50, 200 and 800.
    dropout : float in [0, 1) or "auto", default="auto"
        Probability by which items are missing. "auto" takes what held-out users prefer of .25, .5
        and .75.
    network_weight : float in [0, 1] or "auto", default="auto"
        Weight of the network in the mean. "auto" takes what held-out users prefer of 0, .2, .4 and
        .6. With 0, no network is trained.
    threshold : float, default=None
        Least rating with which an item is liked; lower ones say that the user has seen it. None
        takes what is stored as it is: implicit feedback, or weights of it.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto".
    random_state : int, RandomState or None, default=None
        Feeds every draw. None draws a seed from the operating system.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network; only if there is one. It has not seen held-out users.
    alpha_, dropout_, network_weight_ : float
        What was taken.
    validation_ndcg_ : dict of float to float or None
        Mean NDCG@100 of held-out users for each weight of the network that "auto" looked at;
        None without such users.
    popularity_ : ndarray of shape (n_features_in_,)
        Sum of each item over the training rows.
    item_embeddings_ : ndarray of shape (n_features_in_, n)
        What the last layer of the network's decoder has for each item, if it has one; without a
        network, the singular vectors.
    n_features_in_ : int
        Number of items.
    feature_names_in_ : ndarray of str
        Their names, if X is a frame.

    See Also
    --------
    ratings_matrix : From a long frame of ratings to rows of users.
    split_by_time : Hold out the last ratings of each user.

    Notes
    -----
    The matrix of items by items takes the square of their number, in float32 from 8,192 items on.
    Above 20,000 items it is not formed: 512 directions of the users' items, and a diagonal, stand
    for it. Alphas and dropouts are compared up to 4,096 items; beyond they are 200 and .5, which
    they are below 50 users as well, where the network has no weight.

    References
    ----------
    Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019. :arxiv:`1905.03375`

    Steck, Autoencoders that don't overfit towards the identity, NeurIPS 2020.

    Liang, Krishnan, Hoffman and Jebara, Variational autoencoders for collaborative filtering,
    WWW 2018. :arxiv:`1802.05814`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import AutoencoderRecommender
    >>> taste = np.repeat(np.kron(np.eye(2), np.ones(4)), 20, axis=0)
    >>> users = taste * (np.random.default_rng(0).random(taste.shape) < 0.7)
    >>> recommender = AutoencoderRecommender(network_weight=0, random_state=0).fit(users)
    >>> recommender.recommend([[1, 1, 1, 0, 0, 0, 0, 0]], k=1)
    array([[3]])
    """

    _parameter_constraints: dict = {
        "estimator": [BaseAutoencoder, None],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "dropout": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
        "network_weight": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "threshold": [Real, None],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }

    estimator_: BaseAutoencoder
    validation_ndcg_: dict[float, float] | None
    _directions: SingularVectors

    @named_in_errors
    def __init__(
        self,
        estimator: BaseAutoencoder | None = None,
        *,
        alpha: float | str = "auto",
        dropout: float | str = "auto",
        network_weight: float | str = "auto",
        threshold: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.dropout = dropout
        self.network_weight = network_weight
        self.threshold = threshold
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from what users have.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_users, n_items)
            Ratings or weights, 0 or not stored where a user did not take an item.
        y : ignored
            Here for scikit-learn's interface.

        Returns
        -------
        self : object
            The fitted recommender.

        Raises
        ------
        ValueError
            If X holds negative numbers and there is no `threshold`, if nobody has an item, or if a
            parameter is out of its domain. The recommender is then as it was before.
        """
        self._validate_params()
        before = self.__dict__.copy()
        try:
            refuse_source(self, X)
            check_accepted(X)
            with checkpointed(self, X=X), config_context(array_api_dispatch=False):
                self._fit(as_numpy(X))
            ArrayForm.of(X).mark(self.__dict__)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: ArrayLike) -> None:
        seeds = Seeds.of(self.random_state)
        users, _ = read_users(self, X, self.threshold, reset=True)
        if not users.nnz:
            way_out = (
                "give ratings above 0"
                if self.threshold is None
                else f"use a lower threshold than {self.threshold}"
            )
            raise ValueError(f"No user has an item that counts; {way_out}.")
        self._unit = float(users.data.mean())
        users.data /= self._unit
        self.popularity_ = np.asarray(users.sum(axis=0), dtype=np.float64) * self._unit
        users = users[np.diff(users.indptr) > 0]
        choices = "auto" in (self.alpha, self.dropout, self.network_weight)
        held_out = HeldOutUsers.drawn(users, seeds) if choices else None
        for name in ("estimator_", "validation_ndcg_", "_directions"):
            self.__dict__.pop(name, None)
        self.alpha_, self.dropout_ = self._regularization(users, held_out)
        self.network_weight_ = self._blend(users, held_out, seeds)
        self._items = solve_items(users, self.alpha_, self.dropout_, _integer(seeds, "items"))

    def _regularization(
        self, users: csr_array, held_out: HeldOutUsers | None
    ) -> tuple[float, float]:
        """Return alpha and dropout."""
        alphas = _ALPHAS if isinstance(self.alpha, str) else (float(self.alpha),)
        dropouts = _DROPOUTS if isinstance(self.dropout, str) else (float(self.dropout),)
        if held_out is None or users.shape[1] > _FEW_ITEMS:
            return alphas[0], dropouts[0]
        return held_out.regularization(alphas, dropouts)

    def _blend(self, users: csr_array, held_out: HeldOutUsers | None, seeds: Seeds) -> float:
        """Fit the network, and return its weight."""
        self.validation_ndcg_ = None
        if isinstance(self.network_weight, Real):
            if self.network_weight:
                self.estimator_ = self._network(users, seeds)
            else:
                seed = _integer(seeds, "directions")
                self._directions = SingularVectors.of(users, WIDTH, seed)
            return float(self.network_weight)
        if held_out is None:
            self.estimator_ = self._network(users, seeds)
            return 0.0
        self._items = solve_items(held_out.others, self.alpha_, self.dropout_)
        self.estimator_ = self._network(held_out.others, seeds)
        means = held_out.gains_by_weight(self._standard_parts, _WEIGHTS)
        self.validation_ndcg_ = means
        return max(means, key=lambda weight: means[weight])

    def _network(self, users: csr_array, seeds: Seeds) -> BaseAutoencoder:
        """Fit the network to some users."""
        given = self.estimator
        network = network_of_users(*users.shape) if given is None else clone(given)
        network.set_params(device=self.device, random_state=_integer(seeds, "network"))
        return network.fit(csr_matrix(users))

    @in_kind
    def predict_scores(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return scores of all items, those that users have included.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_users, n_items)
            What users have; they need not be of the training rows.

        Returns
        -------
        scores : ndarray of shape (n_users, n_items), float64
            In standard units of each user; higher is better. Users without an item have the
            popularity of the items, and items that nobody had are last.
        """
        check_is_fitted(self)
        users, _ = self._read(X)
        return np.concatenate([self._scores(users[part]) for part in blocks(users)])

    @in_kind
    def recommend(
        self,
        X: ArrayLike,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        items: ArrayLike | None = None,
    ) -> NDArray[Any]:
        """Return the best items of each user.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_users, n_items)
            What users have; they need not be of the training rows.
        k : int, default=10
            How many.
        exclude_seen : bool, default=True
            Leave out what is stored for the user, liked or not.
        items : array-like of int or str, default=None
            Columns, or names, that are to choose from. None means all.

        Returns
        -------
        items : ndarray of shape (n_users, k)
            Columns, or names where items have them, the best first; -1 or None where a user has
            fewer.

        Raises
        ------
        ValueError
            If k is no positive whole number, or `items` holds one that is not known.
        """
        check_is_fitted(self)
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise ValueError(f"k={k!r} must be a whole number of at least 1; use k=10, say.")
        allowed = None if items is None else self._catalogue.mask(items)
        users, seen = self._read(X)
        found = []
        for part in blocks(users):
            scores = self._scores(users[part])
            if exclude_seen:
                scores[stored(seen[part])] = -np.inf
            if allowed is not None:
                scores[:, ~allowed] = -np.inf
            found.append(best(scores, int(k)))
        return self._catalogue.named(np.concatenate(found))

    @in_kind
    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return users' codes, by the network or else by singular vectors.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_users, n_items)
            What users have.

        Returns
        -------
        codes : ndarray of shape (n_users, n_components)
        """
        check_is_fitted(self)
        users, _ = self._read(X)
        if not hasattr(self, "estimator_"):
            return self._directions.codes(users)
        return as_numpy(self.estimator_.transform(csr_matrix(users)))

    def similar_items(self, items: ArrayLike, k: int = 10) -> NDArray[Any]:
        """Return the items that go with each of some, by partial correlation.

        Parameters
        ----------
        items : array-like of int or str of shape (n,), or one of them
            Columns, or names.
        k : int, default=10
            How many.

        Returns
        -------
        similar : ndarray of shape (n, k)
            Columns, or names where items have them, the most similar first; -1 or None where there
            are fewer, and of items that nobody had.
        """
        check_is_fitted(self)
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise ValueError(f"k={k!r} must be a whole number of at least 1; use k=10, say.")
        chosen = self._catalogue.columns(items)
        if not chosen:
            raise ValueError(f"items={items!r:.60} holds none; give an item at least.")
        scores = np.stack([self._items.similarities(item) for item in chosen])
        scores[np.arange(len(chosen)), chosen] = -np.inf
        scores[as_numpy(self.popularity_)[chosen] == 0] = -np.inf
        return self._catalogue.named(best(scores, int(k)))

    def explain(
        self, X: ArrayLike, items: ArrayLike | None = None, n_reasons: int = 3
    ) -> pd.DataFrame:
        """Return which of a user's items spoke for one, by the closed form.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_users, n_items)
            What users have.
        items : array-like of int or str of shape (n_users,), default=None
            An item of each user. None means the first that is recommended.
        n_reasons : int, default=3
            How many at most.

        Returns
        -------
        reasons : DataFrame
            `row`, `item`, `reason`, an item that the user has, and `share` of it in all that speaks
            for the item. The shares of those that speak for it sum to 1.
        """
        check_is_fitted(self)
        if not isinstance(n_reasons, Integral) or isinstance(n_reasons, bool) or n_reasons < 1:
            raise ValueError(
                f"n_reasons={n_reasons!r} must be a whole number of at least 1; use 3, say."
            )
        users, _ = self._read(X)
        given = self.recommend(as_numpy(X), 1)[:, 0] if items is None else np.asarray(items)
        if given.shape != (users.shape[0],):
            raise ValueError(
                f"items has shape {given.shape}, but X has {users.shape[0]} rows; give an item for "
                "each."
            )
        rows = []
        for row, item in enumerate(given.tolist()):
            if item is None or item == -1:
                continue
            own = users[[row]]
            weights = self._items.weights_to(self._catalogue.column(item))[own.indices] * own.data
            speaks = np.maximum(weights, 0.0)
            for i in np.argsort(-speaks, kind="stable")[:n_reasons]:
                if speaks[i] > 0:
                    reason = self._catalogue.named(own.indices[i : i + 1])[0]
                    rows.append((row, item, reason, speaks[i] / speaks.sum()))
        return pd.DataFrame(rows, columns=["row", "item", "reason", "share"])

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return the mean NDCG@100 of items that are not shown.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_users, n_items)
            What users have.
        y : array-like or sparse matrix of shape (n_users, n_items), default=None
            What is to be found. None hides a fifth of the items of each user in X, drawn by
            `random_state`, and so do labels of one dimension, which are somebody else's.

        Returns
        -------
        ndcg : float
            Normalised discounted cumulative gain, in [0, 1], of users with something to find.
        """
        check_is_fitted(self)
        users, seen = self._read(X)
        y = as_numpy(y)
        if y is None or np.ndim(y) == 1:
            if y is not None:
                check_consistent_length(users, y)
            shown, wanted = hidden_part(users, Seeds.of(self._score_seed).numpy("score"))
        else:
            shown, wanted = users, self._read(y).liked
        if wanted.shape != users.shape:
            raise ValueError(
                f"y has shape {wanted.shape}, but X has {users.shape}; give the items of each user."
            )
        found = []
        for part in blocks(users):
            scores = self._scores(shown[part])
            own = scores[stored(wanted[part])]
            scores[stored(seen[part])] = -np.inf
            if shown is not users:
                scores[stored(wanted[part])] = own
            found.append(gains(best(scores, RANKED), wanted[part]))
        every = np.concatenate(found)
        if np.isnan(every).all():
            raise ValueError(
                "No user has an item to find; give y, or users with two items at least."
            )
        return float(np.nanmean(every))

    @property
    def item_embeddings_(self) -> NDArray[np.float64]:
        """What the last layer of the network's decoder has for each item."""
        if not hasattr(self, "estimator_"):
            return self._directions.vectors
        weight = list(self.estimator_.net_.module_.decoder.parameters())
        found = [w for w in weight if w.ndim == 2 and w.shape[0] == self.n_features_in_]
        if not found:
            raise AttributeError("The decoder has no layer with a row for each item.")
        return found[-1].detach().cpu().double().numpy()

    @property
    def _n_features_out(self) -> int:
        own = hasattr(self, "estimator_")
        return self.estimator_.n_components_ if own else self._directions.vectors.shape[1]

    @property
    def _score_seed(self) -> int:
        # A score is the same each time, also where `random_state` is None or moves on.
        return self.random_state if isinstance(self.random_state, Integral) else 0

    def _read(self, X: ArrayLike) -> Users:
        """Return what users like, 1 in the mean of the training rows, and all that is stored."""
        users = read_users(self, X, self.threshold)
        users.liked.data /= self._unit
        return users

    def _scores(self, users: csr_array) -> NDArray[np.float64]:
        scores = mixed(*self._standard_parts(users), self.network_weight_)
        empty = np.diff(users.indptr) == 0
        popularity = as_numpy(self.popularity_)
        scores[empty] = standard(popularity[None])
        never = popularity == 0
        if never.any() and not never.all():
            scores[:, never] = scores[:, ~never].min(axis=1, keepdims=True) - 1.0
        return scores

    def _standard_parts(self, users: csr_array) -> tuple[NDArray, NDArray | None]:
        """Return scores of the closed form and of the network, in standard units."""
        linear = standard(self._items.scores(users))
        if not hasattr(self, "estimator_"):
            return linear, None
        rebuilt = as_numpy(self.estimator_.reconstruct(csr_matrix(users)))
        rebuilt = rebuilt.toarray() if issparse(rebuilt) else rebuilt.astype(np.float64)
        if self.estimator is None:
            rebuilt = np.log(np.maximum(rebuilt, _LEAST_SHARE))
        return linear, standard(rebuilt)

    @property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self.n_features_in_, getattr(self, "feature_names_in_", None))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_items")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = self.threshold is None
        return tags


def _integer(seeds: Seeds, stream: str) -> int:
    return int(seeds.numpy(stream).integers(2**31))
