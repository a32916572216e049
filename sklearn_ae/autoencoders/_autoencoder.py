"""The plain autoencoder."""

from __future__ import annotations

from sklearn_ae.autoencoders._base import BaseAutoencoder


class Autoencoder(BaseAutoencoder):
    """Autoencoder that starts from PCA and keeps what held-out rows prefer.

    Minimises the squared reconstruction error in X's own units,
    sum_ij (x_ij - xhat_ij)^2, which is the objective of PCA. Encoder and decoder are each
    the sum of PCA's linear map and a network whose last layer starts at zero:
    z = x A + f(x), xhat = z B + g(z). Every epoch is compared with PCA fitted on the same
    training part, on rows that neither has seen, and PCA fitted on all rows is returned
    if it wins. Put a StandardScaler in front if columns shall count equally, as with PCA.

    Parameters
    ----------
    n_components : int or float, default=None
        Width of the code. A float in (0, 1) takes as many components as PCA needs for
        that share of the variance. None takes as many as PCA needs for 95 % of it, but at
        most half the number of features and at least 1; of sparse rows of more than 2²⁵
        cells, at most 64.

    See Also
    --------
    sklearn.decomposition.PCA : The linear start.
    sklearn_ae.metrics.reconstruction_r2 : A scorer that also works on PCA and Pipelines.

    References
    ----------
    Hinton and Salakhutdinov, Reducing the dimensionality of data with neural networks,
    Science 2006. :doi:`10.1126/science.1127647`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder
    >>> X = load_iris().data
    >>> autoencoder = Autoencoder(n_components=2, random_state=0).fit(X)
    >>> autoencoder.transform(X).shape
    (150, 2)
    >>> autoencoder.reconstruct(X).shape
    (150, 4)
    """
