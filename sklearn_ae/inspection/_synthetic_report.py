"""How real synthetic rows look, how useful they are, and what they give away."""

from __future__ import annotations

from collections.abc import Hashable
from inspect import isclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from sklearn_ae.inspection._comparison import (
    Tables,
    Usefulness,
    chances,
    closest,
    copies,
    marginals,
    pairs,
)
from sklearn_ae.inspection._pictures import pyplot, text_of
from sklearn_ae.latents import drawn_rows
from sklearn_ae.runtime import Seeds

REAL, SYNTHETIC = "tab:blue", "tab:orange"
# Bars and columns that a picture has, at most.
_MOST_BARS, _MOST_COLUMNS = 20, 40
_BINS = 30


class SyntheticReport:
    """A comparison of synthetic rows with real ones: looks, usefulness and privacy.

    Use :meth:`from_tables` or :meth:`from_estimator` to make one. All parameters are stored as
    attributes.

    Parameters
    ----------
    marginals : pandas.DataFrame
        A row a column of the tables: its `kind` ("number", "date" or "category"); `shape`, how
        alike the distributions are; `outside`, the share of synthetic cells that the column
        cannot hold; `missing_real` and `missing_synthetic`, the shares of missing cells.
    pairs : pandas.DataFrame of shape (n_columns, n_columns)
        How alike the dependence in each pair of columns is; NaN on the diagonal.
    auroc : float
        AUROC of a classifier that tells synthetic rows from real ones; 0.5 is the best.
    chances : dict of str to ndarray
        What the classifier says of "real" and "synthetic" rows: how likely they are
        synthetic.
    distances : dict of str to ndarray
        Distance of "synthetic" and of "real" rows to the closest row of those that the
        generator was fitted to.
    copies : dict of str to float
        Share of "synthetic" and of "real" rows that are among those, cell by cell.
    cells : dict of str to dict
        What the columns of the "real" and the "synthetic" table hold, without missing cells.
    usefulness : pandas.Series, default=None
        What a model predicts in held-out rows, fitted to "synthetic" rows and to "real" ones. Its
        name is the measure: "auroc" of a target of classes, "r2" of numbers. None where there
        is no target.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn last.
    figure_ : matplotlib.figure.Figure
        The figure of `ax_`.

    See Also
    --------
    sklearn_ae.VariationalAutoencoder : Generates rows.

    Notes
    -----
    `shape` is ``1 - sup |F - G|`` for distribution functions F and G of numbers (Kolmogorov and
    Smirnov), and ``1 - ½ Σ |p - q|`` for shares p and q of levels (total variation). `pairs` has
    ``1 - |ρ - ρ'| / 2`` for Spearman's correlations of two numbers, and 1 less the total variation
    of the joint shares where one is a category; a number beside it is cut at its
    real deciles, and a missing cell is a level. Each is 1 where the tables agree.

    A cell is outside of its column's support if it is a level or, of a column of at
    most 20 values that repeat, a number that no row has that the generator was fitted to; beyond
    the range of its numbers; a fraction where they are whole; or missing where none is.

    The classifier is gradient boosting, out of fold over five stratified folds. It
    is hard to deceive: 0.7 is a good value on a table of several kinds of columns.

    A distance of rows is Gower's: the mean over columns of the difference of
    numbers as a share of their range, and 0 or 1 for levels and for missing cells. Rows that are
    closer to the training rows than held-out rows are say something about single training rows;
    no closer is no proof of privacy, which only a mechanism such as differential privacy gives.

    References
    ----------
    Lopez-Paz and Oquab, Revisiting classifier two-sample tests, ICLR 2017. :arxiv:`1610.06545`

    Esteban, Hyland and Rätsch, Real-valued (medical) time series generation with recurrent
    conditional GANs, 2017. :arxiv:`1706.02633`

    Gower, A general coefficient of similarity and some of its properties, Biometrics 1971.
    :doi:`10.2307/2528823`

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn_ae import VariationalAutoencoder
    >>> from sklearn_ae.inspection import SyntheticReport
    >>> X = load_wine(as_frame=True).frame
    >>> train, held_out = train_test_split(X, test_size=0.5, random_state=0)
    >>> model = VariationalAutoencoder(max_iter=5, random_state=0).fit(train)
    >>> report = SyntheticReport.from_estimator(
    ...     model, train, held_out, target="alcohol", random_state=0
    ... )
    >>> report.marginals.loc["alcohol", "kind"]
    'number'
    >>> report.usefulness.name
    'r2'
    >>> 0.5 < report.auroc < 1
    True
    """

    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        marginals: pd.DataFrame,
        pairs: pd.DataFrame,
        auroc: float,
        chances: dict[str, NDArray[np.float64]],
        distances: dict[str, NDArray[np.float64]],
        copies: dict[str, float],
        cells: dict[str, dict[Any, NDArray]],
        usefulness: pd.Series | None = None,
    ) -> None:
        self.marginals = marginals
        self.pairs = pairs
        self.auroc = auroc
        self.chances = chances
        self.distances = distances
        self.copies = copies
        self.cells = cells
        self.usefulness = usefulness

    @classmethod
    def from_tables(
        cls,
        real: ArrayLike,
        synthetic: ArrayLike,
        held_out: ArrayLike | None = None,
        *,
        target: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Self:
        """Compare tables.

        Parameters
        ----------
        real : array-like or data frame of shape (n_rows, n_columns)
            Real rows, those that the generator was fitted to. Columns may be numbers, dates and
            categories, and cells may be missing.
        synthetic : array-like or data frame of shape (n_synthetic, n_columns)
            Generated rows, of the same columns, in any order of those of a frame.
        held_out : array-like or data frame of shape (n_held_out, n_columns), default=None
            Real rows that the generator has not seen. They are what is looked alike to, and
            how close they are to `real` says how close synthetic rows may be. None compares with
            `real` itself, and distances with those of its rows from each other, which
            cannot show that a generator repeats what it was fitted to.
        target : object, default=None
            Label of a column, its position in an array: what is learned from synthetic rows and
            from real ones, and predicted in `held_out`.
        random_state : int, RandomState or None, default=None
            Feeds the folds, the classifiers, and the choice of rows whose distance is measured:
            2,000 at most, and no fewer than 200.

        Returns
        -------
        report : SyntheticReport
            The comparison.

        Raises
        ------
        TypeError
            If a table is a sparse matrix, or holds no rows that can be read.
        ValueError
            If tables differ in their columns or in what these hold, a table has less than ten
            rows, `target` is no column or does not vary, or there is a target and no `held_out`.
        """
        given = {"real": real, "synthetic": synthetic}
        if held_out is not None:
            given["held_out"] = held_out
        elif target is not None:
            raise ValueError(
                f"target={target!r} is predicted in real rows that the generator has not seen; "
                "pass them as held_out=, or leave target= out."
            )
        check_random_state(random_state)  # which says what it has to be
        tables = Tables(given)
        unseen = "real" if held_out is None else "held_out"
        usefulness = None if target is None else Usefulness(tables, target, "real")
        rng = Seeds.of(random_state).numpy("report")
        seed = int(rng.integers(2**31))
        useful = None
        if usefulness is not None:
            scores = {
                name: usefulness.score(name, "held_out", seed) for name in ("synthetic", "real")
            }
            useful = pd.Series(scores, name=usefulness.measure)
        found, auroc = chances(tables, unseen, "synthetic", seed)
        n = len(tables.codes[unseen])
        alone = held_out is None
        return cls(
            marginals=marginals(tables, unseen, "synthetic", "real"),
            pairs=pairs(tables, unseen, "synthetic"),
            auroc=auroc,
            chances={"real": found[:n], "synthetic": found[n:]},
            distances={
                "synthetic": closest(tables, "synthetic", "real", rng),
                "real": closest(tables, unseen, "real", rng, others=alone),
            },
            copies={
                "synthetic": copies(tables, "synthetic", "real"),
                "real": copies(tables, unseen, "real", others=alone),
            },
            cells={"real": tables.cells(unseen), "synthetic": tables.cells("synthetic")},
            usefulness=useful,
        )

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        held_out: ArrayLike | None = None,
        *,
        target: Any = None,
        n_samples: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        **sampled: Any,
    ) -> Self:
        """Draw rows from a fitted estimator and compare them.

        Parameters
        ----------
        estimator : fitted estimator
            It has `sample(n_samples)`, as :class:`sklearn_ae.VariationalAutoencoder` and
            scikit-learn's `KernelDensity` and `GaussianMixture`.
        X : array-like or data frame of shape (n_rows, n_columns)
            The rows that it was fitted to.
        held_out : array-like or data frame of shape (n_held_out, n_columns), default=None
            As in :meth:`from_tables`.
        target : object, default=None
            As in :meth:`from_tables`.
        n_samples : int, default=None
            Rows to draw. None draws as many as X has.
        random_state : int, RandomState or None, default=None
            Feeds the draws, and what :meth:`from_tables` draws.
        **sampled
            Passed on to `estimator.sample`, as `missing=True`, by which rows of our estimators lack
            cells as those of `X` do.

        Returns
        -------
        report : SyntheticReport
            The comparison.

        Raises
        ------
        TypeError
            If the estimator has no `sample`.
        ValueError
            As in :meth:`from_tables`.
        """
        if isclass(estimator) or not hasattr(estimator, "sample"):
            if isclass(estimator):
                raise TypeError(
                    f"estimator={estimator.__name__} is a class; pass a fitted object of it."
                )
            raise TypeError(
                f"{type(estimator).__name__} has no method sample; pass a generator of rows such "
                "as VariationalAutoencoder, or synthetic rows to SyntheticReport.from_tables."
            )
        n = _num_samples(X) if n_samples is None else n_samples
        seed = int(Seeds.of(random_state).numpy("draws").integers(2**31))
        drawn = drawn_rows(estimator, n, seed, **sampled)
        return cls.from_tables(X, drawn, held_out, target=target, random_state=seed)

    def summary(self) -> pd.Series:
        """Return the report in a few numbers.

        Returns
        -------
        summary : pandas.Series
            `shape` and `pairs`, means over columns and over pairs, 1 is the best; `outside`, the
            share of all cells; `auroc`, 0.5 is the best. With a target, its measure by
            `train_on_synthetic` and `train_on_real`. `closer` is how likely a synthetic row is
            closer to the training rows than an unseen real one is: 0.5 is no closer, 1 always.
            `copies` and `copies_of_real` are the shares of rows that are among the training
            rows.
        """
        found = {
            "shape": float(self.marginals["shape"].mean()),
            "pairs": float(np.nanmean(self.pairs)) if len(self.pairs) > 1 else np.nan,
            "outside": float(self.marginals["outside"].mean()),
            "auroc": self.auroc,
        }
        if self.usefulness is not None:
            found |= {f"train_on_{name}": float(v) for name, v in self.usefulness.items()}
        found["closer"] = _closer(self.distances["synthetic"], self.distances["real"])
        found |= {"copies": self.copies["synthetic"], "copies_of_real": self.copies["real"]}
        return pd.Series(found, name="summary")

    def plot_marginals(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw how alike the distribution of each column is, the worst on top.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.barh`.

        Returns
        -------
        report : SyntheticReport
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._axes(ax)
        worst = self.marginals["shape"].sort_values(kind="stable").head(_MOST_BARS)
        lines = range(len(worst))
        ax.barh(lines, worst, **{"color": SYNTHETIC, "height": 0.6} | drawn)
        outside = self.marginals["outside"].loc[worst.index]
        for line, share in zip(lines, outside, strict=True):
            if share > 0:
                ax.text(0.01, line, f"{share:.1%} outside of its support", va="center", fontsize=8)
        ax.set_yticks(lines, [text_of(name) for name in worst.index])
        ax.invert_yaxis()
        ax.set(xlim=(0, 1), xlabel="1 is alike", title="Distributions of columns")
        return self

    def plot_column(self, column: Any, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw the distribution of a column in both tables.

        Parameters
        ----------
        column : object
            Its label.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.hist`, of numbers and dates, or `Axes.bar`, of levels.

        Returns
        -------
        report : SyntheticReport
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ValueError
            If there is no such column.
        ImportError
            If matplotlib is not installed.
        """
        if not isinstance(column, Hashable) or column not in self.cells["real"]:
            raise ValueError(
                f"column={column!r} is none of {list(self.cells['real'])!r:.200}; name one of them."
            )
        ax = self._axes(ax)
        cells = {name: self.cells[name][column] for name in ("real", "synthetic")}
        draw = _draw_levels if self.marginals.loc[[column], "kind"].iloc[0] == "category" else None
        (draw or _draw_numbers)(ax, cells, drawn)
        ax.set(title=text_of(column), ylabel="share of the rows")
        ax.legend()
        return self

    def plot_pairs(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw how alike the dependence in each pair of columns is.

        Of more than 40 columns, those with the worst pairs are drawn.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.imshow`.

        Returns
        -------
        report : SyntheticReport
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._axes(ax)
        scores = self.pairs.to_numpy()
        worst = np.argsort(np.where(np.isnan(scores), 1.0, scores).min(axis=1), kind="stable")
        shown = np.sort(worst[:_MOST_COLUMNS])
        cells = scores[np.ix_(shown, shown)]
        low = min(0.5, float(np.nanmin(scores))) if len(scores) > 1 else 0.5
        image = ax.imshow(cells, **{"cmap": "viridis", "vmin": low, "vmax": 1} | drawn)
        self.figure_.colorbar(image, ax=ax, label="1 is alike")
        names = [text_of(name) for name in self.pairs.columns[shown]]
        ax.set_xticks(range(len(shown)), names, rotation=90)
        ax.set_yticks(range(len(shown)), names)
        ax.set_title("Dependence in pairs of columns")
        return self

    def plot_chances(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw what the classifier says of real and of synthetic rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.hist`.

        Returns
        -------
        report : SyntheticReport
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._axes(ax)
        _draw_numbers(ax, self.chances, {"bins": _BINS, "range": (0, 1)} | drawn)
        ax.set(xlabel="how likely the row is synthetic", ylabel="share of the rows")
        ax.set_title(f"Real or synthetic: AUROC {self.auroc:.2f}")
        ax.legend()
        return self

    def plot_privacy(self, *, ax: Any = None, **drawn: Any) -> Self:
        """Draw how close synthetic and real rows come to the training rows.

        A curve of synthetic rows above that of real ones means that they are closer.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **drawn
            Passed on to `Axes.ecdf`.

        Returns
        -------
        report : SyntheticReport
            The object itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._axes(ax)
        for name, color in (("real", REAL), ("synthetic", SYNTHETIC)):
            label = f"{name}, {self.copies[name]:.1%} copies"
            ax.ecdf(self.distances[name], **{"color": color, "label": label} | drawn)
        ax.set(xlabel="distance to the closest training row", ylabel="share of the rows")
        ax.set_title("Privacy")
        ax.legend()
        return self

    def _axes(self, ax: Any) -> Any:
        plt = pyplot()
        self.ax_ = plt.subplots(layout="constrained")[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        return self.ax_


def _closer(synthetic: NDArray, real: NDArray) -> float:
    """Return how likely a synthetic distance is below a real one, ties by half."""
    ordered = np.sort(real)
    above = len(ordered) - np.searchsorted(ordered, synthetic, side="right")
    equal = len(ordered) - np.searchsorted(ordered, synthetic, side="left") - above
    return float((above + equal / 2).mean() / len(ordered))


def _draw_numbers(ax: Any, cells: dict[str, NDArray], drawn: dict[str, Any]) -> None:
    held = [cells["real"], cells["synthetic"]]
    edges = np.histogram_bin_edges(np.concatenate(held).astype(np.float64), _BINS)
    if held[0].dtype.kind == "M":
        edges = np.unique(edges.astype("int64").astype(held[0].dtype))
    options: dict[str, Any] = {"bins": edges, "alpha": 0.5} | drawn
    for name, color in (("real", REAL), ("synthetic", SYNTHETIC)):
        n = len(cells[name])
        weights = np.full(n, 1 / max(1, n))
        ax.hist(cells[name], **{"weights": weights, "color": color, "label": name} | options)


def _draw_levels(ax: Any, cells: dict[str, NDArray], drawn: dict[str, Any]) -> None:
    shares = pd.DataFrame(
        {name: pd.Series(held).value_counts(normalize=True) for name, held in cells.items()}
    ).fillna(0.0)
    shares = shares.sort_values("real", ascending=False, kind="stable").head(_MOST_BARS)
    at = np.arange(len(shares))
    for k, (name, color) in enumerate((("real", REAL), ("synthetic", SYNTHETIC))):
        options = {"width": 0.4, "color": color, "label": name} | drawn
        ax.bar(at + 0.4 * k - 0.2, shares[name], **options)
    ax.set_xticks(at, [text_of(level) for level in shares.index], rotation=45, ha="right")
