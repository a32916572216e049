"""
Strange hours of a series
=========================

:class:`~sklearn_ae.TimeSeriesOutlierDetector` scores each step of a series
and names the events, with the column that made them.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ae import TimeSeriesOutlierDetector

# %%
# A load and a temperature follow the hours of the day. In the days after
# those of the fit, the thermometer hangs for ten hours, and one night has
# the load of a day.
rng = np.random.default_rng(0)
hours = pd.date_range("2024-01-01", periods=720, freq="h")
day = 2 * np.pi * np.arange(720) / 24
series = pd.DataFrame(
    {"load": np.sin(day), "heat": np.cos(day)}, index=hours
)
series += 0.2 * rng.normal(size=series.shape)
train, later = series[:480], series[480:].copy()
later.iloc[80:90, 1] = later.iloc[80, 1]
later.iloc[182:188, 0] += 1.5

detector = TimeSeriesOutlierDetector(contamination=0.02, random_state=0)
detector.fit(train)
print("window:", detector.window_, "hours")
events = detector.events(later)
print(events.to_string(index=False))

# %%
figure, axes = plt.subplots(
    3, 1, figsize=(9, 5), sharex=True, layout="constrained"
)
for ax, name in zip(axes, later, strict=False):
    ax.plot(later[name], lw=1)
    ax.set(ylabel=name)
axes[2].plot(later.index, detector.decision_function(later), lw=1)
axes[2].axhline(0, color="0.6", lw=1)
axes[2].set(ylabel="decision")
for event in events.itertuples():
    for ax in axes:
        ax.axvspan(event.start, event.end, color="C3", alpha=0.2)
figure.autofmt_xdate()
plt.show()
