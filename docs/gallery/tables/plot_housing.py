"""
A table without preprocessing
=============================

The table of houses in California has numbers of very different scales, a
column of text and missing values. :class:`~sklearn_ae.Autoencoder` takes
it as ``read_csv`` gives it: each kind of column has a loss of its own,
missing cells have none, and a reconstruction comes back as a frame with
the same columns and dtypes.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklearn_ae import Autoencoder

# %%
# 2,400 of the 20,640 rows.
here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
houses = pd.read_csv(here.parent / "data" / "housing.csv")
value = houses.pop("median_house_value")
print(houses.dtypes)
print(houses.isna().sum()["total_bedrooms"], "missing values")

# %%
# A grid search over the width of the code, scored by ridge regression on
# the codes.
search = GridSearchCV(
    Pipeline(
        [
            ("codes", Autoencoder(max_iter=10, random_state=0)),
            ("ridge", Ridge()),
        ]
    ),
    {"codes__n_components": [2, 6]},
    cv=2,
).fit(houses, value)
print(search.cv_results_["mean_test_score"].round(3))

# %%
# The frame as a code of four numbers keeps it, beside the frame.
autoencoder = Autoencoder(4, max_iter=10, random_state=0).fit(houses)
rebuilt = autoencoder.reconstruct(houses)
columns = ["latitude", "households", "median_income", "ocean_proximity"]
print(houses[columns].head(4))
print(rebuilt[columns].head(4).round(2))

# %%
# Two of the numbers, by the column of text and by the value that the code
# never saw; and the mean error of each column, as a share of what its best
# constant would leave.
codes = autoencoder.transform(houses)
errors = autoencoder.reconstruction_errors(houses).mean().sort_values()
figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for place, rows in houses.groupby("ocean_proximity").groups.items():
    axes[0].scatter(codes[rows, 0], codes[rows, 1], s=6, label=place)
axes[0].legend(fontsize=7, markerscale=2)
axes[0].set(title="by place", xlabel="autoencoder0", ylabel="autoencoder1")
colours = axes[1].scatter(codes[:, 0], codes[:, 1], s=6, c=value / 1000)
figure.colorbar(colours, ax=axes[1], label="median value, 1,000 dollars")
axes[1].set(title="by value", xlabel="autoencoder0")
axes[2].barh(errors.index, errors)
axes[2].set(title="error, as a share of a constant's")
plt.show()
