"""The sparse autoencoder."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sklearn_ae.autoencoders._base import BaseAutoencoder
from sklearn_ae.autoencoders._slots import check_no_conflict
from sklearn_ae.data import Rows
from sklearn_ae.inference import Model
from sklearn_ae.latents import BatchTopK, Deterministic, JumpReLU, Latent, Sigmoid, TopK
from sklearn_ae.penalties import KLSparsity, L1Sparsity, Penalty


class SparseAutoencoder(BaseAutoencoder):
    """Autoencoder whose units are nearly inactive in most rows.

    With the default penalty the code is between 0 and 1, and the objective is

        reconstruction + λ Σⱼ ρ log(ρ/ρ̂ⱼ) + (1-ρ) log((1-ρ)/(1-ρ̂ⱼ)),

    where ρ is `sparsity` and ρ̂ⱼ the mean activation of unit j over the last 1024 training
    rows. There may be more units than features. Units whose activation has become the
    same in every row are reinitialised while training, but for "jumprelu"; `history_` counts
    them.

    Parameters
    ----------
    n_components : int or float, default=None
        Number of units. None takes twice the number of features, from 40 to 256.
    sparsity : float in (0, 1), default=0.05
        Target of each unit's mean activation; otherwise, but for "l1", the share of the
        units that are active in a row.
    sparsity_weight : float, default=None
        The factor λ of the penalty. None takes 0.03 for "kl", 0.1 for "l1" and 1 for
        "jumprelu"; the others have none.
    penalty : {"kl", "l1", "topk", "batch_topk", "jumprelu"}, default="kl"
        "kl" is the divergence above, on a logistic code. "l1" is the L1 norm of a
        real-valued code, relative to its size. "topk" keeps the largest activations of
        each row and sets the others to zero, "batch_topk" those of a batch, so that rows
        differ in how many they have: see :class:`BatchTopK`. "jumprelu" learns from which
        activation on each unit is kept: see :class:`JumpReLU`.
    latent : Latent, default=None
        What stands between encoder and decoder, in place of `penalty`. None means
        :class:`Sigmoid` for "kl", :class:`Deterministic` for "l1", and those named above.

    Attributes
    ----------
    dead_units_ : ndarray of int
        Units whose activation is the same in every training row.

    References
    ----------
    Ng, Sparse autoencoder, CS294A lecture notes, 2011.

    Makhzani and Frey, k-Sparse autoencoders, 2013. :arxiv:`1312.5663`

    Bussmann, Leask and Nanda, BatchTopK sparse autoencoders, 2024. :arxiv:`2412.06410`

    Rajamanoharan et al., Jumping ahead: improving reconstruction fidelity with JumpReLU sparse
    autoencoders, 2024. :arxiv:`2407.14435`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import SparseAutoencoder
    >>> X = load_iris().data
    >>> sparse = SparseAutoencoder(n_components=40, max_iter=5, random_state=0).fit(X)
    >>> print(sparse.transform(X).mean().round(2))
    0.05
    """

    _parameter_constraints: dict = {
        "sparsity": [Interval(Real, 0, 1, closed="neither")],
        "sparsity_weight": [Interval(Real, 0, None, closed="left"), None],
        "penalty": [StrOptions({"kl", "l1", "topk", "batch_topk", "jumprelu"})],
    }
    _overcomplete = True

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        sparsity: float = 0.05,
        sparsity_weight: float | None = None,
        penalty: str = "kl",
        **shared: Any,
    ) -> None:
        super().__init__(n_components, **shared)
        self.sparsity = sparsity
        self.sparsity_weight = sparsity_weight
        self.penalty = penalty

    def _default_components(self, n_features: int) -> int | None:
        return min(256, max(40, 2 * n_features))

    def _latent(self, n_components: int) -> Latent:
        if self.latent is not None:
            check_no_conflict(self, "latent", self.latent, ["penalty"])
            return self.latent
        n_active = max(1, round(self.sparsity * n_components))
        if self.penalty == "topk":
            return TopK(n_active)
        if self.penalty == "batch_topk":
            return BatchTopK(n_active)
        if self.penalty == "jumprelu":
            return JumpReLU(n_active, **self._weight)
        return Sigmoid(self.sparsity) if self.penalty == "kl" else Deterministic()

    def _penalties(self) -> tuple[Penalty, ...]:
        if self.penalty == "l1":
            return (L1Sparsity(**self._weight),)
        return (KLSparsity(self.sparsity, **self._weight),) if self.penalty == "kl" else ()

    @property
    def _weight(self) -> dict[str, float]:
        return {} if self.sparsity_weight is None else {"weight": self.sparsity_weight}

    def _further_attributes(self, model: Model, rows: Rows) -> dict[str, Any]:
        code = model.encode(rows.selected(rows.values), rows.conditions)
        return {"dead_units_": np.flatnonzero(np.ptp(code, axis=0) <= 1e-6)}
