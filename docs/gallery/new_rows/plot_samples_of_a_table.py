"""
New rows of a table
===================

:class:`~sklearn_ae.VariationalAutoencoder` is a density of rows, so it can
draw new ones. A normal distribution with the same mean and covariance is
the linear answer: it is what probabilistic PCA with all components samples
from.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer

from sklearn_ae import VariationalAutoencoder

# %%
# Two of the thirty columns are shown. Both are skewed and bounded by zero.
# Codes are drawn from N(0, 1), the prior of the bound, or from a mixture
# that is fitted to the codes of the training rows, the default.
data = load_breast_cancer(as_frame=True).data
columns = ["mean area", "mean concavity"]
rng = np.random.default_rng(0)
normal = rng.multivariate_normal(data.mean(), data.cov(), size=len(data))
tables = {
    "the data": data[columns].to_numpy(),
    "normal distribution": normal[
        :, [data.columns.get_loc(name) for name in columns]
    ],
}
for prior in ("normal", "auto"):
    model = VariationalAutoencoder(prior=prior, random_state=0).fit(data)
    drawn = model.sample(len(data), random_state=0)
    tables[f'prior="{prior}"'] = drawn[columns].to_numpy()

# %%
figure, axes = plt.subplots(
    1, 4, figsize=(13, 3.6), sharex=True, sharey=True, layout="constrained"
)
for ax, (title, rows) in zip(axes, tables.items(), strict=True):
    ax.scatter(rows[:, 0], rows[:, 1], s=6, alpha=0.5)
    ax.set(title=title, xlabel=columns[0])
axes[0].set_ylabel(columns[1])
plt.show()
