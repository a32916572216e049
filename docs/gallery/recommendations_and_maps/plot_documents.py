"""
Texts that are alike
====================

Rows of TF-IDF are sparse, and :class:`~sklearn_ae.Autoencoder` takes them
as they are. Texts whose codes are near to each other are about the same.
"""

import inspect

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.discovery import all_estimators, all_functions

from sklearn_ae import Autoencoder

# %%
# The texts are what scikit-learn says of its classes and functions. The
# module that each is in is its topic, which no fit is told.
public = dict(all_estimators() + all_functions())
texts = {name: inspect.getdoc(one) or "" for name, one in public.items()}
names = np.array([name for name, text in texts.items() if len(text) > 300])
topics = np.array(
    [public[name].__module__.split(".")[1] for name in names]
)
words = TfidfVectorizer(
    stop_words="english",
    sublinear_tf=True,
    max_features=1000,
    token_pattern=r"[a-z]{3,}",
)
X = words.fit_transform(texts[name] for name in names)
print(X.shape, f"{X.nnz / X.shape[0]:.0f} words a text")

# %%
# Eight numbers a text, by PCA's relative for sparse rows and by the
# autoencoder.
codes = {
    "1,000 words": X,
    "8 numbers, TruncatedSVD": TruncatedSVD(
        8, random_state=0
    ).fit_transform(X),
    "8 numbers, Autoencoder": Autoencoder(
        8, max_iter=25, random_state=0
    ).fit_transform(X),
}


def nearest(rows, k=5):
    """Return the k nearest other texts of each, by the cosine."""
    index = NearestNeighbors(n_neighbors=k + 1, metric="cosine").fit(rows)
    return index.kneighbors(rows, return_distance=False)[:, 1:]


alike = {name: nearest(rows) for name, rows in codes.items()}
for name in ("Ridge", "KMeans", "roc_auc_score"):
    row = np.flatnonzero(names == name)[0]
    found = names[alike["8 numbers, Autoencoder"][row]]
    print(f"{name}: {', '.join(found)}")

# %%
# How many of the five nearest texts are of the same module.
shares = {
    name: np.mean(topics[near] == topics[:, None])
    for name, near in alike.items()
}
figure, ax = plt.subplots(figsize=(7, 2.4), layout="constrained")
bars = ax.barh(
    list(shares), list(shares.values()), color=["0.7", "C0", "C1"]
)
ax.bar_label(bars, fmt="%.2f", padding=3)
ax.set(xlabel="share of near texts of the same module", xlim=(0, 1))
ax.invert_yaxis()

# %%
# The codes on a plane: their first two components, and where five of the
# modules lie.
plane = codes["8 numbers, Autoencoder"]
figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
ax.scatter(plane[:, 0], plane[:, 1], s=8, color="0.85")
for topic in (
    "metrics",
    "datasets",
    "linear_model",
    "cluster",
    "covariance",
):
    ax.scatter(*plane[topics == topic, :2].T, s=14, label=topic)
ax.legend()
ax.set(xlabel="component 0", ylabel="component 1")
plt.show()

# sphinx_gallery_thumbnail_number = 2
