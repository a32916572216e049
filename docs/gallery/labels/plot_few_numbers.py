"""
Prices from few that are known
==============================

:class:`~sklearn_ae.AutoencoderRegressor` learns numbers from few rows that
have one, and from many that have none.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ae import Autoencoder, AutoencoderRegressor

# %%
# Prices of houses in California. Rows without a price are marked by NaN.
here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
houses = pd.read_csv(here.parent / "data" / "housing.csv").dropna()
houses = houses.sample(1500, random_state=0)
price = houses.pop("median_house_value").to_numpy() / 1000
X = houses.select_dtypes("number").to_numpy()
train, test = np.arange(1000), np.arange(1000, 1500)

rivals = {
    "ridge": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3))),
    "boosted trees": HistGradientBoostingRegressor(random_state=0),
}
counts = [30, 100, 300]
r2 = {name: [] for name in [*rivals, "AutoencoderRegressor"]}
for count in counts:
    for name, rival in rivals.items():
        rival.fit(X[:count], price[:count])
        r2[name].append(rival.score(X[test], price[test]))
    few = np.where(train < count, price[train], np.nan)
    model = AutoencoderRegressor(Autoencoder(max_iter=0), random_state=0)
    model.fit(X[train], few)
    r2["AutoencoderRegressor"].append(model.score(X[test], price[test]))
pd.DataFrame(r2, index=counts).round(2)

# %%
# What each candidate counts, with 300 prices, and what comes out.
best = model.candidates_.sort_values("weight", ascending=False)
print(best.head(4).round(3).to_string(index=False))
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, found in r2.items():
    axes[0].plot(counts, found, marker="o", label=name)
axes[0].set(
    xlabel="prices that are known", ylabel="R² of new rows", xscale="log"
)
axes[0].set_xticks(counts, map(str, counts))
axes[0].legend()
axes[1].plot(price[test], model.predict(X[test]), ".", ms=4)
axes[1].axline((200, 200), slope=1, color="0.6", lw=1)
axes[1].set(xlabel="price, 1,000 dollars", ylabel="predicted")
plt.show()
