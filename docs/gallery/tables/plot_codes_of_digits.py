"""
Codes of handwritten digits
===========================

PCA and :class:`~sklearn_ae.Autoencoder` reduce the 64 pixels of a digit to
two numbers. The labels are used for the colours only.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from sklearn_ae import Autoencoder
from sklearn_ae.metrics import reconstruction_r2

# %%
# Both reducers see the same training rows. The codes in the picture are
# those of held-out rows.
X, y = load_digits(return_X_y=True)
X_train, X_test, _, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)
reducers = [
    PCA(n_components=2),
    Autoencoder(n_components=2, random_state=0),
]

# %%
# The autoencoder's codes are canonical: centred, ordered by how much they
# explain, and with the signs that PCA would give them. Two fits can be
# compared component by component.
figure, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, reducer in zip(axes, reducers, strict=True):
    codes = reducer.fit(X_train).transform(X_test)
    points = ax.scatter(
        codes[:, 0], codes[:, 1], c=y_test, cmap="tab10", s=9
    )
    r2 = reconstruction_r2(reducer, X_test)
    ax.set(
        title=f"{type(reducer).__name__}, R² {r2:.2f}",
        xlabel="component 0",
    )
axes[0].set_ylabel("component 1")
figure.legend(
    *points.legend_elements(), title="digit", loc="outside right center"
)
plt.show()
