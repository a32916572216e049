"""
Items that go together
======================

What sells much is found in many baskets, beside everything else. Counting
how often two items come together therefore says most about what is
popular. `similar_items` goes by partial correlations: what two items have
in common beyond all others.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array

from sklearn_ae import AutoencoderRecommender

rng = np.random.default_rng(0)
n_baskets = 3000
names = [
    "bread",
    "milk",
    "pasta",
    "tomatoes",
    "basil",
    "nails",
    "hammer",
    "paint",
    "brush",
]
bought = np.zeros((n_baskets, len(names)))
bought[:, 0] = rng.random(n_baskets) < 0.8
bought[:, 1] = rng.random(n_baskets) < 0.7
for items, chance in (([2, 3, 4], 0.3), ([5, 6], 0.1), ([7, 8], 0.08)):
    planned = rng.random(n_baskets) < chance
    bought[:, items] = planned[:, None] & (
        rng.random((n_baskets, len(items))) < 0.7
    )
X = csr_array(bought)
recommender = AutoencoderRecommender(
    alpha=5.0, dropout=0.2, network_weight=0
).fit(X)

# %%
# Left, how often two items are in one basket, as a share of the baskets
# with the item of the row. Right, by how much an item in the basket raises
# the score of another one.
together = (bought.T @ bought) / bought.sum(axis=0)[:, None]
np.fill_diagonal(together, np.nan)
raised = recommender.predict_scores(csr_array(np.eye(len(names))))
np.fill_diagonal(raised, np.nan)
figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for axis, values, title in zip(
    axes,
    (together, raised),
    ("in one basket", "recommended for"),
    strict=True,
):
    image = axis.imshow(values, cmap="viridis")
    axis.set_title(title)
    axis.set_xticks(range(len(names)), names, rotation=60)
    axis.set_yticks(range(len(names)), names)
    figure.colorbar(image, ax=axis, shrink=0.8)
plt.show()

# %%
# Bread is in most baskets with nails, but it is the hammer that goes with
# them.
for item in (2, 5, 7):
    nearest = recommender.similar_items([item], k=2)[0]
    most = np.argsort(-np.nan_to_num(together[item]))[:2]
    by_counts = [names[i] for i in most]
    print(f"{names[item]}: {[names[i] for i in nearest]}, {by_counts=}")
