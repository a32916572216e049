"""
Rows as they are asked for
==========================

A table of visits to a shop has codes, counts, and amounts that are mostly
zero. :meth:`~sklearn_ae.VariationalAutoencoder.sample` draws rows that
hold what its columns hold, and rows that have something in particular,
whether or not the network was trained on it.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ae import VariationalAutoencoder

# %%
# Made rows: visitors that come back look at more pages, and buy more.
rng = np.random.default_rng(0)
n = 2000
back = rng.random(n) < 0.4
pages = rng.poisson(np.where(back, 12, 4))
bought = rng.random(n) < np.where(back, 0.35, 0.1)
visits = pd.DataFrame(
    {
        "visitor": np.where(back, "returning", "new"),
        "browser": rng.choice(
            [1, 2, 4, 10], p=[0.5, 0.3, 0.15, 0.05], size=n
        ),
        "pages": pages,
        "amount": np.where(
            bought, rng.gamma(3.0, 5.0 + pages, n), 0.0
        ).round(2),
    }
)
model = VariationalAutoencoder(max_iter=60, random_state=0).fit(visits)
drawn = model.sample(n, random_state=0)

# %%
# Codes are those that were seen, and amounts are zero as often as they
# were.
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
shares = pd.DataFrame(
    {
        "the data": visits["browser"].value_counts(normalize=True),
        "drawn": drawn["browser"].value_counts(normalize=True),
    }
)
shares.sort_index().plot.bar(ax=axes[0], rot=0, ylabel="share of the rows")
for name, frame in {"the data": visits, "drawn": drawn}.items():
    axes[1].ecdf(frame["amount"], label=name)
axes[1].set(
    xlabel="amount",
    ylabel="share of the rows below",
    xlim=(-5, 150),
    ylim=(0, 1),
)
axes[1].legend()

# %%
# `conditions` asks for values of any columns, and `constraint` for rows
# that satisfy a predicate.
for visitor in ("new", "returning"):
    asked = model.sample(
        n, random_state=0, conditions={"visitor": visitor}
    )
    real = visits.loc[visits["visitor"] == visitor, "pages"]
    line = axes[2].ecdf(real, label=f"the data, {visitor}")
    axes[2].ecdf(
        asked["pages"],
        label=f"asked for, {visitor}",
        ls="--",
        c=line.get_color(),
    )
axes[2].set(xlabel="pages", ylabel="share of the rows below", ylim=(0, 1))
axes[2].legend()

buyers, n_drawn = model.sample(
    500,
    random_state=0,
    constraint=lambda rows: rows["amount"] > 50,
    return_n_drawn=True,
)
print(
    f"500 rows with an amount above 50 are among {n_drawn} that were drawn"
)
plt.show()
