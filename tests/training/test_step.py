"""The step is a function of parameters, state, batch and generator, and is AdamW's."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import Tensor

from sklearn_ae import (
    Dense,
    GaussianNoise,
    L1Sparsity,
    L1Weights,
    MaskingNoise,
    SquaredError,
)
from sklearn_ae._compat import AdamW
from sklearn_ae.architectures import Shapes
from sklearn_ae.data import Batch, ColumnScaling
from sklearn_ae.inference import AutoencoderModule
from sklearn_ae.latents import Deterministic, LatentModule
from sklearn_ae.terms import Code, Divergence, Forward
from sklearn_ae.training._objective import Objective
from sklearn_ae.training.steps._step import Step, Whole

N_ROWS, N_FEATURES, N_COMPONENTS = 12, 5, 2
COLUMN_WEIGHTS = torch.tensor([0.4, 0.3, 0.2, 0.1, 0.0])
SCALING = ColumnScaling(np.zeros(N_FEATURES), COLUMN_WEIGHTS.double().sqrt().numpy())
SHAPES = Shapes(N_FEATURES, N_COMPONENTS, N_COMPONENTS, N_FEATURES, N_ROWS)
RECIPES = {
    "plain": {},
    "dropout": {"dropout": 0.5},
    "noise and penalty": {"corruption": GaussianNoise(0.5), "penalties": (L1Weights(1e-2),)},
}


class PricedCode(LatentModule):
    """A latent whose rows cost the squared length of their code."""

    def forward(self, output: Tensor, generator: torch.Generator | None = None) -> Code:
        return Code(output, output, output.square().sum(dim=1))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_batch(seed: int = 3, size: float = 1.0, **parts: Tensor) -> Batch:
    return Batch(size * torch.randn(N_ROWS, N_FEATURES, generator=generator(seed)), **parts)


def make_step(
    dropout: float = 0.0,
    tied_weights: bool = False,
    corruption: object = None,
    penalties: tuple = (),
    latent: LatentModule | None = None,
    weight_decay: float = 0.1,
) -> Step:
    dense = Dense((6,), dropout=dropout, tied_weights=tied_weights)
    encoder, decoder = dense.build(SHAPES, True)
    encoder.reset(generator(1))
    decoder.reset(generator(2))
    module = AutoencoderModule(encoder, latent or Deterministic().build(N_COMPONENTS), decoder)
    priced = {} if latent is None else {"divergence": Divergence()}
    terms = priced | {penalty.name: penalty.build(N_COMPONENTS, False) for penalty in penalties}
    objective = Objective(SquaredError().build(SCALING), corruption, terms)
    whole = Whole(module, objective)
    optimizer = AdamW(whole.parameters(), weight_decay=weight_decay)
    return Step(whole, optimizer.update())


def take(step: Step, batch: Batch, drawn: torch.Generator, lr: float = 0.01) -> dict[str, Tensor]:
    step.update.set_rates([lr])
    return step(batch, drawn)


def own(step: Step) -> dict[str, Tensor]:
    return dict(step.whole.named_parameters())


def rows_of(objective: Objective, output: Tensor, batch: Batch) -> Tensor:
    return objective.terms["reconstruction"](None, batch, Forward(output, None), None)


def detached(params: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: p.detach().clone().requires_grad_() for name, p in params.items()}


@pytest.mark.parametrize("tied_weights", [False, True])
@pytest.mark.parametrize("size", [0.1, 30.0])
def test_updates_are_those_of_adamw_on_clipped_gradients(size: float, tied_weights: bool) -> None:
    step = make_step(penalties=(L1Weights(1e-3),), tied_weights=tied_weights)
    reference = copy.deepcopy(step)
    params = list(reference.whole.module.parameters())
    optimizer = torch.optim.AdamW(params, weight_decay=0.1, fused=False, foreach=False)
    for i, lr in enumerate([0.001, 0.01, 0.01, 0.003]):
        batch = make_batch(i, size)
        take(step, batch, generator(), lr)
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        sum(reference.whole(batch, generator()).values()).backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
    for ours, theirs in zip(own(step).values(), params, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    assert step.update.step == 4


@pytest.mark.parametrize("lr", [0.0, 0.01])
def test_a_rate_of_zero_moves_nothing(lr: float) -> None:
    step = make_step()
    before = detached(own(step))
    take(step, make_batch(), generator(), lr)
    moved = [not torch.equal(own(step)[name], value) for name, value in before.items()]
    assert any(moved) == all(moved) == (lr > 0)


@pytest.mark.parametrize("size", [0.1, 30.0])
def test_gradients_are_clipped_to_a_norm_of_one_and_left_alone_below_it(size: float) -> None:
    step = make_step()
    batch = make_batch(size=size)
    terms = step.whole(batch, generator())
    free = torch.cat(
        [g.flatten() for g in torch.autograd.grad(terms["reconstruction"], [*own(step).values()])]
    )
    assert (free.norm() > 1) == (size > 1)
    take(step, batch, generator(), 0.0)
    used = torch.cat([moment.flatten() for moment in step.update.moments[0]]) / 0.1
    torch.testing.assert_close(used, free / max(1.0, free.norm().item()), rtol=1e-4, atol=1e-7)


def test_weight_decay_shrinks_a_weight_that_has_no_gradient() -> None:
    step = make_step(weight_decay=0.5)
    batch = make_batch(target=torch.zeros(N_ROWS, N_FEATURES)).replace(
        x=torch.zeros(N_ROWS, N_FEATURES)
    )
    name = "module.encoder.linear.weight"
    before = own(step)[name].detach().clone()
    take(step, batch, generator(), 0.1)
    torch.testing.assert_close(own(step)[name].detach(), before * (1 - 0.1 * 0.5))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, ["reconstruction"]),
        ({"penalties": (L1Weights(1e-2),)}, ["reconstruction", "l1_weights"]),
        ({"latent": PricedCode()}, ["reconstruction", "divergence"]),
    ],
)
def test_terms_are_named_scalar_and_detached(options: dict, names: list[str]) -> None:
    step = make_step(**options)
    terms = take(step, make_batch(), generator(), 0.01)
    assert list(terms) == names
    assert all(not term.requires_grad and term.shape == () for term in terms.values())


def test_terms_are_the_formulas_under_the_parameters_before_the_update() -> None:
    step = make_step(penalties=(L1Weights(1e-2),), latent=PricedCode())
    batch = make_batch(weight=torch.linspace(0, 2, N_ROWS))
    result = step.whole.module(batch.x)
    cells = (result.output - batch.x).square() * COLUMN_WEIGHTS
    expected = {
        "reconstruction": (cells.sum(dim=1) * batch.weight).mean(),
        # Four columns are validated, and the loss is a mean over columns.
        "divergence": (result.code.mean.square().sum(dim=1) * batch.weight).mean() / 4,
        "l1_weights": 1e-2 * sum(p.abs().sum() for p in own(step).values() if p.ndim == 2),
    }
    terms = take(step, batch, generator(), 0.01)
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value.detach())


def test_a_target_replaces_the_input_and_masked_cells_do_not_count() -> None:
    step = make_step()
    target = torch.zeros(N_ROWS, N_FEATURES)
    mask = torch.rand(N_ROWS, N_FEATURES, generator=generator(7)) < 0.5
    batch = make_batch(target=target, mask=mask)
    output = step.whole.module(batch.x).output
    expected = (output.square() * mask * COLUMN_WEIGHTS).sum(dim=1)
    torch.testing.assert_close(rows_of(step.whole.objective, output, batch), expected)


def test_two_rows_of_weight_one_half_count_like_one() -> None:
    step = make_step()
    batch = make_batch()
    twice = Batch(batch.x.repeat(2, 1), weight=torch.full((2 * N_ROWS,), 1.0))
    one = step.whole(batch, generator())
    other = step.whole(twice, generator())
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize("config", sorted(RECIPES))
def test_the_global_generators_are_not_touched(config: str) -> None:
    step = make_step(**RECIPES[config])
    torch_before = torch.get_rng_state()
    numpy_before = np.random.get_state()[1].copy()  # noqa: NPY002
    python_before = random.getstate()
    take(step, make_batch(), generator(), 0.01)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert random.getstate() == python_before


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": 0.5},
        {"corruption": GaussianNoise(0.5)},
        {"corruption": MaskingNoise(0.5)},
    ],
)
def test_draws_come_from_the_generator(options: dict) -> None:
    step = make_step(**options)
    batch = make_batch()
    loss = [step.whole(batch, generator(seed))["reconstruction"] for seed in (4, 4, 5)]
    assert loss[0] == loss[1]
    assert loss[0] != loss[2]
    moving = generator(4)
    first, second = (step.whole(batch, moving)["reconstruction"] for _ in range(2))
    assert first == loss[0]
    assert second != first


def test_without_dropout_or_corruption_nothing_is_drawn() -> None:
    step, drawn = make_step(), generator(4)
    take(step, make_batch(), drawn, 0.01)
    assert torch.equal(drawn.get_state(), generator(4).get_state())


def test_corruption_changes_the_input_and_not_the_target() -> None:
    step = make_step(corruption=MaskingNoise(1.0))
    batch = make_batch()
    output = step.whole.module(torch.zeros_like(batch.x)).output
    expected = ((output - batch.x).square() * COLUMN_WEIGHTS).sum(dim=1).mean()
    terms = step.whole(batch, generator())
    torch.testing.assert_close(terms["reconstruction"], expected)


def objective_with(**options: object) -> tuple[AutoencoderModule, Objective]:
    step = make_step(corruption=GaussianNoise(0.5))
    loss = SquaredError().build(SCALING)
    return step.whole.module, Objective(loss, step.whole.objective.corruption, {}, **options)


def test_held_out_rows_are_judged_clean_or_as_often_corrupted_as_is_needed() -> None:
    module, clean = objective_with()
    batch = make_batch()
    expected = rows_of(clean, module(batch.x).output, batch)
    torch.testing.assert_close(clean.validate(module, batch, generator()), expected)
    module, noisy = objective_with(validate_corrupted=True)
    drawn = generator(5)
    copies = [noisy.corruption.corrupt(batch.x, drawn) for _ in range(8)]
    expected = sum(rows_of(noisy, module(copy).output, batch) for copy in copies) / 8
    torch.testing.assert_close(noisy.validate(module, batch, generator(5)), expected)


def test_pairs_are_not_corrupted() -> None:
    module, noisy = objective_with(validate_corrupted=True)
    batch = make_batch(target=torch.zeros(N_ROWS, N_FEATURES))
    expected = rows_of(noisy, module(batch.x).output, batch)
    torch.testing.assert_close(noisy.validate(module, batch, generator()), expected)
    assert noisy(module, batch, generator())[0]["reconstruction"] == expected.mean()


def test_terms_of_a_batch_are_validated_row_by_row() -> None:
    """Their mean is the term, and their scatter that of a jackknife over rows."""
    step = make_step()
    penalties = {p.name: p.build(N_COMPONENTS, False) for p in (L1Weights(1e-2), L1Sparsity(0.5))}
    loss = SquaredError().build(SCALING)
    plain, penalised = Objective(loss, None, {}), Objective(loss, None, penalties)
    batch = Batch(torch.randn(200, N_FEATURES, generator=generator(3)))
    module = step.whole.module

    def term(code: Tensor) -> Tensor:
        return 0.5 * (code.abs().mean(0) / code.square().mean(0).sqrt()).mean()

    code = module.encode(batch.x).detach()
    gap = penalised.validate(module, batch, generator()) - plain.validate(
        module, batch, generator()
    )
    torch.testing.assert_close(gap.mean(), term(code))
    left_out = torch.stack([term(torch.cat([code[:i], code[i + 1 :]])) for i in range(200)])
    jackknife = 199 * (left_out.mean() - left_out) + term(code)
    assert np.corrcoef(gap, jackknife)[0, 1] > 0.999
    assert float(gap.std()) == pytest.approx(float(jackknife.std()), rel=0.02)
    assert all(parameter.requires_grad for parameter in module.parameters())
