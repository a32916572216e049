"""A look at what parts from outside of the package return, before anything is trained."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Generator, Tensor, nn

from sklearn_ae.data import AnyBatch, RaggedBatch
from sklearn_ae.latents import LatentModule
from sklearn_ae.terms import Code
from sklearn_ae.training._net import AutoencoderNet

# Cells of the rows that are handed on, at most.
_BLOCK_CELLS = 2**18


@torch.no_grad()
def check_own_parts(net: AutoencoderNet, rows: AnyBatch, n_components: int) -> None:
    """Raise if the latent or a term that a user has written does not return what it owes.

    Parameters
    ----------
    net : AutoencoderNet
        The network and its objective, neither of which changes.
    rows : AnyBatch
        Training rows, the first of which are handed on.
    n_components : int
        Width of the code.
    """
    terms = {name: t for name, t in net.criterion_.named_terms() if _is_own(t)}
    if not terms and not _is_own(net.module_.latent):
        return
    # So many that a number for each row is none for each component.
    few = rows if isinstance(rows, RaggedBatch) else rows.slice(0, n_components + 1)
    _, batch = next(iter(few.blocks(_BLOCK_CELLS)))
    module, terms = copy.deepcopy((net.module_, terms))
    module.eval()
    for seed in (None, 0):
        generator = None if seed is None else Generator(batch.x.device).manual_seed(seed)
        if _is_own(module.latent):
            output = module.parameters_of(batch.x, batch.condition)
            _check_code(module.latent, module.latent(output, generator), len(output), n_components)
        result = module(batch.x, generator, batch.condition, batch.extent)
        for name, term in terms.items():
            _check_cost(name, term, term(module, batch, result, generator), len(batch))


def _is_own(part: nn.Module) -> bool:
    return type(part).__module__.split(".")[0] != "sklearn_ae"


def _check_code(latent: LatentModule, code: Any, n_rows: int, n_components: int) -> None:
    name, shape = type(latent).__name__, (n_rows, n_components)
    if not isinstance(code, Code):
        raise TypeError(
            f"forward of the latent {name} returned {_named(code)}, which is not a Code; "
            "return Code(mean=z, sample=z)."
        )
    for part, value, due in zip(code._fields, code, (shape, shape, (n_rows,)), strict=True):
        if part == "divergence" and value is None:
            continue
        if not isinstance(value, Tensor) or value.shape != due:
            raise ValueError(
                f"forward of the latent {name} returned a Code whose {part} is {_named(value)}, "
                f"but {n_rows} rows with n_components={n_components} need one of shape {due}."
            )


def _check_cost(name: str, term: Any, cost: Any, n_rows: int) -> None:
    due = (n_rows,) if term.per_row else ()
    if isinstance(cost, Tensor) and cost.shape == due and cost.is_floating_point():
        return
    way = "return one number for the batch, such as cost.mean(), or set per_row = True"
    if term.per_row:
        way = "return the cost of each row, such as cost.sum(dim=1), or set per_row = False"
    raise ValueError(
        f"forward of {type(term).__name__}, the term {name!r}, returned {_named(cost)} for "
        f"{n_rows} rows, but per_row = {term.per_row} needs a float tensor of shape {due}; {way}."
    )


def _named(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype} and shape {tuple(value.shape)}"
    return repr(value)[:60]
