"""Long series: whole steps of time, windows, blocks that are held out, and scores of steps."""

from sklearn_ae.applications._time_series._events import events_of
from sklearn_ae.applications._time_series._finders import WindowClones, WindowEnsemble
from sklearn_ae.applications._time_series._fitting import OutOfFold, fit_blocks
from sklearn_ae.applications._time_series._grid import Clock, Grid, StandardUnits, joined
from sklearn_ae.applications._time_series._period import default_window
from sklearn_ae.applications._time_series._reading import LongSeries, is_several, read_series
from sklearn_ae.applications._time_series._steps import Answers, StepScores

__all__ = [
    "Answers",
    "Clock",
    "Grid",
    "LongSeries",
    "OutOfFold",
    "StandardUnits",
    "StepScores",
    "WindowClones",
    "WindowEnsemble",
    "default_window",
    "events_of",
    "fit_blocks",
    "is_several",
    "joined",
    "read_series",
]
