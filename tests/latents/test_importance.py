"""Importance samples: normal, in pairs, and turned for each row."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import chi

from sklearn_ae.latents._importance import for_each_row, importance_draws

MEAN = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("n_samples", "n_groups"), [(1, 20), (3, 7), (10, 2), (20, 1), (101, 1)])
def test_groups_have_twenty_draws_in_pairs_at_least(n_samples, n_groups):
    draws = importance_draws(n_samples, 4)
    assert draws.shape == (n_groups, n_samples, 4)
    every = draws.reshape(-1, 4)
    whole = len(every) - len(every) % 2
    assert_array_equal(every[1:whole:2], -every[:whole:2])
    assert_array_equal(importance_draws(n_samples, 4), draws)


def test_lengths_are_the_quantiles_of_normal_draws():
    lengths = np.sort(np.linalg.norm(importance_draws(100, 5)[0, ::2], axis=1))
    assert_allclose(lengths, chi(5).ppf((np.arange(50) + 0.5) / 50))


def test_draws_of_rows_are_as_long_as_the_one_they_come_from_and_differ():
    first, second = torch.from_numpy(importance_draws(20, 3)[0, [0, 5]])
    turned = for_each_row(MEAN)
    rows = turned(first)
    torch.testing.assert_close(rows.norm(dim=1), first.norm().expand(50))
    torch.testing.assert_close((rows * turned(second)).sum(dim=1), (first @ second).expand(50))
    torch.testing.assert_close(turned(-first), -rows)
    assert len(torch.unique(rows, dim=0)) == 50
    torch.testing.assert_close(for_each_row(MEAN[7:9])(first), rows[7:9])
