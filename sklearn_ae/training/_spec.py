"""What is trained: the parts of an autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sklearn_ae.architectures import Architecture
from sklearn_ae.corruptions import Corruption
from sklearn_ae.latents import Latent
from sklearn_ae.losses import Loss
from sklearn_ae.penalties import Penalty
from sklearn_ae.starts import Start
from sklearn_ae.terms import Term
from sklearn_ae.training._history import COLUMNS

# Groups of changes of basis of a code, by which of their subgroups they have.
_SYMMETRIES = {
    "linear": frozenset({"linear", "rotation", "permutation", "signs"}),
    "rotation": frozenset({"rotation", "permutation", "signs"}),
    "signed_permutation": frozenset({"permutation", "signs"}),
    "permutation": frozenset({"permutation"}),
    "signs": frozenset({"signs"}),
    "none": frozenset(),
}
# Symmetries of codes that are any numbers.
_FREE = ("linear", "rotation")
# A column with a cell that far beyond the training rows had all but one value in them.
_FARTHEST = 30.0


@dataclass(frozen=True)
class ModelSpec:
    """The slots of an autoencoder, filled.

    A start of None is a network with random weights and no linear path. `validate_corrupted`
    says whether held-out rows are corrupted before a network is validated on them, and
    `defensive_share` which share of a density is that of the start.
    """

    architecture: Architecture
    latent: Latent
    corruption: Corruption | Callable | None
    penalties: tuple[Penalty, ...]
    loss: Loss
    start: Start | None
    validate_corrupted: bool = False
    defensive_share: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters of each slot object against their domains."""
        for penalty in self.penalties:
            if not isinstance(penalty, Penalty):
                raise ValueError(
                    f"penalties={self.penalties!r} holds {penalty!r}, which is not a Penalty; "
                    "use for example penalties=(L1Weights(1e-4),)."
                )
        for part in (self.architecture, self.latent, self.corruption, self.loss, *self.penalties):
            if isinstance(part, BaseEstimator):
                part._validate_params()
        symmetric: tuple[Any, ...] = (self.architecture, self.latent, *self.penalties)
        for each in symmetric:
            if each.symmetry not in _SYMMETRIES:
                raise ValueError(
                    f"{each!r} has symmetry={each.symmetry!r}; use one of {list(_SYMMETRIES)}, "
                    '"none" where in doubt.'
                )
        for penalty in self.penalties:
            _check_names(penalty)
        names = [penalty.name for penalty in self.penalties]
        if len(set(names)) < len(names):
            raise ValueError(
                f"penalties={self.penalties!r} holds two of one kind; leave one of them out."
            )

    def terms(self, n_components: int) -> dict[str, Term]:
        """Build the further terms of the objective, by name.

        Raises
        ------
        TypeError
            If a penalty builds something else.
        """
        built: dict[str, Term] = {}
        for penalty in self.penalties:
            term = penalty.build(n_components, self.latent.bounded)
            if not isinstance(term, Term):
                raise TypeError(
                    f"penalties holds {penalty!r}, which built {term!r:.60}, which is not a "
                    "Term; return one from build, whose forward returns the cost."
                )
            built[penalty.name] = term
        own = self.latent.terms(n_components)
        for name in own.keys() & built.keys():
            raise ValueError(
                f"penalties has the name {name!r}, which is that of a term of {self.latent!r}; "
                "give the penalty another name."
            )
        return {**own, **built}

    @property
    def symmetry(self) -> str:
        """Changes of basis of the code that leave every part of the objective as it is."""
        names = [self.architecture.symmetry, self.latent.symmetry]
        names += [penalty.symmetry for penalty in self.penalties]
        common = frozenset.intersection(*(_SYMMETRIES[name] for name in names))
        return next(name for name, group in _SYMMETRIES.items() if group == common)

    @property
    def largest_move(self) -> float | None:
        """How far beyond the training rows those may lie that the network is to see.

        In standard deviations; None where nothing is known of what lies beyond.
        """
        if self.start is None or self.loss.log_likelihood:
            return None
        if self.validate_corrupted and isinstance(self.corruption, Corruption):
            return self.corruption.largest_move
        additive = self.loss.of_difference and self.latent.symmetry in _FREE
        return _FARTHEST if additive else None

    @property
    def units_may_die(self) -> bool:
        """Whether units of the code may become the same in every row."""
        return self.latent.units_may_die or any(p.units_may_die for p in self.penalties)


def _check_names(penalty: Penalty) -> None:
    """Raise if what a penalty is called, or reads, is not a name that it can have."""
    name = penalty.name
    taken = name in COLUMNS or hasattr(nn.ModuleDict(), name) or name.endswith("_batch_count")
    if taken or not name.isidentifier():
        raise ValueError(
            f"{penalty!r} has name={name!r}, which names something else in history_ or in torch, "
            "or is no identifier; give it another name, its column in history_."
        )
    if isinstance(penalty.reads, str):
        raise ValueError(
            f"{penalty!r} has reads={penalty.reads!r}, a str; use a tuple of names, "
            f"reads = ({penalty.reads!r},)."
        )
