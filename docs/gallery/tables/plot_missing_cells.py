"""
Missing cells, filled in
========================

:class:`~sklearn_ae.AutoencoderImputer` fills cells of numbers and of text.
Here a quarter of the cells of a table are hidden, so that what is filled
in can be compared with what was there.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.impute import KNNImputer, SimpleImputer

from sklearn_ae import AutoencoderImputer

# %%
X = load_wine(as_frame=True).data
X = (X - X.mean()) / X.std()
hidden = np.random.default_rng(0).random(X.shape) < 0.25
incomplete = X.mask(hidden)
imputers = {
    "mean": SimpleImputer(),
    "KNNImputer": KNNImputer(),
    "AutoencoderImputer": AutoencoderImputer(max_iter=10, random_state=0),
}
for imputer in imputers.values():
    imputer.set_output(transform="pandas")
filled = {
    name: imputer.fit_transform(incomplete)
    for name, imputer in imputers.items()
}

# %%
# The root mean squared error of the hidden cells of each column, in its
# standard deviations; the numbers below are means of these. On the right
# is what was hidden in one of the columns, and what was filled in.
figure, axes = plt.subplots(
    1,
    2,
    figsize=(10, 4.2),
    layout="constrained",
    gridspec_kw={"width_ratios": [3, 2]},
)
for i, (name, rows) in enumerate(filled.items()):
    error = np.sqrt(((rows - X) ** 2).where(hidden).mean())
    print(f"{name}: {error.mean():.2f}")
    axes[0].barh(
        np.arange(X.shape[1]) + 0.27 * (i - 1), error, 0.25, label=name
    )
axes[0].set(
    yticks=range(X.shape[1]),
    yticklabels=X.columns,
    xlabel="error, in standard deviations",
)
axes[0].invert_yaxis()
axes[0].legend()

column = X.columns.get_loc("flavanoids")
for name, rows in filled.items():
    axes[1].plot(
        X.iloc[hidden[:, column], column],
        rows.iloc[hidden[:, column], column],
        "o",
        ms=4,
        label=name,
    )
axes[1].axline((2, 2), slope=1, color="0.6", lw=1)
axes[1].set(xlabel="flavanoids, hidden", ylabel="filled in")
plt.show()
