"""Selection of columns from which the others can be rebuilt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.feature_selection import SelectorMixin
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.applications._imputation import StandardTable
from sklearn_ae.applications._selection import (
    DecoderSelection,
    Rebuilder,
    Sample,
    choose,
    columns_of,
    read_groups,
)
from sklearn_ae.applications._table_input import check_table
from sklearn_ae.autoencoders import (
    BaseAutoencoder,
    DenoisingAutoencoder,
    StateMixin,
    checkpointed,
    in_kind,
)
from sklearn_ae.data import (
    ArrayForm,
    Container,
    Series,
    as_numpy,
    check_accepted,
    read_table,
    within_range,
)
from sklearn_ae.runtime import Seeds, named_in_errors, resolve_device, torch_defaults, torch_threads
from sklearn_ae.sources._opening import refuse_source

# Different rows below which no network is trained.
_FEWEST_ROWS = 100


class AutoencoderFeatureSelector(SelectorMixin, StateMixin):
    """Keep the columns from which a non-linear decoder rebuilds all columns best.

    The start is linear column subset selection: columns S are taken one by one, each the one by
    which the residual

        || X - X_S (X_S' X_S)⁻¹ X_S' X ||²

    falls most, of columns in standard units. Beside it stands a non-linear selection, also one
    by one, and then each exchanged once for a better one: a set is scored by the leave-one-out
    error of the ridge regression of all columns on the kept ones, on their squares and on 80
    random cosines of them. Both are repeated without rows that are held out in turn; the
    non-linear one is kept if it rebuilds these better by more than one standard error, or two
    below 1,000 rows.

    `inverse_transform` rebuilds the columns that were dropped.

    Parameters
    ----------
    n_features_to_select : int or float, default=None
        How many columns to keep; of `groups`, how many groups. A float in (0, 1) keeps as many
        as the linear selection needs to explain that share of the variance. None keeps half.
    estimator : autoencoder of this library or "ridge", default=None
        What is compared with the ridge regression to rebuild columns. It is fitted to rows as
        the regression rebuilds them, in standard units, with the true ones as `X_clean`, from 100
        rows on. None takes a :class:`DenoisingAutoencoder`; "ridge" trains nothing. It has no say
        in which columns are kept.
    groups : list of lists of int or str, default=None
        Columns that are kept or dropped together, by positions or names. A column in none is a
        group of its own.
    categorical_features : "from_dtype", array-like of bool, int or str, or None, \
default="from_dtype"
        Which columns are categorical: by the data frame's dtypes, by a mask, positions or names, or
        none. Columns of text and of categories have to be among them.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto"; handed to `estimator`. Columns are chosen on the
        CPU.
    random_state : int, RandomState or None, default=None
        Feeds every draw, those of `estimator` too. None draws a seed from the operating
        system.

    Attributes
    ----------
    n_features_ : int
        Number of columns that are kept.
    ranking_ : ndarray of shape (n_features,), int
        1 for the column that was kept first, and so on; then those that were dropped, in the
        order in which linear selection would add them. Columns of a group share a rank.
    feature_importances_ : ndarray of shape (n_features,)
        Share of the variance of all columns that each kept column explains beyond those that
        rank before it; 0 for the others. Columns of a group have equal parts of theirs.
    selection_ : ColumnSelection
        Which selection was `kept`, "linear" or "nonlinear", and the shares of the variance of
        held-out rows that are left by both, `linear_loss` and `nonlinear_loss`; None if nothing
        was held out.
    decoder_selection_ : DecoderSelection
        Which decoder was `kept`, "ridge" or "network", and the shares of the variance of held-out
        rows that are left by both, `ridge_loss` and `network_loss`. Below 20 different rows it is
        "mean", that of a normal distribution given the kept columns.
    estimator_ : estimator or None
        The fitted clone of `estimator`, if it was kept.
    device_ : str
        Where its network is, such as "cpu" or "cuda:0"; "cpu" without one.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    Autoencoder : Codes that mix all columns.
    sklearn.feature_selection.SelectKBest : Columns that go with labels.

    Notes
    -----
    A column counts by its variance, which is 1 for each; a category is one column, whatever the
    number of its levels. Constant columns are kept last. Columns are chosen by 20,000 rows at
    most, drawn at random, and sets of columns are scored by 1,500 of them; rows that are equal
    are one with the sum of their weights. At each step the 16 columns of which functions explain
    most of what is left are scored. Beyond 32, columns are added linearly. Below 20 different
    rows the selection is linear.

    References
    ----------
    Farahat, Ghodsi and Kamel, Efficient greedy feature selection for unsupervised learning,
    Knowledge and Information Systems 2013. :doi:`10.1007/s10115-012-0538-1`

    Rahimi and Recht, Random features for large-scale kernel machines, NeurIPS 2007.

    Balın, Abid and Zou, Concrete autoencoders: differentiable feature selection and
    reconstruction, ICML 2019. :arxiv:`1901.09346`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ae import AutoencoderFeatureSelector
    >>> t = np.random.default_rng(0).uniform(-2, 2, 300)
    >>> X = np.column_stack([t**2, t, np.cos(t), np.abs(t)])
    >>> selector = AutoencoderFeatureSelector(1, estimator="ridge", random_state=0).fit(X)
    >>> selector.get_support()
    array([False,  True, False, False])
    >>> selector.selection_.kept
    'nonlinear'
    >>> rebuilt = selector.inverse_transform([[1.5]])
    >>> bool(np.abs(rebuilt - [[1.5**2, 1.5, np.cos(1.5), 1.5]]).max() < 0.2)
    True
    """

    _parameter_constraints: dict = {
        "n_features_to_select": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "estimator": [BaseAutoencoder, StrOptions({"ridge"}), None],
        "groups": [list, tuple, None],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }
    _table: StandardTable
    _rebuilder: Rebuilder

    @named_in_errors
    def __init__(
        self,
        n_features_to_select: int | float | None = None,
        *,
        estimator: BaseAutoencoder | str | None = None,
        groups: Sequence[Sequence[int | str]] | None = None,
        categorical_features: ArrayLike | str | None = "from_dtype",
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.n_features_to_select = n_features_to_select
        self.estimator = estimator
        self.groups = groups
        self.categorical_features = categorical_features
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None) -> Self:
        """Choose columns, and learn to rebuild the others.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows with or without missing values. Columns of a frame may be numbers, dates, text,
            categories and booleans.
        y : ignored
            Here for scikit-learn's interface.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. A row of weight two is two rows.

        Returns
        -------
        self : object
            The fitted selector.

        Raises
        ------
        ValueError
            If the rows, the weights or a parameter are out of their domain. The selector is then
            as it was before.
        """
        self._validate_params()
        refuse_source(self, X)
        before = self.__dict__.copy()
        try:
            given = {"X": X, "sample_weight": sample_weight}
            with checkpointed(self, **given), torch_threads(1), torch_defaults():
                self._fit(as_numpy(X), as_numpy(sample_weight))
                ArrayForm.of(X).mark(self.__dict__)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: ArrayLike, sample_weight: ArrayLike | None) -> None:
        device = resolve_device(self.device)
        X = check_table(self, X, reset=True)
        weight = np.ones(_num_samples(X))
        if sample_weight is not None:
            weight = within_range(check_sample_weight(sample_weight, weight[:, None]))
        container = Container.of(X)
        names = container.columns or list(range(self.n_features_in_))
        groups = read_groups(self.groups, names)
        n_groups = self._n_groups(len(groups))
        table = StandardTable(np.nan).fit(X, weight, self.categorical_features)
        _, Z, _ = table.read(X)
        seeds = Seeds.of(self.random_state)
        kept = weight > 0
        sample, gaussian = Sample.of(Z[kept], weight[kept], seeds.numpy("rows"))
        spans = _spans(table)
        units = [np.concatenate([spans[j] for j in group]) for group in groups]
        sizes = np.array([sum(len(spans[j]) > 0 for j in group) for group in groups])
        choice = choose(sample, gaussian.covariance, units, sizes, n_groups, seeds)
        chosen = choice.order[: len(choice.gains)]

        self.ranking_ = np.empty(self.n_features_in_, dtype=np.int64)
        self.feature_importances_ = np.zeros(self.n_features_in_)
        for rank, unit in enumerate(choice.order):
            self.ranking_[groups[unit]] = rank + 1
        for unit, gain in zip(chosen, choice.gains, strict=True):
            self.feature_importances_[groups[unit]] = gain / len(groups[unit])
        self.n_features_ = int(sum(len(groups[unit]) for unit in chosen))
        self._n_ranks = len(chosen)
        self.selection_ = choice.selection

        columns = columns_of(units, chosen)
        basis = None if choice.scores is None else choice.scores.basis(chosen)
        rebuilder = Rebuilder(columns, gaussian, sample, basis)
        dropped = len(columns) < Z.shape[1]
        if basis is not None and dropped and sample.n_rows >= _FEWEST_ROWS:
            network = self._network(device, seeds)
            if network is not None:
                rebuilder.compare(network, sample, basis, seeds.numpy("network"))
        self._table, self._container, self._rebuilder = table, container, rebuilder

    def _n_groups(self, n_groups: int) -> int | float:
        """Return how many groups to keep, or the share of the variance to explain."""
        asked = self.n_features_to_select
        if asked is None:
            return max(1, n_groups // 2)
        if isinstance(asked, Integral) and asked > n_groups:
            what = "features" if self.groups is None else "groups"
            raise ValueError(
                f"n_features_to_select={asked!r} exceeds the {n_groups} {what} of X; use "
                f"n_features_to_select <= {n_groups}."
            )
        return int(asked) if isinstance(asked, Integral) else float(asked)

    def _network(self, device: str, seeds: Seeds) -> BaseAutoencoder | None:
        if isinstance(self.estimator, str):
            return None
        own = DenoisingAutoencoder() if self.estimator is None else clone(self.estimator)
        return own.set_params(device=device, random_state=int(seeds.entropy % (2**31)))

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        return as_numpy(self.ranking_) <= self._n_ranks

    @in_kind
    def transform(self, X: ArrayLike) -> Any:
        """Return the columns that are kept, as they are.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows with or without missing values.

        Returns
        -------
        X_kept : ndarray or data frame of shape (n_samples, n_features_)
            The kept columns, in the order of X. If `fit` saw a frame, one comes back as it came.
        """
        check_is_fitted(self)
        X = check_table(self, X, reset=False, dtype=None)
        kept = self.get_support(indices=True)
        if isinstance(X, np.ndarray):
            return X[:, kept]
        if isinstance(X, pd.DataFrame):
            return X.iloc[:, kept]
        frame = nw.from_native(X, eager_only=True)
        return frame.select([frame.columns[j] for j in kept]).to_native()

    @in_kind
    def inverse_transform(self, X: ArrayLike) -> Any:
        """Rebuild all columns from those that are kept.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features_)
            What `transform` returned. A missing cell counts as its mean given the others.

        Returns
        -------
        X_rebuilt : ndarray or data frame of shape (n_samples, n_features)
            Rows in the container that `fit` saw. Kept columns are as in X, and the others
            rebuilt, in the range that `fit` saw, with its levels and whole numbers.
        """
        check_is_fitted(self)
        columns = self._read_kept(X)
        kept = self.get_support(indices=True)
        features = self._table.features
        Z = np.hstack([features[j].standard(s) for j, s in zip(kept, columns, strict=True)])
        with torch_threads(1):
            rebuilt = self._rebuilder.rebuild(Z)
        spans = _spans(self._table)
        codes = [f.restore(rebuilt[:, span]) for f, span in zip(features, spans, strict=True)]
        native = dict(zip(kept, columns, strict=True))
        if self._container.backend is None:
            cells = [
                native[j].numbers() if j in native else np.asarray(f.column.values(c), float)
                for j, (f, c) in enumerate(zip(features, codes, strict=True))
            ]
            single = getattr(X, "dtype", None) == np.float32
            return np.column_stack(cells).astype(np.float32 if single else np.float64)
        index = X.index if isinstance(X, pd.DataFrame) else None
        same = Container.of(X).backend == self._container.backend
        return self._container.join(
            [
                native[j].native
                if j in native and same
                else f.column.decode(f.column.encode(native[j]) if j in native else c, index)
                for j, (f, c) in enumerate(zip(features, codes, strict=True))
            ]
        )

    def _read_kept(self, X: ArrayLike) -> list[Series]:
        """Return the columns of rows that `transform` has returned."""
        check_accepted(X)
        own = Container.of(X)
        columns = read_table(X)
        if len(columns) != self.n_features_:
            raise ValueError(
                f"X has {len(columns)} columns, but {self.n_features_} are kept; pass what "
                "transform returned."
            )
        if own.backend and self._container.backend:
            expected = [self._container.columns[j] for j in self.get_support(indices=True)]
            if own.columns != expected:
                raise ValueError(
                    f"X has the columns {own.columns[:5]}, but {expected[:5]} are kept; pass what "
                    "transform returned."
                )
        return columns

    @property
    def decoder_selection_(self) -> DecoderSelection:
        """Which decoder was kept, and by which losses."""
        return self._rebuilder.selection

    @property
    def estimator_(self) -> BaseAutoencoder | None:
        """The fitted clone of `estimator`, if it was kept."""
        return self._rebuilder.network

    @property
    def device_(self) -> str:
        """Where the network is: that of `fit`, or the CPU if loaded where that one is not."""
        return "cpu" if self.estimator_ is None else self.estimator_.device_

    def __sklearn_is_fitted__(self) -> bool:
        return "_rebuilder" in self.__dict__

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _spans(table: StandardTable) -> list[NDArray[np.intp]]:
    """Return the columns of the matrix that belong to each feature, none for constants."""
    ends = np.cumsum([feature.width for feature in table.features])
    return [np.arange(e - f.width, e) for f, e in zip(table.features, ends, strict=True)]
