"""Selections of columns, behind one interface."""

from collections.abc import Callable

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.preprocessing import StandardScaler
from torch import nn

from benchmarks.rivals import Rival
from benchmarks.rivals.sklearn_ae import SklearnAERival

Selection = Callable[[np.ndarray, int, int], np.ndarray]


class ByFunction(Rival):
    """A function of rows, k and a seed that returns the positions of k columns.

    Parameters
    ----------
    select : callable
        The function.
    distribution : str
        Whose version is a key of the results.
    """

    def __init__(self, select: Selection, distribution: str = "scikit-learn") -> None:
        self.select = select
        self.distribution = distribution
        self.module = {"scikit-learn": "sklearn"}.get(distribution, distribution)

    def fit(self, X: np.ndarray, k: int, seed: int) -> np.ndarray:
        """Return the positions of k columns."""
        return np.sort(self.select(X, k, seed))


class Ours(SklearnAERival):
    """`sklearn_ae.AutoencoderFeatureSelector`, without a network to rebuild columns."""

    def fit(self, X: np.ndarray, k: int, seed: int) -> np.ndarray:
        """Return the positions of k columns, and note how they were chosen."""
        cls = self.load().AutoencoderFeatureSelector
        selector = cls(k, estimator="ridge", random_state=seed).fit(X)
        self.kept = selector.selection_.kept
        return selector.get_support(indices=True)


def linear(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Choose columns by the fall of the residual of all standardised columns, by deflation."""
    C = np.cov(StandardScaler().fit_transform(X), rowvar=False, bias=True)
    chosen: list[int] = []
    for _ in range(k):
        variance = np.diag(C)
        gain = np.where(variance > 1e-9, (C**2).sum(axis=0) / np.maximum(variance, 1e-9), 0.0)
        gain[chosen] = -1.0
        best = int(gain.argmax())
        chosen.append(best)
        if C[best, best] > 1e-9:
            C = C - np.outer(C[best], C[best]) / C[best, best]
    return np.array(chosen)


def at_random(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Draw columns."""
    return np.random.default_rng(seed).choice(X.shape[1], k, replace=False)


def by_variance(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Choose the columns of the largest variance, in their own units."""
    return np.argsort(-VarianceThreshold().fit(X).variances_, kind="stable")[:k]


def by_loadings(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Choose the columns of which k principal components hold most."""
    pca = PCA(k, svd_solver="full").fit(StandardScaler().fit_transform(X))
    held = pca.explained_variance_ @ pca.components_**2
    return np.argsort(-held, kind="stable")[:k]


def by_correlation(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Choose the columns of the largest squared correlations with all columns, each alone."""

    def score(X: np.ndarray, y: None) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.square(np.nan_to_num(np.corrcoef(X, rowvar=False))).sum(axis=0)

    return SelectKBest(score, k=k).fit(X, np.zeros(len(X))).get_support(indices=True)


class Concrete(nn.Module):
    """A concrete autoencoder: k nodes that each draw a column, and a decoder of one layer.

    Parameters
    ----------
    p : int
        Number of columns.
    k : int
        Number of nodes.
    width : int
        Width of the decoder's hidden layer.

    References
    ----------
    Balın, Abid and Zou, Concrete autoencoders: differentiable feature selection and
    reconstruction, ICML 2019. :arxiv:`1901.09346`
    """

    def __init__(self, p: int, k: int, width: int = 64) -> None:
        super().__init__()
        self.logits = nn.Parameter(0.01 * torch.randn(k, p))
        self.decoder = nn.Sequential(nn.Linear(k, width), nn.LeakyReLU(0.2), nn.Linear(width, p))

    def forward(self, x: torch.Tensor, temperature: float) -> torch.Tensor:
        """Rebuild rows from columns that are drawn."""
        gumbel = -torch.log(-torch.log(torch.rand(self.logits.shape).clamp(1e-7, 1 - 1e-7)))
        picks = torch.softmax((self.logits + gumbel) / temperature, dim=1)
        return self.decoder(x @ picks.T)


def concrete(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Choose columns by a concrete autoencoder, its temperature falling from 10 to 0.01.

    A column that two nodes agree on gives its place to the next one of the second.
    """
    n_steps, n_rows = 1_500, 256
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        Z = torch.from_numpy(StandardScaler().fit_transform(X)).float()
        net = Concrete(Z.shape[1], k)
        optimizer = torch.optim.Adam(
            [{"params": net.logits, "lr": 2e-2}, {"params": net.decoder.parameters(), "lr": 2e-3}]
        )
        for step in range(n_steps):
            rows = Z[torch.randint(len(Z), (n_rows,))]
            loss = (net(rows, 10.0 * (0.01 / 10.0) ** (step / n_steps)) - rows).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    chosen: list[int] = []
    for order in torch.argsort(-net.logits.detach(), dim=1).tolist():
        chosen.append(next(j for j in order if j not in chosen))
    return np.array(chosen)


SELECTORS = {
    "linear": ByFunction(linear),
    "sklearn_ae": Ours(),
    "random": ByFunction(at_random),
    "variance": ByFunction(by_variance),
    "pca_loadings": ByFunction(by_loadings),
    "select_k_best": ByFunction(by_correlation),
    "concrete": ByFunction(concrete, "torch"),
}
