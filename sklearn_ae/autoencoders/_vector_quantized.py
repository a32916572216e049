"""The vector-quantised autoencoder."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._in_kind import in_kind
from sklearn_ae.autoencoders._slots import fill_slot
from sklearn_ae.data import ArrayForm, as_numpy
from sklearn_ae.latents import Latent, VectorQuantized, VectorQuantizedModule

# Rows of a block whose distances to all words are held.
_BLOCK_ROWS = 4096


class VectorQuantizedAutoencoder(BaseAutoencoder):
    """Autoencoder whose codes are words of codebooks: rows become a few integers.

    Components are dealt to codebooks, and in each group the code is the word e nearest to
    what the encoder writes, z. Minimises

        reconstruction + β ‖z - sg(e)‖² / tr Cov(z₀),

    where the gradient of the reconstruction passes from the word to z as it is, sg means
    without a gradient, and z₀ is z at the start. Words are moving averages of the z that are
    nearest to them. The start is PCA with product k-means of its components, and what
    held-out rows prefer is kept.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1.
    n_codewords : int, default=64
        Words of each codebook. More words restore more, and take log2(n_codewords) bits.
        Those that are more than there are rows repeat others, and no row has them.
    n_codebooks : int, default=None
        Number of codebooks, no more than components. None takes one for two components.
        With 1 and `hidden_layer_sizes=()`, codes are those of k-means.
    commitment : float, default=1.0
        The factor β.
    decay : float in (0, 1), default=0.95
        What a batch leaves of the averages before it.
    latent : VectorQuantized, default=None
        What stands between encoder and decoder, in place of `n_codewords`, `n_codebooks`,
        `commitment` and `decay`.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_codebooks, n_codewords, n_components_)
        The words, zero in the components of other codebooks: a row's code is the sum of one
        word of each.

    See Also
    --------
    sklearn.cluster.KMeans : One codebook of rows, without an encoder.

    References
    ----------
    van den Oord, Vinyals and Kavukcuoglu, Neural discrete representation learning, NeurIPS
    2017. :arxiv:`1711.00937`

    Jégou, Douze and Schmid, Product quantization for nearest neighbor search, IEEE TPAMI
    2011. :doi:`10.1109/TPAMI.2010.57`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import VectorQuantizedAutoencoder
    >>> X = load_iris().data
    >>> quantized = VectorQuantizedAutoencoder(4, max_iter=5, random_state=0).fit(X)
    >>> quantized.predict_codes(X).shape
    (150, 2)
    """

    _parameter_constraints: dict = {
        "n_codewords": [Interval(Integral, 1, None, closed="left")],
        "n_codebooks": [Interval(Integral, 1, None, closed="left"), None],
        "commitment": [Interval(Real, 0, None, closed="left")],
        "decay": [Interval(Real, 0, 1, closed="neither")],
        "latent": [VectorQuantized, None],
    }

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        n_codewords: int = 64,
        n_codebooks: int | None = None,
        commitment: float = 1.0,
        decay: float = 0.95,
        latent: VectorQuantized | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(n_components, latent=latent, **shared)
        self.n_codewords = n_codewords
        self.n_codebooks = n_codebooks
        self.commitment = commitment
        self.decay = decay

    def _latent(self, n_components: int) -> Latent:
        return fill_slot(self, "latent", VectorQuantized)

    @in_kind
    def predict_codes(self, X: ArrayLike, condition: ArrayLike | None = None) -> NDArray[np.int64]:
        """Return the numbers of the words of rows.

        As `KMeans.predict` does for one codebook; `predict` says who is an outlier.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of finite numbers.
        condition : array-like of shape (n_samples,) or (n_samples, n_conditions), default=None
            As in `fit`. A scalar holds for every row.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_codebooks), int64
            Positions in the second axis of `codebook_`. The words there add up to the code
            that `transform` returns.
        """
        values, given = self._read(X, condition)
        model = self._model
        latent = cast(VectorQuantizedModule, model.in_precision(np.float64).latent)
        # A code is a word, to which no other is nearer.
        codes = torch.from_numpy(model.encode(as_numpy(values), given) / model.code_scale)
        found = [latent.indices(part.to(latent.codebook)) for part in codes.split(_BLOCK_ROWS)]
        return torch.cat(found).cpu().numpy()

    @property
    def codebook_(self) -> NDArray[np.float64]:
        """The words in the units of the code."""
        check_is_fitted(self)
        model = self._model
        latent = cast(VectorQuantizedModule, model.module.latent)
        words = latent.words.double().cpu().numpy() * model.code_scale
        return ArrayForm.of(self.explained_variance_ratio_).back(words)
