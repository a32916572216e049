"""Outliers in long series, by windows of time."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import OutlierMixin, clone
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_ae.applications._outlier_detection import Calibration
from sklearn_ae.applications._time_series import (
    Answers,
    Clock,
    Grid,
    LongSeries,
    OutOfFold,
    StandardUnits,
    StepScores,
    WindowClones,
    WindowEnsemble,
    default_window,
    events_of,
    fit_blocks,
    is_several,
    joined,
    read_series,
)
from sklearn_ae.autoencoders import BaseAutoencoder, StateMixin, checkpointed, in_kind, serves
from sklearn_ae.data import ArrayForm, Container, as_numpy, rows_as_numpy
from sklearn_ae.runtime import Seeds, named_in_errors

# A period is looked for at lags up to this part of a series; no longer gap counts for it.
_PART = 10
_MIXED = "The time of X is counted as a {}, and as a {}; pass dates and durations, or numbers."
# What a fit learns.
_LEARNED = (
    "_answers",
    "_steps",
    "_clock",
    "_units",
    "_namespace",
    "window_",
    "offset_",
    "training_scores_",
    "n_features_in_",
    "feature_names_in_",
)


class TimeSeriesOutlierDetector(OutlierMixin, StateMixin):
    """Find outliers in a long series, step by step.

    Windows of a series are rows for the networks and neighbours of
    :class:`AutoencoderOutlierDetector`, less their means, which are further columns; or for clones
    of an `estimator`. Each of `n_estimators` members leaves blocks of time out, and every window
    that has a step in these. A step is scored by all windows that cover it: by how strange they
    are in the mean, and by the logarithm of the squared distance of its values from what the
    other steps of these windows say. Both are in units of what steps out of fold have: their
    median, and the distance from there down to the 16th percentile.

    Parameters
    ----------
    estimator : autoencoder of this library, default=None
        What is fitted to windows: as rows of a table, step by step, or as sequences if it takes
        these. None stands for networks and neighbours.
    window : int or "auto", default="auto"
        Steps in a window. "auto" takes the first lag at which the autocorrelation has a peak that
        is nearly its highest, at least 8 and at most a tenth of the series or 128 numbers; where
        there is no peak above 0.2, a twentieth of the series, between 8 and 32.
    novelty : bool, default=True
        As in :class:`AutoencoderOutlierDetector`: True is for new series, and has `predict` and
        `events`; False for the steps of `fit` themselves, and has `fit_predict`, `fit_events`
        and `training_scores_`, by members that have not seen the step.
    training_rows : {"auto", "clean", "contaminated"}, default="auto"
        What is known of the steps of `fit`, as in :class:`AutoencoderOutlierDetector`; "clean"
        goes by networks and the 2 nearest of 500 windows. An `estimator` has no such choice.
    n_estimators : int, default=3
        Number of members. A single one leaves a fifth of the blocks out, 10,000 steps at most.
        From 50,000 steps there is a single one.
    contamination : float in (0, 0.5] or "auto", default=0.1
        Share of fresh steps like those of `fit` that `predict` calls outliers. "auto" calls
        those outliers that lie below the median score by more than three times the distance
        from there up to the 84th percentile.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto".
    random_state : int, RandomState or None, default=None
        Feeds every draw; `estimator` gets seeds from it. None draws a seed from the operating
        system.

    Attributes
    ----------
    window_ : int
        Steps in a window.
    estimators_ : list
        The fitted clones of `estimator`; empty without one.
    offset_ : float
        Score below which `predict` says outlier.
    training_scores_ : ndarray of shape (n_steps,)
        Scores of the steps of `fit` by members that have not seen them; only with
        ``novelty=False``. Steps that no member leaves out are scored by all.
    device_ : str
        Where the networks are, such as "cpu" or "cuda:0".
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    AutoencoderOutlierDetector : Outliers among rows that have no order.
    sklearn_ae.metrics.event_scores : How well flagged steps find labelled events.

    Notes
    -----
    Time is counted in steps, whose length is the median time between steps of `fit`; times that
    jitter about whole steps are at these. Missing cells are taken to lie on straight lines between
    their neighbours, and gaps of an eighth of a window at most count as observed. Windows count by
    the eighth power of the share of their cells that are observed, and steps by the fourth power
    of that of their windows, so that beside gaps less is said; a gap as long as a window parts
    the series. At most 65,536 windows are drawn to train networks on.

    No window is in two folds, which are made of blocks of time. A value beyond those of `fit` is
    strange also where a trend has led there: of a series with a trend, pass differences.

    References
    ----------
    Kim, Choi, Choi, Lee and Yoon, Towards a rigorous evaluation of time-series anomaly detection,
    AAAI 2022. :doi:`10.1609/aaai.v36i7.20680`

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_ae import TimeSeriesOutlierDetector
    >>> hours = pd.date_range("2024-01-01", periods=480, freq="h")
    >>> load = np.sin(np.arange(480) * 2 * np.pi / 24)
    >>> load += 0.1 * np.random.default_rng(0).normal(size=480)
    >>> series = pd.DataFrame({"load": load}, index=hours)
    >>> detector = TimeSeriesOutlierDetector(contamination=0.01, random_state=0).fit(series)
    >>> detector.window_
    24
    >>> later = series.copy()
    >>> later.iloc[200:206] = 0.5
    >>> event = detector.events(later).sort_values("score").iloc[0]
    >>> event["reason"]
    'load'
    """

    _parameter_constraints: dict = {
        "estimator": [BaseAutoencoder, None],
        "window": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "novelty": ["boolean"],
        "training_rows": [StrOptions({"auto", "clean", "contaminated"})],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }
    _answers: Answers
    _steps: StepScores
    _clock: Clock
    _units: StandardUnits
    offset_: float

    @named_in_errors
    def __init__(
        self,
        estimator: BaseAutoencoder | None = None,
        *,
        window: int | str = "auto",
        novelty: bool = True,
        training_rows: str = "auto",
        n_estimators: int = 3,
        contamination: float | str = 0.1,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.window = window
        self.novelty = novelty
        self.training_rows = training_rows
        self.n_estimators = n_estimators
        self.contamination = contamination
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None, *, time: ArrayLike | str | None = None) -> Self:
        """Fit the members to a series, and set the threshold.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features), or list of such
            A series of numbers in the order of time, two windows long at least, or several. NaN
            cells are missing. The index of a pandas frame has the points in time if it is of
            dates, durations or numbers.
        y : ignored
            Here for scikit-learn's interface.
        time : array-like of shape (n_steps,) or str, default=None
            Points in time: dates, durations or numbers that do not fall; or the name of the column
            of X that has them; for several series, a list of such. None means the index of X, or
            one step after another.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        ValueError
            If the series is too short, time falls, or a parameter is out of its domain. The
            detector is then as it was before.
        """
        self._fit(X, time)
        return self

    def _fit(
        self, X: ArrayLike, time: Any
    ) -> tuple[list[LongSeries], NDArray[np.intp], NDArray[np.float64]]:
        """Fit, and return the series, where steps are, and the logs of their errors."""
        self._validate_params()
        with checkpointed(self, X=X, time=time):
            return self._learn(X, time)

    def _learn(
        self, X: ArrayLike, time: Any
    ) -> tuple[list[LongSeries], NDArray[np.intp], NDArray[np.float64]]:
        """Do what `_fit` does, whether the fit is kept or not."""
        seeds = Seeds.of(self.random_state)
        finder = self._finder_of_parameters()
        found = clone(self)
        series = _read_all(found, rows_as_numpy(X), time)
        found._units = StandardUnits(np.concatenate([part.values for part in series]))
        units = {part.unit for part in series} - {"step"}
        if len(units) > 1:
            raise ValueError(_MIXED.format(*sorted(units)))
        found._clock = Clock([part.time for part in series], *(units or ["step"]))
        found.window_ = found._window_for(series)
        grid = joined([found._grid(part) for part in series], found.window_)
        n = len(grid.slot)
        if len(grid.cells) < 2 * found.window_:
            way_out = f"use window={n // 2} or less, or " if n > 3 else "pass "
            raise ValueError(
                f"A window of {found.window_} steps needs twice as many, to learn from some and be "
                f"held to others, but X has n_samples={n}; {way_out}a longer series."
            )
        own = fit_blocks(
            finder, grid, found.window_, self.n_estimators, seeds, everywhere=not self.novelty
        )
        found._answers = own.answers
        found._take(grid, own)
        ArrayForm.of(X).mark(found.__dict__)
        for name in _LEARNED:
            self.__dict__.pop(name, None)
        self.__dict__.update({n: value for n, value in vars(found).items() if n in _LEARNED})
        return series, grid.slot, own.told.logs[grid.slot]

    def _take(self, grid: Grid, own: OutOfFold) -> None:
        """Set units, the threshold, and scores of training steps if they are wanted."""
        known = own.told.at(grid.slot[own.held_out[grid.slot]])
        self._steps = StepScores(known)
        scores = self._steps.scores(known)
        calibration = Calibration(scores, np.ones(len(scores)))
        if isinstance(self.contamination, str):
            self.offset_ = calibration.fence()
        else:
            self.offset_ = calibration.threshold(self.contamination)
        if not self.novelty:
            self.training_scores_ = self._steps.scores(own.told.at(grid.slot))

    @available_if(serves(new_rows=False))
    def fit_predict(
        self, X: ArrayLike, y: Any = None, *, time: ArrayLike | str | None = None
    ) -> NDArray[np.int64]:
        """Fit, and return +1 for inliers and -1 for outliers among the same steps.

        Only with ``novelty=False``. Each step is scored by members that have not seen it.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features), or list of such
            As in `fit`.
        y : ignored
            Here for scikit-learn's interface.
        time : array-like of shape (n_steps,) or str, default=None
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_steps,), int64
            -1 where `training_scores_` is below `offset_`; of several series one after another.
        """
        self._fit(X, time)
        below = as_numpy(self.training_scores_) < self.offset_
        return ArrayForm.of(X).back(1 - 2 * below.astype(np.int64))

    @available_if(serves(new_rows=False))
    def fit_events(self, X: ArrayLike, *, time: ArrayLike | str | None = None) -> pd.DataFrame:
        """Fit to one series, and return its outliers that follow each other as events.

        Only with ``novelty=False``. Each step is scored by members that have not seen it.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features)
            As in `fit`.
        time : array-like of shape (n_steps,) or str, default=None
            As in `fit`.

        Returns
        -------
        events : pandas.DataFrame
            As `events` returns them.
        """
        if is_several(X):
            raise ValueError(
                f"X is a list of {_num_samples(X)} series, but events are those of one; pass one, "
                "or use fit_predict."
            )
        [series], slot, logs = self._fit(X, time)
        return self._events(series, slot, as_numpy(self.training_scores_), logs)

    @available_if(serves(new_rows=True))
    @in_kind
    def score_samples(
        self, X: ArrayLike, *, time: ArrayLike | str | None = None
    ) -> NDArray[np.float64]:
        """Return how normal each step is; higher is more normal.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features)
            One series, a window long at least, in the order of time. Where a step lies in the
            series counts: scores of a part differ from those of the whole within a window of its
            ends. Cells that are missing are taken to lie on straight lines between their
            neighbours.
        time : array-like of shape (n_steps,) or str, default=None
            As in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_steps,), float64
            0 for a typical step. Minus the mean of how strange the windows are that cover it, and
            of how far its values are from what these say, in units in which a step at the 84th
            percentile is at 1.

        Raises
        ------
        ValueError
            If the series is shorter than a window, or its time falls.
        """
        return self._asked(X, time)[2]

    @available_if(serves(new_rows=True))
    @in_kind
    def decision_function(
        self, X: ArrayLike, *, time: ArrayLike | str | None = None
    ) -> NDArray[np.float64]:
        """Return `score_samples(X) - offset_`: negative for outliers.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features)
            As in `score_samples`.
        time : array-like of shape (n_steps,) or str, default=None
            As in `fit`.

        Returns
        -------
        decision : ndarray of shape (n_steps,), float64
            The shifted scores.
        """
        return self._asked(X, time)[2] - self.offset_

    @available_if(serves(new_rows=True))
    @in_kind
    def predict(self, X: ArrayLike, *, time: ArrayLike | str | None = None) -> NDArray[np.int64]:
        """Return +1 for inliers and -1 for outliers.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features)
            As in `score_samples`.
        time : array-like of shape (n_steps,) or str, default=None
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_steps,), int64
            -1 where `score_samples` is below `offset_`.
        """
        below = self._asked(X, time)[2] < self.offset_
        return 1 - 2 * below.astype(np.int64)

    @available_if(serves(new_rows=True))
    @in_kind
    def events(self, X: ArrayLike, *, time: ArrayLike | str | None = None) -> pd.DataFrame:
        """Return outliers that follow each other as events.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features)
            As in `score_samples`.
        time : array-like of shape (n_steps,) or str, default=None
            As in `fit`.

        Returns
        -------
        events : pandas.DataFrame
            A row an event, in the order of time, with the columns

            - `start`, `end`: its first and last step, as points in time, labels of the index of X,
              or positions;
            - `score`: the lowest of `score_samples` in it;
            - `reason`: name or position of the column whose values are farthest from what is
              expected, by `column_scores`.

            A gap as long as a window ends an event.
        """
        series, slot, scores, logs = self._asked(X, time)
        return self._events(series, slot, scores, logs)

    @available_if(serves(new_rows=True))
    @in_kind
    def column_scores(self, X: ArrayLike, *, time: ArrayLike | str | None = None) -> Any:
        """Return how normal each value is; higher is more normal.

        Parameters
        ----------
        X : array-like or data frame of shape (n_steps, n_features)
            As in `score_samples`.
        time : array-like of shape (n_steps,) or str, default=None
            As in `fit`.

        Returns
        -------
        scores : ndarray or data frame of shape (n_steps, n_features), float64
            Minus the logarithm of the squared distance of a value from what networks restore it
            to, in the mean of the windows that cover it; 0 where it is as large as it is for
            typical steps. NaN where a value is missing.
        """
        series, _, _, logs = self._asked(X, time)
        scores = np.where(np.isnan(series.values), np.nan, -logs)
        container = Container.of(X)
        if isinstance(time, str):
            container.columns = [name for name in container.columns if name != time]
        return container.wrap(scores, like=X)

    @property
    def estimators_(self) -> list[BaseAutoencoder]:
        """The fitted clones of `estimator`."""
        return list(getattr(self._answers.finder, "estimators", []))

    @property
    def device_(self) -> str:
        """Where the networks are: that of `fit`, or the CPU if loaded where that one is not."""
        return self._answers.finder.device

    def _asked(
        self, X: ArrayLike, time: Any
    ) -> tuple[LongSeries, NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
        """Return a series, where its steps are, their scores, and the logs of their errors."""
        check_is_fitted(self)
        series = read_series(self, X, time, reset=False)
        if "step" not in (series.unit, self._clock.unit) and series.unit != self._clock.unit:
            raise ValueError(_MIXED.format(series.unit, f"{self._clock.unit} in fit"))
        grid = self._grid(series)
        if len(grid.cells) < self.window_:
            raise ValueError(
                f"X has {len(grid.slot)} steps, fewer than the window of {self.window_} that this "
                f"{type(self).__name__} was fitted with; pass the steps before them too, or fit "
                f"with a window of at most {len(grid.slot)}."
            )
        told = self._answers.of_steps(grid).at(grid.slot)
        return series, grid.slot, self._steps.scores(told), told.logs

    def _events(
        self,
        series: LongSeries,
        slot: NDArray[np.intp],
        scores: NDArray[np.float64],
        logs: NDArray[np.float64],
    ) -> pd.DataFrame:
        names = getattr(self, "feature_names_in_", range(self.n_features_in_))
        flagged = scores < self.offset_
        return events_of(series.labels, slot, scores, flagged, logs, self.window_, list(names))

    def _finder_of_parameters(self) -> WindowEnsemble | WindowClones:
        """Return what is fitted to windows."""
        if self.estimator is None:
            return WindowEnsemble(self.training_rows, self.device)
        if self.training_rows != "auto":
            raise ValueError(
                f"training_rows={self.training_rows!r} is a choice of the default networks, but "
                f"estimator={self.estimator!r:.60} replaces them; leave one of the two at its "
                "default."
            )
        return WindowClones(self.estimator, self.device)

    def _window_for(self, series: list[LongSeries]) -> int:
        """Return the window asked for, or one for the longest of some series."""
        if not isinstance(self.window, str):
            return int(self.window)
        longest = max(series, key=lambda part: len(part.values))
        return default_window(self._grid(longest, max(1, len(longest.values) // _PART)).cells)

    def _grid(self, series: LongSeries, longest: int | None = None) -> Grid:
        """Put a series in standard units on whole steps."""
        values = self._units.standard(series.values)
        return self._clock.grid(values, series.time, 1 + (longest or self.window_))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_answers")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.allow_nan = True
        return tags


def _read_all(estimator: Any, X: Any, time: Any) -> list[LongSeries]:
    """Read one series, or several."""
    if not is_several(X):
        return [read_series(estimator, X, time, reset=True)]
    if time is None or isinstance(time, str):
        time = [time] * len(X)
    if len(time) != len(X):
        raise ValueError(
            f"time has {len(time)} entries, but X is a list of {len(X)} series; pass a list with "
            "the points in time of each."
        )
    return [
        read_series(estimator, part, own, reset=i == 0)
        for i, (part, own) in enumerate(zip(X, time, strict=True))
    ]
