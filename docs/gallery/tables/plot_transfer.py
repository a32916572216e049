"""
A network from another table
============================

Few rows are not enough for a network, and PCA of few rows is not exact
either. An autoencoder that was fitted to another table with the same
columns knows how they depend on each other, and goes on with
``warm_start=True``. Here are two cases, one where that gains rows and
seconds, and one where it gains nothing.
"""

import copy
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklearn_ae import Autoencoder
from sklearn_ae.metrics import reconstruction_r2


def compare(source, target, held_out, n_components, sizes):
    """Return R² of held-out rows, a row a number of target rows."""
    first = Autoencoder(n_components, max_iter=20, random_state=0).fit(
        source
    )
    print(f"as it is: {reconstruction_r2(first, held_out):.3f}")
    found = {}
    for n in sizes:
        few = target[:n]
        fine = copy.deepcopy(first).set_params(
            warm_start=True, learning_rate_init=0.001
        )
        models = {
            "PCA of the rows": PCA(n_components),
            "from scratch": Autoencoder(
                n_components, max_iter=20, random_state=0
            ),
            "fine-tuned": fine,
            "fine-tuned, encoder frozen": copy.deepcopy(fine).set_params(
                freeze=("encoder",)
            ),
        }
        found[n] = {}
        for name, model in models.items():
            began = perf_counter()
            model.fit(few)
            seconds = perf_counter() - began
            found[n][name] = reconstruction_r2(model, held_out)
            r2 = found[n][name]
            print(f"{n:4d} rows, {name}: {r2:.3f} in {seconds:.2f} s")
    return pd.DataFrame(found).T


# %%
# Houses near the ocean, after those elsewhere, in the units of the others.
here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
houses = pd.read_csv(here.parent / "data" / "housing.csv").dropna()
near = houses.pop("ocean_proximity") == "NEAR OCEAN"
per_household = houses["total_rooms"] / houses["households"]
others = houses[~near]
houses = (houses - others.mean()) / others.std()
ocean = houses[near].sample(frac=1, random_state=0)
by_place = compare(houses[~near], ocean, ocean[150:], 3, [20, 50, 150])

# %%
# The digits from 5 on, after those below. What strokes other digits are
# drawn with says little of these, so that some hundred rows of one's own
# are better.
X, y = load_digits(return_X_y=True)
pixels = pd.DataFrame(X / 16).sample(frac=1, random_state=0)
high = pixels[y[pixels.index] >= 5]
by_digit = compare(
    pixels[y[pixels.index] < 5][:500], high, high[400:], 8, [20, 50, 150]
)

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for axis, table, title in zip(
    axes, [by_place, by_digit], ["houses", "digits"], strict=True
):
    table.plot(ax=axis, marker="o", legend=title == "houses")
    axis.set(
        title=title,
        xlabel="rows of the target",
        ylabel="R² of held-out rows",
    )
plt.show()

# %%
# Columns of frames are known by their names. A table that lacks one, or
# has another, goes on with the weights of those that it shares; the new
# one begins as its regression on the codes.
ocean = ocean.assign(rooms_per_household=per_household).drop(
    columns="total_bedrooms"
)
model = Autoencoder(3, max_iter=10, warm_start=True, random_state=0).fit(
    houses[~near]
)
model.set_params(freeze=("encoder",)).fit(ocean[:150])
print(list(model.feature_names_in_))
columns = ["total_rooms", "households", "rooms_per_household"]
print(ocean[150:][columns].head(3).round(2))
print(model.reconstruct(ocean[150:])[columns].head(3).round(2))
