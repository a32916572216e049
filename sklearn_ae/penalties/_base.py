"""What a penalty owes to the rest of the library."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from sklearn_ae.runtime import NamesParameters
from sklearn_ae.terms import Term


class Penalty(NamesParameters, ABC):
    """Stores hyperparameters of a term; builds it when the width of the code is known.

    Attributes
    ----------
    name : str
        Its column in `history_`; the name of the class in snake case by default.
    reads : tuple of str
        Companions of the rows that the term reads, which `fit` has to be given.
    symmetry : str
        Changes of basis of the code that leave the term as it is; see `Latent`.
    units_may_die : bool
        Whether units of the code may fall dead.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_ae import Autoencoder, Penalty, Term
    >>> class CodeNorm(Term):
    ...     per_row = True
    ...
    ...     def forward(self, network, batch, result, generator):
    ...         return 0.01 * result.code.sample.square().sum(dim=1)
    >>> class SmallCodes(Penalty):
    ...     symmetry = "rotation"
    ...
    ...     def build(self, n_components, bounded):
    ...         return CodeNorm()
    >>> autoencoder = Autoencoder(2, penalties=(SmallCodes(),), max_iter=5, random_state=0)
    >>> "small_codes" in autoencoder.fit(load_iris().data).history_
    True
    """

    name: str
    reads: tuple[str, ...] = ()
    symmetry: str = "none"
    units_may_die: bool = False
    _parameter_constraints: dict = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower().strip("_")

    @abstractmethod
    def build(self, n_components: int, bounded: bool) -> Term:
        """Build the torch part for codes of some width, in [0, 1] if they are bounded."""
