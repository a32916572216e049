"""What to train and how, once parameters are resolved for the data at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sklearn.base import BaseEstimator

from sklearn_ae.architectures import Architecture
from sklearn_ae.corruptions import Corruption
from sklearn_ae.data import Rows
from sklearn_ae.latents import Latent
from sklearn_ae.losses import Loss
from sklearn_ae.penalties import Penalty
from sklearn_ae.starts import Start

# Groups of changes of basis of a code, by which of their subgroups they have.
_SYMMETRIES = {
    "linear": frozenset({"linear", "rotation", "permutation", "signs"}),
    "rotation": frozenset({"rotation", "permutation", "signs"}),
    "signed_permutation": frozenset({"permutation", "signs"}),
    "permutation": frozenset({"permutation"}),
    "signs": frozenset({"signs"}),
    "none": frozenset(),
}
# Cells of a batch, and of all epochs, where dense rows would not be held as a whole.
_BATCH_CELLS = 2**24
_READ_CELLS = 2**34


@dataclass(frozen=True)
class ModelSpec:
    """The slots of an autoencoder, filled.

    A start of None is a network with random weights and no linear path. `validate_corrupted`
    says whether held-out rows are corrupted before a network is judged by them, and
    `mixture` which share of a density is that of the start.
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
        names = [penalty.name for penalty in self.penalties]
        if len(set(names)) < len(names):
            raise ValueError(
                f"penalties={self.penalties!r} holds two of one kind; leave one of them out."
            )

    @property
    def symmetry(self) -> str:
        """Changes of basis of the code that leave every part of the objective as it is."""
        names = [self.architecture.symmetry, self.latent.symmetry]
        names += [penalty.symmetry for penalty in self.penalties]
        common = frozenset.intersection(*(_SYMMETRIES[name] for name in names))
        return next(name for name, group in _SYMMETRIES.items() if group == common)

    @property
    def reach(self) -> float | None:
        """How far beyond the training rows those may lie that are restored, if that is known."""
        additive = self.start is not None and not self.loss.log_likelihood
        if self.validate_corrupted and additive and isinstance(self.corruption, Corruption):
            return self.corruption.reach
        return None

    @property
    def units_may_die(self) -> bool:
        """Whether units of the code may become the same in every row."""
        return self.latent.units_may_die or any(p.units_may_die for p in self.penalties)


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; None asks for the rule by data size."""

    n_components: int
    learning_rate_init: float = 3e-3
    alpha: float = 0.01
    batch_size: int | None = None
    max_iter: int | None = None
    early_stopping: bool = True
    validation_fraction: float = 0.1
    n_iter_no_change: int = 15
    tol: float = 1e-4
    device: str = "cpu"
    callbacks: tuple = ()
    verbose: int = 0

    def batch_rows(self, rows: Rows) -> int:
        """Rows a batch: a power of two below n / 4, from 32 to 128, or to 1024 above 10,000.

        Large compact rows come in batches of no more than 2^24 cells, but 32 rows at least.
        """
        n_rows = rows.n_rows
        if self.batch_size is not None:
            return min(self.batch_size, n_rows)
        if n_rows > 10_000:
            size = min(1024, 2 ** (n_rows // 64).bit_length() // 2)
        else:
            size = max(32, min(128, 2 ** (n_rows // 4).bit_length() // 2))
        if rows.large:
            size = min(size, max(32, 2 ** (_BATCH_CELLS // rows.n_features).bit_length() // 2))
        return size

    def held_out_rows(self, n_rows: int) -> int:
        """Rows to judge by: the fraction asked for, but no less than 50 or a fifth of all."""
        asked = round(self.validation_fraction * n_rows)
        return min(max(asked, min(50, n_rows // 5)), n_rows - 1)

    def epochs(self, rows: Rows) -> int:
        """Epochs: 60 up to 10,000 rows, then falling as n ** -0.5, 12 at least.

        Large compact rows have fewer where epochs would read more than 2^34 cells, but 4 at
        least.
        """
        if self.max_iter is not None:
            return self.max_iter
        n_epochs = max(12, round(60 * min(1.0, (10_000 / rows.n_rows) ** 0.5)))
        if rows.large:
            n_epochs = min(n_epochs, max(4, _READ_CELLS // (rows.n_rows * rows.n_features)))
        return n_epochs
