"""
Digits of another hand
======================

A support vector machine that learned digits reads them badly when they are
moved by one pixel. :class:`~sklearn_ae.GraphAdaptedClassifier` spreads
what it says over a graph of the rows that were moved, whose labels it does
not see.
"""

# %%
# Half of the digits are moved to the right.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from sklearn_ae import GraphAdaptedClassifier

X, y = load_digits(return_X_y=True)
target = np.arange(len(X)) % 2 == 1
X[target] = np.roll(X[target].reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)

# %%
# Labels of the target are hidden.
model = GraphAdaptedClassifier(SVC(), random_state=0)
model.fit(
    X, np.where(target, -1, y), sample_domain=np.where(target, -1, 1)
)
print(model.evidence_)
before = model.classifier_.predict(X[target])
after = model.predict(X[target])

# %%
# Each dot is a digit of the target, in its first two principal components.
places = np.linalg.svd(
    X[target] - X[target].mean(axis=0), full_matrices=False
)
xy = places.U[:, :2] * places.S[:2]
figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharex=True, sharey=True)
for ax, found, name in zip(
    axes, (before, after), ("source classifier", "spread"), strict=True
):
    right = found == y[target]
    ax.scatter(*xy[right].T, s=6, color="0.7", label="right")
    ax.scatter(*xy[~right].T, s=6, color="C3", label="wrong")
    ax.set(title=f"{name}: {right.mean():.2f} right", xticks=[], yticks=[])
axes[0].legend()
plt.show()
