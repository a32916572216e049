"""
Items for users
===============

Six hundred users took items of three kinds. Each likes one kind, and all
take what is popular. The recommender is fitted to 500 of them, and sees a
part of what the others took.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csr_array

from sklearn_ae import AutoencoderRecommender

rng = np.random.default_rng(0)
n_users, n_items = 600, 90
taste, kind = (
    rng.integers(0, 3, n_users),
    np.repeat([0, 1, 2], n_items // 3),
)
popularity = np.tile(1 / np.arange(1, n_items // 3 + 1) ** 0.7, 3)
chance = popularity * np.where(taste[:, None] == kind, 0.6, 0.12)
taken = csr_array((rng.random((n_users, n_items)) < chance).astype(float))
train, new = taken[:500], taken[500:]
recommender = AutoencoderRecommender(random_state=0).fit(train)

# %%
# What new users took, those of a kind together, and what they are
# recommended: scores of items that they do not have. The stripes in the
# left picture are popular items.
order = np.argsort(taste[500:], kind="stable")
scores = recommender.predict_scores(new)
figure, axes = plt.subplots(
    1, 2, figsize=(9, 4), sharey=True, layout="constrained"
)
axes[0].imshow(
    new.toarray()[order],
    aspect="auto",
    cmap="Greys",
    interpolation="nearest",
)
axes[0].set(
    title="taken", xlabel="items, by kind", ylabel="new users, by taste"
)
axes[1].imshow(
    scores[order], aspect="auto", cmap="magma", interpolation="nearest"
)
axes[1].set(title="scores", xlabel="items, by kind")
plt.show()

# %%
# Why is the first item recommended to three of them?
recommender.explain(new[order[[0, 40, 80]]], n_reasons=3).round(3)
