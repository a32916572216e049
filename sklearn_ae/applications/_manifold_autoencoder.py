"""Manifold learners with codes of new rows, and rows of codes."""

from __future__ import annotations

import os
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_ae.applications._manifold import (
    MAPS,
    Affine,
    candidates,
    choose_decoder,
    choose_encoder,
    embed,
    learner_of,
    make_map,
)
from sklearn_ae.autoencoders import BaseAutoencoder, StateMixin, checkpointed, in_kind
from sklearn_ae.data import (
    ArrayForm,
    Container,
    as_numpy,
    check_accepted,
    objects_as_numbers,
)
from sklearn_ae.runtime import Seeds, named_in_errors
from sklearn_ae.sources._opening import refuse_source

_DTYPES = (np.float64, np.float32)
# An error whose square and sums of it are numbers.
_LARGEST = 1e150


class ManifoldAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, StateMixin):
    """Give a manifold learner codes of new rows, and rows of codes.

    The learner embeds the training rows once, and its codes stay as they are. Two maps are then
    fitted, from rows to codes and from codes to rows. Both start as charts: around each of some
    landmarks an affine map, the ridge regression of its 25 nearest rows, and the five nearest
    blended. The others compete on rows that were held out of the maps, by trustworthiness for the
    codes and by R² for the rows, and one is kept if it is better by more than .002 and a standard
    error.

    Parameters
    ----------
    embedding : estimator with `fit_transform`, "autoencoder" or None, default=None
        What embeds the rows: a learner of scikit-learn, such as
        :class:`~sklearn.manifold.TSNE`, or of another library, such as `umap.UMAP`,
        `pacmap.PaCMAP` or `openTSNE.sklearn.TSNE`. None stands for
        :class:`~sklearn.manifold.Isomap` with 10 neighbours. "autoencoder" stands for an
        :class:`Autoencoder` with :class:`LocalStress`; encoder and decoder are then its own, as
        are those of an autoencoder of this library that is given.
    n_components : int, default=2
        Width of the code; the learner gets it.
    encoder : {"auto", "charts", "medoids", "averages", "nystroem", "network"}, default="auto"
        The map from rows to codes. "medoids" answers with one of the codes of the five nearest
        landmarks, the one nearest to the others, and "averages" with their weighted mean.
        "nystroem" is a kernel ridge regression on 300 landmarks, and "network" one with two
        hidden layers, each beside a linear map.
    decoder : {"auto", "charts", "medoids", "averages", "nystroem", "network"}, default="auto"
        The map from codes to rows.
    n_landmarks : int or None, default=500
        Landmarks of "medoids" and "averages" at most. None takes every row that was embedded, and
        the estimator then holds them.
    max_samples : int or None, default=5000
        Rows that the learner embeds at most, drawn at random. None embeds all.
    checkpoint : str or path-like, default=None
        Folder in which a fit is kept after each epoch of its networks. The same call goes on from
        there where it was broken off, and ends bit for bit as if it had not been. See
        :doc:`/user_guide/checkpoints`.
    device : str, default="cpu"
        "cpu", "cuda", "cuda:1", "mps" or "auto", for an autoencoder. Others are on the CPU.
    random_state : int, RandomState or None, default=None
        Feeds every draw. If it is not None, a learner whose own is None gets a seed from it.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_embedded, n_components)
        Codes of the learner.
    sample_indices_ : ndarray of shape (n_embedded,), int
        The training rows that it embedded.
    encoder_, decoder_ : str
        The maps that were kept; "autoencoder" for the learner's own.
    validation_trustworthiness_ : dict of str to float or None
        Of each map from rows to codes, that of held-out rows among the others; None if nothing
        was held out.
    validation_r2_ : dict of str to float or None
        Of each map from codes to rows, that of held-out rows by their codes; None if nothing was
        held out.
    estimator_ : BaseAutoencoder
        The fitted autoencoder; only if the learner is one.
    n_components_ : int
        Width of the code.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of str
        Their names, if X has any.

    See Also
    --------
    Autoencoder : Codes by a network that starts at PCA, which folds what is rolled up.
    LocalStress : A term that asks a code to keep distances between neighbours.

    Notes
    -----
    Neither the learner nor, with landmarks, a training row is stored. Below 50 rows nothing is held
    out, and charts are kept. Below 1,000 each row is held out once, and no network competes; from
    there on a fifth of them is held out, 1,000 at most. `fit_transform` gives codes by the map, as
    `transform` does, and `embedding_` those of the learner. Distances are Euclidean ones of the
    columns as they are: scale columns first that are to count equally.

    References
    ----------
    Brand, Charting a manifold, NIPS 2002.

    Venna and Kaski, Neighborhood preservation in nonlinear projection methods, ICANN 2001.
    :doi:`10.1007/3-540-44668-0_68`

    Bengio et al., Out-of-sample extensions for LLE, Isomap, MDS, eigenmaps, and spectral
    clustering, NIPS 2003.

    Williams and Seeger, Using the Nyström method to speed up kernel machines, NIPS 2000.

    Examples
    --------
    >>> from sklearn.datasets import make_swiss_roll
    >>> from sklearn_ae import ManifoldAutoencoder
    >>> X, _ = make_swiss_roll(1200, random_state=0)
    >>> roll = ManifoldAutoencoder(random_state=0).fit(X[:1000])
    >>> roll.encoder_
    'charts'
    >>> Z = roll.transform(X[1000:])
    >>> Z.shape
    (200, 2)
    >>> bool(abs(roll.inverse_transform(Z) - X[1000:]).max() < 2.0)
    True
    """

    _parameter_constraints: dict = {
        "embedding": "no_validation",
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "encoder": [StrOptions({"auto", *MAPS})],
        "decoder": [StrOptions({"auto", *MAPS})],
        "n_landmarks": [Interval(Integral, 2, None, closed="left"), None],
        "max_samples": [Interval(Integral, 2, None, closed="left"), None],
        "checkpoint": [str, os.PathLike, None],
        "device": [str],
        "random_state": ["random_state"],
    }

    estimator_: BaseAutoencoder

    @named_in_errors
    def __init__(
        self,
        embedding: Any = None,
        n_components: int = 2,
        *,
        encoder: str = "auto",
        decoder: str = "auto",
        n_landmarks: int | None = 500,
        max_samples: int | None = 5_000,
        checkpoint: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
    ) -> None:
        self.embedding = embedding
        self.n_components = n_components
        self.encoder = encoder
        self.decoder = decoder
        self.n_landmarks = n_landmarks
        self.max_samples = max_samples
        self.checkpoint = checkpoint
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Embed rows, and learn both maps.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows of numbers, none of them missing.
        y : ignored
            Here for scikit-learn's interface.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If `embedding` has no `fit_transform`.
        ValueError
            If the learner cannot embed the rows, or returns other than a finite number for each
            row and component, or if the rows or a parameter are out of their domain. The
            estimator is then as it was before.
        """
        self._validate_params()
        before = self.__dict__.copy()
        try:
            with checkpointed(self, X=X):
                self._fit(X)
            ArrayForm.of(X).mark(self.__dict__)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    def _fit(self, X: ArrayLike) -> None:
        refuse_source(self, X)
        check_accepted(X)
        seeds = Seeds.of(self.random_state)
        given = as_numpy(X)
        checked = validate_data(self, given, dtype=_DTYPES, ensure_min_samples=2)
        rows = checked.astype(np.float64)
        self._container = Container.of(given)
        own = isinstance(self.embedding, str | BaseAutoencoder)
        self.sample_indices_ = self._sample(len(rows), own, seeds)
        rows = rows[self.sample_indices_]
        learner = learner_of(
            self.embedding, self.n_components, len(rows), self.device, self.random_state, seeds
        )
        self.embedding_ = embed(learner, rows, self.n_components)
        self.n_components_ = int(self.n_components)
        self.__dict__.pop("estimator_", None)
        if own:
            self.estimator_ = learner
        self._fit_maps(rows, own, seeds)

    def _sample(self, n: int, own: bool, seeds: Seeds) -> NDArray[np.intp]:
        """Draw the rows that are embedded; an autoencoder sees all."""
        if self.max_samples is None or n <= self.max_samples or own:
            return np.arange(n)
        return np.sort(seeds.numpy("rows").permutation(n)[: self.max_samples])

    def _fit_maps(self, rows: NDArray, own: bool, seeds: Seeds) -> None:
        def fit(name: str, A: NDArray, B: NDArray) -> Any:
            return make_map(name, self.n_landmarks).fit(A, B, seeds)

        self._units = Affine(rows), Affine(self.embedding_)
        A = self._units[0].standard(rows)
        B = self._units[1].standard(self.embedding_)
        self._maps = [None, None]
        self.encoder_ = self.decoder_ = "autoencoder"
        self.validation_trustworthiness_ = self.validation_r2_ = None
        if not own or self.encoder != "auto":
            names = candidates(self.encoder, len(A))
            chosen = choose_encoder(names, A, B, fit, seeds)
            self.encoder_, self.validation_trustworthiness_ = chosen
            self._maps[0] = fit(self.encoder_, A, B)
        if not own or self.decoder != "auto":
            names = candidates(self.decoder, len(A))
            encoder = MAPS[0] if self._maps[0] is None else self.encoder_
            self.decoder_, self.validation_r2_ = choose_decoder(names, A, B, encoder, fit, seeds)
            self._maps[1] = fit(self.decoder_, B, A)

    @in_kind
    def transform(self, X: ArrayLike) -> NDArray:
        """Return codes of rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows, of the training or not.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Codes, float32 if X is, and else float64.
        """
        check_is_fitted(self)
        rows = self._read(X)
        return self._codes(rows.astype(np.float64)).astype(rows.dtype)

    @in_kind
    def inverse_transform(self, X: ArrayLike) -> Any:
        """Return rows of codes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Codes, of rows or not.

        Returns
        -------
        X_rebuilt : ndarray or data frame of shape (n_samples, n_features)
            Rows in the container that `fit` saw.
        """
        check_is_fitted(self)
        check_accepted(X)
        codes = check_array(objects_as_numbers(X), dtype=_DTYPES, input_name="X")
        if codes.shape[1] != self.n_components_:
            raise ValueError(
                f"X has {codes.shape[1]} columns, but codes have {self.n_components_}; pass what "
                "transform returned."
            )
        rows = self._rows(codes.astype(np.float64)).astype(codes.dtype)
        return self._container.wrap(rows, X)

    @in_kind
    def reconstruct(self, X: ArrayLike) -> Any:
        """Return rows of the codes of rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_rebuilt : ndarray or data frame of shape (n_samples, n_features)
            In the container of X.
        """
        check_is_fitted(self)
        rows = self._read(X)
        rebuilt = self._rows(self._codes(rows.astype(np.float64))).astype(rows.dtype)
        return Container.of(X).wrap(rebuilt, X)

    @in_kind
    def score_samples(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return minus the squared error of each row's reconstruction.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,), float64
            In the squared units of X; rows off the manifold have low ones.
        """
        check_is_fitted(self)
        rows = self._read(X).astype(np.float64)
        error = rows - self._rows(self._codes(rows))
        return -np.square(np.clip(error, -_LARGEST, _LARGEST)).sum(axis=1)

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Return the mean of `score_samples`.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.
        y : ignored
            Here for scikit-learn's interface.

        Returns
        -------
        score : float
            In the squared units of X. :func:`~sklearn_ae.metrics.reconstruction_r2` has none.
        """
        return float(np.mean(as_numpy(self.score_samples(X))))

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _read(self, X: ArrayLike) -> NDArray:
        check_accepted(X)
        return validate_data(self, X, dtype=_DTYPES, reset=False)

    def _codes(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._maps[0] is None:
            return as_numpy(self.estimator_.transform(rows))
        return self._units[1].original(self._maps[0](self._units[0].standard(rows)))

    def _rows(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._maps[1] is None:
            return as_numpy(self.estimator_.inverse_transform(codes))
        return self._units[0].original(self._maps[1](self._units[1].standard(codes)))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_maps")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
