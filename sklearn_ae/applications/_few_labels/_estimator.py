"""What the classifier and the regressor of few labels share."""

from __future__ import annotations

import os
from copy import deepcopy
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_ae._compat import check_sample_weight
from sklearn_ae.applications._few_labels._average import Average
from sklearn_ae.applications._few_labels._candidates import (
    Candidate,
    GraphHead,
    Known,
    LinearHead,
    Prior,
    Sight,
    TreesHead,
)
from sklearn_ae.applications._few_labels._distilled import Distilled
from sklearn_ae.applications._few_labels._label_term import LabelPenalty
from sklearn_ae.applications._few_labels._labels import Outputs
from sklearn_ae.applications._few_labels._tasks import Task
from sklearn_ae.applications._few_labels._views import Views
from sklearn_ae.autoencoders import (
    Autoencoder,
    BaseAutoencoder,
    Reader,
    StateMixin,
    checkpointed,
    in_kind,
)
from sklearn_ae.data import (
    FEW_ROWS,
    ArrayForm,
    Rows,
    as_numpy,
    check_accepted,
    rows_as_numpy,
    within_range,
)
from sklearn_ae.runtime import Seeds, torch_defaults, torch_threads
from sklearn_ae.sources._opening import refuse_source

# The autoencoder that is held by default.
_DEFAULT: dict[str, Any] = {"hidden_layer_sizes": (64,), "max_iter": 8}
# Rows in a graph, and rows with a label that candidates are compared on, at most.
_GRAPH_ROWS = 10_000
_COMPARED = 10_000
# Parts that are held out in turn: of few labels, and of many.
_FOLDS, _FEWER_FOLDS, _MANY = 5, 3, 1_000
# How far labels spread.
_ALPHAS = (0.95, 0.99)
# Views of linear heads with their odds: what units and outliers do not matter to comes first.
_LINEAR = {"codes": 1.0, "normal": 8.0}
# Labels from which trees are a candidate, and classes times columns up to which they are.
_TREES_FROM, _TREES_UP_TO = 200, 300
MODES = ("auto", "frozen", "graph", "joint", "fine-tuned")

_LEARNED = (
    "_held",
    "_views",
    "_averages",
    "_heads",
    "_flat",
    "_units",
    "_namespace",
    "classes_",
    "n_features_in_",
    "feature_names_in_",
)


class FewLabels(ClassNamePrefixFeaturesOutMixin, TransformerMixin, StateMixin):
    """Fits an autoencoder to all rows and heads to those that have a label."""

    estimator: BaseAutoencoder | FrozenEstimator | None
    mode: str
    _read_labels: ClassVar[staticmethod[[Any, int, NDArray | None], Outputs]]
    n_neighbors: int
    distill: bool
    label_weight: float
    checkpoint: str | os.PathLike[str] | None
    device: str
    random_state: int | None

    def fit(
        self, X: ArrayLike, y: ArrayLike | None = None, *, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Fit an autoencoder to all rows, and heads to those with a label.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows, as the autoencoder takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of some rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights. Rows of weight zero are left out.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If no row has a label, or if the rows, the labels or a parameter are out of their
            domain. The estimator is then as it was before.
        """
        self._validate_params()
        given = {"X": X, "y": y, "sample_weight": sample_weight}
        with checkpointed(self, **given), torch_threads(1), torch_defaults():
            learned = self._learn(X, y, sample_weight)
        ArrayForm.of(X).mark(learned)
        for name in _LEARNED:
            self.__dict__.pop(name, None)
        self.__dict__.update(learned)
        return self

    def _learn(self, X: Any, y: Any, sample_weight: Any) -> dict[str, Any]:
        """Return the attributes that are learned."""
        seeds = Seeds(Seeds.of(self.random_state).entropy)
        if y is None:
            self._read_labels(None, 0, None)
        held, fitted = self._autoencoder(seeds)
        refuse_source(self, X)
        check_accepted(X)
        rows = rows_as_numpy(X)
        if fitted:
            values, _ = held._read(rows, None)
        else:
            values = Reader(held, rows).values(held, rows, reset=True)
        n = len(values)
        weight = np.ones(n)
        if sample_weight is not None:
            weight = within_range(check_sample_weight(as_numpy(sample_weight), np.empty((n, 1))))
        outputs = self._read_labels(y, n, weight > 0)
        few = n < 1_000 and Rows(values).n_distinct < FEW_ROWS
        tasks = [outputs.task(j, few) for j in range(outputs.values.shape[1])]
        targets = [outputs.target(j) for j in range(len(tasks))]
        self._train(held, fitted, rows, targets, sample_weight, weight)
        balance = getattr(self, "class_weight", None)
        known = [
            self._known(target, weight * outputs.factors(j, balance), few, seeds)
            for j, target in enumerate(targets)
        ]
        order, n_graph = _graph_rows(known, weight, seeds)
        seed = int(seeds.numpy("views").integers(2**31))
        values, _ = held._read(rows, None)
        views = Views(held, values, order[:n_graph], weight[order[:n_graph]], seed)
        place = np.empty(n, dtype=np.intp)
        place[order] = np.arange(n)
        averages, heads = [], []
        wanted = [
            self._candidates(task, k, views, few) for task, k in zip(tasks, known, strict=True)
        ]
        names = {c.view for candidates in wanted for c in candidates} - {""}
        seen = views(values, (names | {"codes", "range"}) & {*views.names, "cells"} - {"normal"})
        seen = {name: part[order] for name, part in seen.items()}
        if "normal" in names:  # heads on it look at rows with a label alone
            some = np.unique(np.concatenate([part.rows for part in known]))
            part = views(values[some], {"normal"})["normal"]
            seen["normal"] = np.zeros((n, part.shape[1]))
            seen["normal"][place[some]] = part
        sight = Sight(seen, n_graph, self.n_neighbors, seed)
        for j, (task, candidates) in enumerate(zip(tasks, wanted, strict=True)):
            here = known[j]._replace(rows=place[known[j].rows])
            average = Average(task, candidates).fit(sight, here)
            averages.append(average.table)
            head: Average | Distilled = average
            if self.distill:
                view = "range" if "range" in seen else "codes"
                few_rows = views(values[order[:n_graph]], {view, *average.views})
                head = Distilled(task, view).fit(few_rows[view], average(few_rows, n_graph), seeds)
            heads.append(head)
        learned = {
            "_held": held,
            "_views": views,
            "_averages": averages,
            "_heads": heads,
            "_flat": outputs.flat,
            "_units": [outputs.units(j) for j in range(len(tasks))],
        }
        if outputs.classes is not None:
            learned["classes_"] = outputs.classes
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(held, name):
                learned[name] = getattr(held, name)
        return learned

    def _autoencoder(self, seeds: Seeds) -> tuple[Any, bool]:
        """Return the autoencoder that is to be held, and whether it is fitted."""
        given: Any = self.estimator
        if isinstance(given, FrozenEstimator):
            given = given.estimator
            if not isinstance(given, BaseAutoencoder):
                raise ValueError(
                    f"estimator={self.estimator!r:.80} holds no autoencoder of this library; "
                    "freeze the autoencoder alone, and put other steps in a Pipeline in front."
                )
            check_is_fitted(given)
        fitted = given is not None and given.__sklearn_is_fitted__()
        if fitted and self.mode == "joint":
            raise ValueError(
                f"mode={self.mode!r} trains an autoencoder from its start, but estimator="
                f"{self.estimator!r:.80} is fitted; use mode='fine-tuned', or clone(estimator)."
            )
        if fitted and self.mode == "fine-tuned":
            return deepcopy(given), True
        if fitted:
            return given, True
        held = Autoencoder(**_DEFAULT) if given is None else clone(given)
        seed = int(seeds.numpy("estimator").integers(2**31))
        return held.set_params(random_state=seed, device=self.device), False

    def _train(
        self,
        held: Any,
        fitted: bool,
        X: Any,
        targets: list[NDArray],
        sample_weight: Any,
        weight: NDArray,
    ) -> None:
        """Train the autoencoder, with labels where the mode has them."""
        given = None if sample_weight is None else weight
        if not fitted and self.mode != "joint":
            held.fit(X, sample_weight=given)
        if self.mode in ("joint", "fine-tuned"):
            labels = np.hstack(targets)
            n_known = (~np.isnan(labels[:, :1])).sum()
            factor = self.label_weight * len(labels) / n_known
            penalty = LabelPenalty(tuple(t.shape[1] for t in targets), factor)
            before = held.penalties, held.warm_start
            held.set_params(
                penalties=(*held.penalties, penalty), warm_start=self.mode == "fine-tuned"
            )
            held.fit(X, sample_weight=given, companions={"labels": labels})
            held.set_params(penalties=before[0], warm_start=before[1])

    def _known(
        self,
        target: NDArray[np.float64],
        weight: NDArray[np.float64],
        few: bool,
        seeds: Seeds,
    ) -> Known:
        """Return the rows with a label of an output, dealt to folds."""
        rows = np.flatnonzero(~np.isnan(target[:, 0]) & (weight > 0))
        if not len(rows):
            raise ValueError(
                "No row with a label has a positive weight; give sample_weight above zero to some."
            )
        part = weight[rows]
        if not few:
            part = part / part.mean()
        rng = seeds.numpy("folds")
        shuffled = rng.permutation(len(rows))
        # Rows of a class are dealt in turn, so that a class of few is in several folds.
        ordered = shuffled[np.argsort(_strata(target[rows])[shuffled], kind="stable")]
        n_folds = _FEWER_FOLDS if len(rows) > _MANY else _FOLDS
        fold = np.empty(len(rows), dtype=np.intp)
        fold[ordered] = np.arange(len(rows)) % min(n_folds, len(rows))
        if len(rows) > _COMPARED:
            fold[shuffled[_COMPARED:]] = -1
        return Known(rows, target[rows], part, fold)

    def _candidates(self, task: Task, known: Known, views: Views, few: bool) -> list[Candidate]:
        """Return what the mode compares."""
        if few or self.mode in ("joint", "fine-tuned") or len(known.rows) < 2:
            return [LinearHead("codes", 1.0)]
        found: list[Candidate] = [Prior()]
        if self.mode != "graph":
            found += [
                LinearHead(view, strength, odds)
                for view, odds in _LINEAR.items()
                if view in views.names
                for strength in task.strengths
            ]
            small = views.columns and task.width * views.n_cells <= _TREES_UP_TO
            if small and len(known.rows) >= _TREES_FROM:
                found.append(TreesHead())
        if self.mode != "frozen":
            found += [
                GraphHead(view, alpha, power)
                for view in views.names
                if view != "normal"
                for alpha in _ALPHAS
                for power in task.powers
            ]
        return found

    def _answers(self, X: Any) -> list[NDArray[np.float64]]:
        """Return what the heads say of rows, for each output."""
        check_is_fitted(self)
        values = self._views.read(X)
        views = self._views(values, set().union(*(head.views for head in self._heads)))
        return [head(views, len(values)) for head in self._heads]

    @in_kind
    def transform(self, X: ArrayLike) -> Any:
        """Return the codes of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            What the autoencoder's `transform` returns.
        """
        check_is_fitted(self)
        return np.asarray(self._held.transform(X))

    @property
    def estimator_(self) -> BaseAutoencoder:
        """The autoencoder that is held."""
        return self._held

    @property
    def candidates_(self) -> pd.DataFrame:
        """What was averaged, and how well it predicted labels that were held out."""
        frames = [pd.DataFrame(table) for table in self._averages]
        if self._flat:
            return frames[0]
        return pd.concat([f.assign(output=j) for j, f in enumerate(frames)], ignore_index=True)

    @property
    def device_(self) -> str:
        """Where the network is."""
        return self._held.device_

    @property
    def _n_features_out(self) -> int:
        return self._held._n_features_out

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_heads")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        given = self.estimator
        held = given.estimator if isinstance(given, FrozenEstimator) else given
        inner = get_tags(Autoencoder() if held is None else held)
        tags.input_tags = inner.input_tags
        tags.transformer_tags = inner.transformer_tags
        tags.array_api_support = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags


def _strata(target: NDArray[np.float64]) -> NDArray:
    """Return what is spread evenly over the folds: classes, or numbers in order."""
    return target.argmax(axis=1) if target.shape[1] > 1 else target[:, 0]


def _graph_rows(
    known: list[Known], weight: NDArray[np.float64], seeds: Seeds
) -> tuple[NDArray[np.intp], int]:
    """Return an order of all rows, those of the graph first, and how many these are.

    Rows with a label go before others, and those of weight zero last.
    """
    labelled = np.zeros(len(weight), dtype=bool)
    for part in known:
        labelled[part.rows] = True
    rank = np.where(labelled, 0, 1) + 2 * (weight == 0)
    shuffled = seeds.numpy("graph").permutation(len(weight))
    order = shuffled[np.argsort(rank[shuffled], kind="stable")]
    n_graph = min(_GRAPH_ROWS, int((weight > 0).sum()))
    # In the order in which they came, which the graph of rows that are alike depends on.
    return np.r_[np.sort(order[:n_graph]), np.sort(order[n_graph:])], n_graph
