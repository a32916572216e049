"""
A classifier behind other sensors
=================================

A classifier is fitted to what one set of sensors measures, and is to judge
what another set measures, with other units and leaks from one channel to
the next. No row of the second set has a label.
:class:`~sklearn_ae.DomainAdaptationTransformer` gives the rows of the
first set the mean and the covariance of the second.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import DomainAdaptationTransformer

# %%
# Every second wine is measured by the second set.
X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
rng = np.random.default_rng(0)
second = np.arange(len(X)) % 2 == 1
leaks = np.eye(X.shape[1]) + 0.4 * rng.normal(size=(X.shape[1],) * 2)
rows = np.where(second[:, None], X @ leaks * 2 + 1, X)

# %%
# Rows of the second set are marked by a negative domain.
adapter = DomainAdaptationTransformer(random_state=0)
adapter.fit(rows, sample_domain=np.where(second, -1, 1))
moved = adapter.transform(rows, sample_domain=np.where(second, -1, 1))

figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for ax, (title, data) in zip(
    axes, {"as measured": rows, "adapted": moved}.items(), strict=True
):
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(data[~second], y[~second])
    score = model.score(data[second], y[second])
    print(f"{title}: accuracy of the second set {score:.2f}")
    plane = PCA(2).fit_transform(data)
    for marker, of_set, name in (
        ("o", ~second, "first set"),
        ("x", second, "second set"),
    ):
        ax.scatter(
            *plane[of_set].T,
            c=y[of_set],
            cmap="viridis",
            marker=marker,
            s=18,
            lw=1,
            label=name,
        )
    ax.set(title=f"{title}, accuracy {score:.2f}", xticks=[], yticks=[])
axes[0].legend()
plt.show()
