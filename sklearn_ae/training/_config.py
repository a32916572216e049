"""How it is trained, once parameters are resolved for the data at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skorch.callbacks import Callback, InputShapeSetter

from sklearn_ae._compat import AdamW
from sklearn_ae.data import Rows

# Cells of a batch, and of all epochs, where dense rows would not be held as a whole.
_BATCH_CELLS = 2**24
_READ_CELLS = 2**34
# Epochs at least, up to so many rows of a file.
_FEWEST, _MANY = 12, 1_000_000


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
    optimizer: Callable | None = None
    callbacks: tuple = ()
    verbose: int = 0
    freeze: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Make callbacks of classes, and refuse what cannot act here."""
        object.__setattr__(self, "callbacks", tuple(map(_made, self.callbacks)))
        for callback in self.bare_callbacks:
            if isinstance(callback, InputShapeSetter):
                raise ValueError(
                    f"callbacks holds {callback!r}, which builds another network; leave it out, "
                    "as the width of X is known here."
                )

    @property
    def bare_callbacks(self) -> list[Callback]:
        """The callbacks without their names."""
        return [bare(callback) for callback in self.callbacks]

    @property
    def optimizer_parameters(self) -> dict[str, Any]:
        """Parameters of the net that say how weights are updated."""
        if self.optimizer is not None:
            return {"optimizer": self.optimizer}
        return {"optimizer": AdamW, "optimizer__weight_decay": self.alpha}

    def batch_rows(self, rows: Rows) -> int:
        """Rows a batch: a power of two below n / 4, from 32 to 128, or to 1024 above 10,000.

        Large compact rows come in batches of no more than 2^24 cells, but 32 rows at least.
        Workers take equal parts of a batch.
        """
        return max(1, self._batch_rows(rows, rows.n_of_all) // rows.workers.count)

    def _batch_rows(self, rows: Rows, n_rows: int) -> int:
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
        """Rows to validate on: the fraction asked for, but no less than 50 or a fifth of all."""
        asked = round(self.validation_fraction * n_rows)
        return min(max(asked, min(50, n_rows // 5)), n_rows - 1)

    def epochs(self, rows: Rows) -> int:
        """Epochs: 60 up to 10,000 rows, then falling as n ** -0.5, 12 at least.

        Large compact rows have fewer where epochs would read more than 2^34 cells, but 4 at
        least. Those in a file have 12 up to 1,000,000, then falling again, 1 at least.
        """
        if self.max_iter is not None:
            return self.max_iter
        n_rows = rows.n_of_all
        if rows.spooled and n_rows > _MANY:
            return max(1, round(_FEWEST * (_MANY / n_rows) ** 0.5))
        n_epochs = max(_FEWEST, round(60 * min(1.0, (10_000 / n_rows) ** 0.5)))
        if rows.large and not rows.spooled:
            n_epochs = min(n_epochs, max(4, _READ_CELLS // (n_rows * rows.n_features)))
        return n_epochs


def bare(callback: Any) -> Callback:
    """Return a callback without the name that it may have been given."""
    return callback[1] if isinstance(callback, tuple) else callback


def _made(given: Any) -> Any:
    """Return an instance of a callback, or its name and an instance, of what skorch takes."""
    if isinstance(given, (tuple, list)) and len(given) == 2 and isinstance(given[0], str):
        return given[0], _made(given[1])
    made = given() if isinstance(given, type) and issubclass(given, Callback) else given
    if not isinstance(made, Callback):
        raise ValueError(
            f"callbacks holds {given!r}; pass callbacks of skorch's, their classes, or pairs of a "
            'name and a callback, for example callbacks=[("timer", EpochTimer())].'
        )
    return made
