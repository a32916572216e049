"""A batch carries its parts together; absent parts stay absent."""

import pytest
import torch

from sklearn_ae.data import Batch

PARTS = ("x", "mask", "weight", "target", "condition", "domain", "lengths")


def full_batch(n_rows: int = 5) -> Batch:
    x = torch.arange(n_rows * 3.0).reshape(n_rows, 3)
    return Batch(
        x=x,
        mask=x % 2 == 0,
        weight=torch.arange(n_rows) + 0.5,
        target=-x,
        condition=x[:, :1] * 10,
        domain=torch.arange(n_rows) % 2,
        lengths=torch.arange(n_rows) + 7,
    )


def test_companions_of_any_name_come_along_and_only_x_is_required() -> None:
    assert tuple(full_batch().parts) == PARTS
    bare = Batch(torch.ones(2, 1), weight=None)
    assert list(bare.parts) == ["x"]
    assert bare.weight is bare.mask is bare.target is bare.condition is None


@pytest.mark.parametrize("n_rows", [1, 5])
def test_n_rows_is_the_length_of_x(n_rows: int) -> None:
    assert full_batch(n_rows).n_rows == n_rows


def test_take_picks_the_same_rows_of_every_part() -> None:
    batch, index = full_batch(), torch.tensor([3, 0, 3])
    taken = batch.take(index)
    assert taken.n_rows == 3
    for name in PARTS:
        assert torch.equal(taken.parts[name], batch.parts[name][index]), name


@pytest.mark.parametrize(("start", "stop"), [(0, 2), (3, 5), (3, 9), (0, 5)])
def test_slice_is_take_of_consecutive_rows(start: int, stop: int) -> None:
    batch = full_batch()
    taken = batch.take(torch.arange(start, min(stop, batch.n_rows)))
    for name, part in batch.slice(start, stop).parts.items():
        assert torch.equal(part, taken.parts[name]), name


def test_map_applies_the_function_to_every_part_that_is_there() -> None:
    seen = []
    batch = Batch(x=torch.ones(2, 2), weight=torch.tensor([1.0, 3.0]))

    def double(part: torch.Tensor) -> torch.Tensor:
        seen.append(part.shape)
        return part * 2

    doubled = batch.map(double)
    assert torch.equal(doubled.x, torch.full((2, 2), 2.0))
    assert torch.equal(doubled.weight, torch.tensor([2.0, 6.0]))
    assert seen == [(2, 2), (2,)]
    assert list(doubled.parts) == ["x", "weight"]


def test_take_leaves_absent_parts_absent_and_the_batch_as_it_was() -> None:
    batch = Batch(torch.arange(4.0)[:, None])
    taken = batch.take(torch.tensor([1]))
    assert list(taken.parts) == ["x"]
    assert batch.n_rows == 4


def test_to_moves_every_part() -> None:
    moved = full_batch().to(torch.device("meta"))
    assert {part.device.type for part in moved.parts.values()} == {"meta"}
