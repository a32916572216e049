"""
Do generated rows look real?
============================

:class:`~sklearn_ae.VariationalAutoencoder` generates rows of a table.
:class:`~sklearn_ae.inspection.SyntheticReport` compares them with rows
that it has not seen: the distribution of each column, the dependence in
each pair, a classifier that is to tell real from synthetic, a model that
learns from synthetic rows alone, and the distance to training rows.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.model_selection import train_test_split

from sklearn_ae import VariationalAutoencoder
from sklearn_ae.inspection import SyntheticReport

# %%
# Blocks of houses, with a category and missing cells. What is counted is
# stored as whole numbers, so that rows are drawn with whole numbers. The
# generator learns from two thirds of the table.
here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
houses = pd.read_csv(here.parent / "data" / "housing.csv")
counted = [
    "housing_median_age",
    "total_rooms",
    "population",
    "households",
    "median_house_value",
]
houses[counted] = houses[counted].astype(int)
train, held_out = train_test_split(houses, test_size=1 / 3, random_state=0)
model = VariationalAutoencoder(max_iter=20, random_state=0).fit(train)
report = SyntheticReport.from_estimator(
    model,
    train,
    held_out,
    target="median_house_value",
    random_state=0,
    missing=True,
)
print(report.summary().round(3))

# %%
# What differs most: the distributions that are least alike, and the pairs.
figure, axes = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
report.plot_marginals(ax=axes[0])
report.plot_pairs(ax=axes[1])
plt.show()

# %%
# Two columns, one of numbers and one of levels.
figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
report.plot_column("median_house_value", ax=axes[0])
report.plot_column("ocean_proximity", ax=axes[1])
plt.show()

# %%
# What the classifier says of each row, and how near rows come to the
# training rows. A curve of synthetic rows above that of real ones would be
# a sign that training rows are repeated.
figure, axes = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
report.plot_chances(ax=axes[0])
report.plot_privacy(ax=axes[1])
plt.show()
