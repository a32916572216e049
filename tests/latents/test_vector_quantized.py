"""Codes are the nearest words of codebooks, which follow the rows that have them."""

from itertools import chain

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from sklearn_ae import VectorQuantized
from sklearn_ae.latents._k_means import k_means
from sklearn_ae.latents._vector_quantized import _groups

OUTPUT = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def started(n_codebooks, output=OUTPUT, weight=None, **options):
    module = VectorQuantized(n_codebooks=n_codebooks, **options).build(output.shape[1])
    module.reset(generator())
    module.start_from(output, weight, generator())
    return module


@pytest.mark.parametrize("n_codebooks", [1, 2, 3, 5, 9, None])
def test_a_code_is_the_nearest_word_in_each_group(n_codebooks):
    module = started(n_codebooks, n_codewords=7)
    code = module(OUTPUT).mean
    words = module.words
    distances = torch.zeros(200)
    expected = torch.zeros_like(OUTPUT)
    for own in words:
        components = (own != 0).any(dim=0)
        apart = torch.cdist(OUTPUT[:, components], own[:, components])
        expected += own[apart.argmin(dim=1)]
        distances += apart.amin(dim=1).square()
    torch.testing.assert_close(code, expected)
    torch.testing.assert_close(module(OUTPUT).divergence * module.spread, distances)
    index = module.indices(code)
    assert index.shape == (200, len(words))
    torch.testing.assert_close(sum(own[i] for own, i in zip(words, index.T, strict=True)), code)


def test_components_are_dealt_forward_and_back():
    assert _groups(6, 3) == [[0, 5], [1, 4], [2, 3]]
    assert sorted(chain.from_iterable(_groups(7, 3))) == list(range(9))
    assert _groups(2, 5) == [[0], [1]]


def test_the_gradient_of_a_word_is_handed_to_the_encoder():
    module = started(2)
    output = OUTPUT.clone().requires_grad_()
    code = module(output, generator())
    torch.testing.assert_close(code.sample, code.mean)
    slope = torch.randn(200, 5, generator=generator(1))
    (code.sample * slope).sum().backward()
    assert torch.equal(output.grad, slope)


def test_the_commitment_draws_the_encoder_to_the_word():
    module = started(2)
    output = OUTPUT.clone().requires_grad_()
    code = module(output)
    code.divergence.sum().backward()
    expected = 2 * (OUTPUT - code.mean) / OUTPUT.var(dim=0, unbiased=False).sum()
    torch.testing.assert_close(output.grad, expected)


def test_words_and_shares_are_moving_averages():
    module = started(1, n_codewords=4, decay=0.9)
    words, share = module.codebook[0].clone(), module.share[0].clone()
    index = module.indices(OUTPUT)[:, 0]
    total = share[:, None] * words
    moved = OUTPUT + 1.0
    nearest = module.indices(moved)[:, 0]
    module(moved, generator())
    for j in range(4):
        own = moved[nearest == j]
        new_share = 0.9 * share[j] + 0.1 * len(own) / 200
        new_total = 0.9 * total[j] + 0.1 * own.sum(dim=0) / 200
        torch.testing.assert_close(module.share[0, j], new_share)
        torch.testing.assert_close(module.codebook[0, j], new_total / new_share)
    assert (index != nearest).any()


def test_inference_changes_nothing():
    module = started(2)
    before = [b.clone() for b in module.buffers()]
    module(OUTPUT * 3)
    for old, new in zip(before, module.buffers(), strict=True):
        assert torch.equal(old, new)


def test_words_that_no_row_has_are_moved_to_rows():
    module = started(1, n_codewords=4)
    module.codebook[0, 2] = 1e3
    module(OUTPUT, generator())
    before = module.codebook.clone()
    module.reinitialise(OUTPUT, generator())
    assert torch.equal(module.codebook, before)  # it had rows not long ago
    for _ in range(60):
        module(OUTPUT, generator())
    kept = module.codebook[0, [0, 1, 3]].clone()
    module.reinitialise(OUTPUT, generator())
    assert torch.equal(module.codebook[0, [0, 1, 3]], kept)
    assert (module.codebook[0, 2] == OUTPUT).all(dim=1).any()
    assert (module.indices(OUTPUT) == 2).any()
    module.set_progress(0.5)
    assert not module.used.any()


@pytest.mark.parametrize("n_means", [1, 8])
def test_k_means_is_about_as_good_as_that_of_scikit_learn(n_means):
    x = OUTPUT.numpy()
    means = k_means(OUTPUT[None], None, n_means, generator())[0]
    inertia = torch.cdist(OUTPUT, means).amin(dim=1).square().sum().item()
    expected = KMeans(n_means, n_init=10, random_state=0).fit(x)
    assert inertia <= 1.05 * expected.inertia_
    # The means are those of the rows that they have.
    again = KMeans(n_means, init=means.numpy(), n_init=1, max_iter=1).fit(x)
    assert_allclose(again.cluster_centers_, means.numpy(), atol=1e-5)


def test_k_means_counts_a_row_as_often_as_its_weight():
    weight = torch.arange(200.0) % 3
    repeated = OUTPUT.repeat_interleave(weight.long(), dim=0)
    means = k_means(OUTPUT[None], weight, 1, generator())[0]
    torch.testing.assert_close(means[0], repeated.mean(dim=0))
    several = k_means(OUTPUT[None], weight, 4, generator())[0]
    nearest = torch.cdist(repeated, several).argmin(dim=1)
    for j in range(4):
        torch.testing.assert_close(several[j], repeated[nearest == j].mean(dim=0))


def test_more_words_than_rows_are_no_obstacle():
    few = OUTPUT[:3]
    module = started(1, few, n_codewords=8)
    torch.testing.assert_close(module(few).mean, few)
    assert torch.isfinite(module.codebook).all()
    module(few, generator())
    module.reinitialise(few, generator())
    torch.testing.assert_close(module(few).mean, few)


def test_words_beyond_the_rows_are_not_looked_for():
    few = OUTPUT[:30]
    module = started(2, few, n_codewords=3000)
    for book in module.codebook:
        assert len(book.unique(dim=0)) == 30
    before = module.codebook.clone()
    module.set_progress(0.5)
    module.share.zero_()
    module.reinitialise(few, generator())
    moved = (module.codebook != before).any(dim=2).sum(dim=1)
    assert (moved <= 30).all()


def test_samples_have_words_as_often_as_rows():
    module = started(2, n_codewords=5)
    drawn = module.sample(20_000, 5, np.random.default_rng(0))
    index = module.indices(torch.from_numpy(drawn).float()).numpy()
    for book, share in enumerate(module.share.numpy()):
        found = np.bincount(index[:, book], minlength=5) / 20_000
        assert_allclose(found, share, atol=0.02)
    assert_array_equal(np.unique(index), np.arange(5))
