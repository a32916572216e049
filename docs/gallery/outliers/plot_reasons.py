"""
Why a row is strange
====================

``score_samples`` ranks the rows of a table by how strange they are, and
``explain`` says which of their cells make them so.
:class:`~sklearn_ae.inspection.AnomalyDisplay` draws both.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from sklearn_ae import DenoisingAutoencoder
from sklearn_ae.inspection import AnomalyDisplay

# %%
# Three rows get a slip each: a digit too many, a decimal point in another
# place, and a block in Berkeley that is said to be inland.
here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
houses = pd.read_csv(here.parent / "data" / "housing.csv").drop(
    columns="median_house_value"
)
typed = houses.copy()
typed.loc[500, "population"] *= 10
typed.loc[900, "median_income"] *= 10
typed.loc[0, "ocean_proximity"] = "INLAND"

# %%
# The autoencoder learned from the table without slips. `expected` is what
# would make the row most typical, and `share` is how much of its
# strangeness goes with the cell. "INLAND" is a frequent level: it is
# strange only beside this latitude and longitude.
autoencoder = DenoisingAutoencoder(max_iter=10, random_state=0).fit(houses)
print(autoencoder.explain(typed.loc[[500, 900, 0]]))

# %%
# The strangest rows of the table, and what they hold where they are
# strange.
display = AnomalyDisplay.from_estimator(autoencoder, typed)
plt.show()

# %%
# The reasons of one row.
AnomalyDisplay.from_estimator(autoencoder, typed, kind="reasons", rows=[0])
plt.show()
