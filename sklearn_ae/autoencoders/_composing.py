"""From an estimator's hyperparameters and hooks to what is trained, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from sklearn_ae.architectures import Architecture, OwnModules
from sklearn_ae.autoencoders._components import resolve_components
from sklearn_ae.autoencoders._slots import check_no_conflict, fill_slot
from sklearn_ae.data import LazyRows, Ragged, Rows, TableRows, as_numpy
from sklearn_ae.inference import Model
from sklearn_ae.losses import LOSSES, Loss, TabularLoss
from sklearn_ae.penalties import L1Weights, Penalty
from sklearn_ae.runtime import Seeds, resolve_device
from sklearn_ae.starts import PPCAStart
from sklearn_ae.training import ModelSpec, TrainingConfig

if TYPE_CHECKING:
    from sklearn_ae.autoencoders._base import BaseAutoencoder


def model_spec(estimator: BaseAutoencoder, rows: Rows, n_components: int) -> ModelSpec:
    """Fill the slots for some rows and a width of the code."""
    loss = estimator.loss
    spec = ModelSpec(
        architecture=_architecture(estimator, rows, n_components),
        latent=estimator._latent(n_components),
        corruption=estimator._corruption(),
        penalties=_penalties(estimator),
        loss=loss if isinstance(loss, Loss) else LOSSES[loss](),
        start=None,
        validate_corrupted=estimator._validate_corrupted,
        defensive_share=estimator._defensive_share,
    )
    check_deep(estimator, spec.architecture)
    _check_read(spec.penalties, rows)
    table = isinstance(rows.values, TableRows)
    if not spec.loss.standardized and (table or rows.sample_shape is not None):
        raise ValueError(
            f"loss={loss!r} is of rows of counts of one kind, but X holds "
            f"{'columns of several kinds' if table else 'images or sequences'}; use another loss."
        )
    if isinstance(rows.values, TableRows):
        spec.loss._validate_params()
        spec = replace(spec, loss=TabularLoss(spec.loss, rows.values.columns))
    check_domain(spec.loss, rows.targets.selected(rows.targets.values))
    if rows.target is not None:
        check_encoded(spec.loss, rows.selected(rows.values))
    if estimator.init == "random" or rows.ragged:
        return spec
    start = estimator._start(spec.latent.start(spec.symmetry), spec, rows)
    if rows.n_conditions and spec.loss.n_parameters > 1 and not isinstance(start, PPCAStart):
        raise ValueError(
            f"condition was given, but the start of a {type(estimator).__name__} does not know "
            f"of it, and so not what noise loss={loss!r} leaves; use a VariationalAutoencoder, "
            'or set init="random".'
        )
    return replace(spec, start=start)


def _architecture(estimator: BaseAutoencoder, rows: Rows, n_components: int) -> Architecture:
    architecture = preset_architecture(estimator)
    encoder, decoder = estimator.encoder, estimator.decoder
    if encoder is not None or decoder is not None:
        if architecture.symmetry != "linear":
            raise ValueError(
                f"encoder={encoder!r} and decoder={decoder!r} cannot share weights "
                "with tied_weights=True; set tied_weights=False."
            )
        architecture = OwnModules(architecture, encoder, decoder)
    return estimator._architecture(architecture, rows, n_components)


def preset_architecture(estimator: BaseAutoencoder) -> Architecture:
    """Return what fills the architecture's slot, a user's own modules left out."""
    return fill_slot(estimator, "architecture", estimator._preset_architecture)


def _penalties(estimator: BaseAutoencoder) -> tuple[Penalty, ...]:
    penalties = tuple(estimator.penalties)
    if penalties:
        check_no_conflict(estimator, "penalties", penalties, ["l1"])
    elif estimator.l1:
        penalties = (L1Weights(estimator.l1),)
    return (*estimator._penalties(), *penalties)


def _check_read(penalties: tuple[Penalty, ...], rows: Rows) -> None:
    """Raise if a penalty reads a companion that the rows lack."""
    for penalty in penalties:
        for name in penalty.reads:
            if name not in rows.companions:
                raise ValueError(
                    f"penalties holds {penalty!r}, which reads the companion {name!r}; pass "
                    f"companions={{{name!r}: ...}} to fit."
                )


def check_deep(estimator: BaseAutoencoder, architecture: Architecture) -> None:
    """Raise if hidden layers are asked for that cannot be features."""
    if estimator.deep_features and not architecture.deep:
        raise ValueError(
            "deep_features=True needs hidden layers that are vectors, but those of "
            f"{architecture!r} are not, or not known; set deep_features=False."
        )


def check_domain(loss: Loss, values: Any) -> None:
    """Raise if rows are not in a loss's domain."""
    if not loss.of_difference:
        _check_pieces(loss.check, values)


def check_encoded(loss: Loss, values: Any) -> None:
    """Raise if rows that are encoded, clean or not, are not in a loss's domain."""
    if type(loss).check_encoded is not Loss.check_encoded:
        _check_pieces(loss.check_encoded, values)


def _check_pieces(check: Callable[[NDArray], None], values: Any) -> None:
    for piece in values.pieces() if isinstance(values, LazyRows) else (values,):
        check(piece.cells if isinstance(piece, Ragged) else as_numpy(piece))


def training_config(estimator: BaseAutoencoder, n_components: int) -> TrainingConfig:
    """Say how to train."""
    return TrainingConfig(
        n_components=n_components,
        learning_rate_init=estimator.learning_rate_init,
        alpha=estimator.alpha,
        batch_size=estimator.batch_size,
        max_iter=estimator.max_iter,
        early_stopping=estimator.early_stopping,
        validation_fraction=estimator.validation_fraction,
        n_iter_no_change=estimator.n_iter_no_change,
        tol=estimator.tol,
        device=resolve_device(estimator.device),
        optimizer=estimator.optimizer,
        callbacks=tuple(estimator.callbacks or ()),
        verbose=estimator.verbose,
        freeze=tuple(estimator.freeze),
    )


def code_width(
    estimator: BaseAutoencoder,
    rows: Rows,
    seeds: Seeds,
    previous: Model | None,
    *,
    followed: bool = False,
) -> int:
    """Return the width of the code, which is that of a network to go on from.

    Its columns may be others if they are followed by name.
    """
    if previous is not None and not isinstance(estimator.n_components, Integral):
        n_components = previous.factory.n_components
    else:
        n_components = resolve_components(
            estimator.n_components,
            rows,
            default=estimator._default_components(rows.n_features),
            overcomplete=estimator._overcomplete,
            seeds=seeds,
        )
    if previous is not None:
        kept = previous.factory
        n_features = rows.n_features if followed else kept.n_features
        if (rows.n_features, n_components) != (n_features, kept.n_components):
            by_name = rows.n_features != n_features and rows.sample_shape is None
            raise ValueError(
                f"The network so far maps {kept.n_features} features to "
                f"{kept.n_components} components, which cannot go on with "
                f"{rows.n_features} features and n_components={n_components}; set "
                "warm_start=False, or keep the shapes."
                + by_name
                * " To add columns or leave some out, pass a data frame to both fits."
            )
    return n_components
