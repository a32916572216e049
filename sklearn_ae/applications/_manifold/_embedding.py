"""The learner that embeds rows, and what it may return."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import sklearn.gaussian_process.kernels  # noqa: F401  Isomap imports it in its first fit
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.manifold import Isomap

from sklearn_ae.autoencoders import Autoencoder, BaseAutoencoder
from sklearn_ae.data import as_numpy
from sklearn_ae.penalties import LocalStress
from sklearn_ae.runtime import Seeds

# Neighbours of Isomap; with scikit-learn's 5, paths in the graph are longer than those in the data.
_NEIGHBOURS = 10


def learner_of(
    embedding: Any, n_components: int, n: int, device: str, random_state: Any, seeds: Seeds
) -> Any:
    """Return a clone of the learner, with the parameters that are set outside of it.

    Parameters
    ----------
    embedding : estimator, "autoencoder" or None
        What was given.
    n_components : int
        Width of the code.
    n : int
        Number of rows that it is to embed.
    device : str
        Of an autoencoder.
    random_state : int, RandomState or None
        If not None, a learner without a seed gets one.
    seeds : Seeds
        Where it comes from.

    Raises
    ------
    TypeError
        If it has no `fit_transform`.
    ValueError
        If it has another width of its own.
    """
    if embedding is None:
        learner = Isomap(n_neighbors=min(_NEIGHBOURS, n - 1))
    elif isinstance(embedding, str) and embedding == "autoencoder":
        learner = Autoencoder(penalties=(LocalStress(),))
    elif inspect.isclass(embedding) or not callable(getattr(embedding, "fit_transform", None)):
        raise TypeError(
            f"embedding={embedding!r} has no fit_transform; give a learner that has one, such as "
            "sklearn.manifold.TSNE() or openTSNE.sklearn.TSNE(), or 'autoencoder'."
        )
    else:
        learner = clone(embedding)
    given = learner.get_params(deep=False)
    default = _default(type(learner), "n_components")
    if "n_components" in given:
        own = given["n_components"]
        if own not in (default, n_components):
            raise ValueError(
                f"n_components={n_components!r}, but embedding={embedding!r} has n_components="
                f"{own!r}; set n_components={own!r} of ManifoldAutoencoder."
            )
        learner.set_params(n_components=n_components)
    if "random_state" in given and given["random_state"] is None and random_state is not None:
        learner.set_params(random_state=int(seeds.numpy("embedding").integers(2**31)))
    if isinstance(learner, BaseAutoencoder) and device != "cpu":
        learner.set_params(device=device)
    return learner


def embed(learner: Any, X: NDArray, n_components: int) -> NDArray[np.float64]:
    """Return the codes that a learner gives rows.

    Parameters
    ----------
    learner : estimator
        It is fitted.
    X : ndarray of shape (n, p)
        Rows.
    n_components : int
        Width of the code.

    Raises
    ------
    ValueError
        If there are too few rows for it, or it returns other than a finite number for each row
        and component.
    """
    n = len(X)
    neighbours = getattr(learner, "n_neighbors", None)
    if isinstance(neighbours, int) and neighbours >= n:
        raise ValueError(
            f"n_neighbors={neighbours} of {type(learner).__name__} exceeds the {n - 1} other rows "
            f"(n_samples = {n}); use embedding={type(learner).__name__}(n_neighbors={n - 1}), or "
            "more rows."
        )
    try:
        found = learner.fit_transform(X)
    except (ValueError, np.linalg.LinAlgError, TypeError) as error:
        raise ValueError(
            f"{type(learner).__name__} cannot embed X of shape {X.shape} (n_samples = {n}): "
            f"{error}. Set its parameters for such rows, or give another embedding."
        ) from error
    try:
        if np.iscomplexobj(as_numpy(found)):
            raise TypeError("the numbers are complex")
        Z = np.asarray(as_numpy(found), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{type(learner).__name__} returned {found!r:.100} for {n} rows: {error}; it has to "
            f"be an array of real numbers of shape {(n, n_components)}."
        ) from error
    if Z.shape != (n, n_components):
        raise ValueError(
            f"{type(learner).__name__} returned an array of shape {Z.shape} for {n} rows and "
            f"n_components={n_components}; it has to be {(n, n_components)}: set n_components of "
            "both."
        )
    bad = ~np.isfinite(Z).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{type(learner).__name__} returned {Z[bad][0].tolist()} for row "
            f"{int(np.flatnonzero(bad)[0])}, and {int(bad.sum())} rows in all are not finite; drop "
            "rows that are equal, set its parameters, or give another embedding."
        )
    return Z


def _default(cls: type, name: str) -> Any:
    parameter = inspect.signature(cls.__init__).parameters.get(name)  # type: ignore[misc]
    return None if parameter is None else parameter.default
