"""The recurrent autoencoder: sequences of one length and of many, padding and holes left out."""

import pickle
import random

import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV

from sklearn_ae import (
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    GaussianNoise,
    MaskingNoise,
    Recurrent,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    VariationalAutoencoder,
)
from sklearn_ae.metrics import reconstruction_r2

RNG = np.random.default_rng(0)
LENGTHS = [5, 1, 9, 3, 6, 12] * 4
LISTED = [RNG.normal(size=(n, 2)).cumsum(axis=0) for n in LENGTHS]
FLAT = [x[:, 0] for x in LISTED]
ARRAY = RNG.normal(size=(24, 6, 2)).cumsum(axis=1)


def with_holes(X, seed=1):
    X = X.copy()
    X[np.random.default_rng(seed).random(X.shape) < 0.2] = np.nan
    return X


def long_frame(library="pandas", sequences=None):
    """Steps of all sequences, shuffled among them but in order within each."""
    sequences = LISTED if sequences is None else sequences
    ids = np.repeat(np.arange(len(sequences)), [len(s) for s in sequences])
    order = np.argsort(np.random.default_rng(3).permutation(ids), kind="stable")
    place = np.empty(len(ids), dtype=int)
    place[order] = np.arange(len(ids))
    cells = np.concatenate(sequences)[place]
    names = [f"s{ids[i]}" for i in place]
    data = {"x": cells[:, 0], "id": names, "y": cells[:, 1]}
    return pytest.importorskip(library).DataFrame(data), list(dict.fromkeys(names))


FORMS = {
    "array": ARRAY,
    "missing": with_holes(ARRAY),
    "list": LISTED,
    "flat list": FLAT,
    "long": long_frame()[0],
}
EVERY = pytest.mark.parametrize("form", FORMS)
SEVERAL = pytest.mark.parametrize("form", ["array", "missing", "list"])
SMALL = Recurrent(hidden_size=4)
OPTIONS = {"max_iter": 1, "early_stopping": False, "random_state": 0}


def make(n_components=2, **parameters):
    return RecurrentAutoencoder(n_components, **{"hidden_size": 4, **OPTIONS, **parameters})


def made(form, **parameters):
    return make(sequence_id="id" if form == "long" else None, **parameters)


def arrays(values):
    """Numbers of any container of sequences."""
    if isinstance(values, pd.DataFrame):
        values = values.drop(columns="id", errors="ignore")
    if isinstance(values, list):
        return [np.asarray(v, dtype=float) for v in values]
    return [np.asarray(values, dtype=float)]


def said(fitted, X):
    """Everything that an estimator says of some sequences, as arrays."""
    methods = ("transform", "reconstruct", "reconstruction_errors", "score_samples", "predict")
    return {method: arrays(getattr(fitted, method)(X)) for method in methods}


def assert_same(first, second, atol=0.0):
    assert first.keys() == second.keys()
    for name, rows in first.items():
        for one, other in zip(rows, second[name], strict=True):
            assert_allclose(one, other, rtol=0, atol=atol, err_msg=name)


def assert_finite(fitted, X):
    for name, rows in said(fitted, X).items():
        if name != "reconstruction_errors":
            assert all(np.isfinite(row).all() for row in rows), name


def with_lost_cells(sequences):
    return [with_holes(s, seed) for seed, s in enumerate(sequences)]


def padded(sequences):
    out = np.full((len(sequences), max(map(len, sequences)), 2), np.nan)
    for row, sequence in zip(out, sequences, strict=True):
        row[: len(sequence)] = sequence
    return out


# The start and PCA


@pytest.mark.parametrize("shape", [(6,), (6, 2), (1, 3), (4, 1)])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_start_is_pca_over_all_steps(shape, cell):
    X = RNG.normal(size=(40, *shape))
    flat = X.reshape(40, -1)
    start, pca = make(3, cell=cell, max_iter=0).fit(X), PCA(3).fit(flat)
    codes = pca.transform(flat)
    assert_allclose(start.transform(X), codes, atol=1e-4 * np.abs(codes).max())
    assert_allclose(start.reconstruct(X), pca.inverse_transform(codes).reshape(X.shape), atol=1e-4)


def test_held_out_sequences_are_never_below_pca():
    X = RNG.normal(size=(120, 5, 2))
    fitted = make(3, max_iter=3, early_stopping=True).fit(X[:80])
    pca, fresh = PCA(3).fit(X[:80].reshape(80, -1)), X[80:].reshape(40, -1)
    error = np.square(fresh - pca.inverse_transform(pca.transform(fresh))).sum(axis=1).mean()
    assert fitted.score(X[80:]) >= -error * (1 + 1e-4)


# Padding, lengths and holes


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("recurrent_decoder", [False, True])
def test_padding_by_nan_changes_nothing(cell, recurrent_decoder):
    fitted = make(cell=cell, recurrent_decoder=recurrent_decoder).fit(LISTED)
    X = padded(LISTED)
    assert_allclose(fitted.transform(X), fitted.transform(LISTED), atol=1e-6)
    assert_allclose(fitted.score_samples(X), fitted.score_samples(LISTED), atol=1e-6)


def test_sequences_that_are_fitted_padded_are_those_that_are_not():
    fitted, expected = make().fit(padded(LISTED)), make().fit(LISTED)
    assert_allclose(fitted.transform(LISTED), expected.transform(LISTED), atol=1e-4)


def test_a_padded_array_comes_back_in_its_shape_with_the_steps_that_were_observed():
    fitted = make().fit(LISTED)
    X = padded(LISTED)
    restored = fitted.reconstruct(X)
    assert restored.shape == X.shape
    expected = padded(fitted.reconstruct(LISTED))
    observed = ~np.isnan(X)
    assert_allclose(restored[observed], expected[observed], atol=1e-6)
    errors = fitted.reconstruction_errors(X)
    assert_array_equal(np.isnan(errors), np.isnan(X))


@pytest.mark.parametrize(
    "options", [{}, {"cell": "lstm", "n_layers": 2}, {"recurrent_decoder": True}], ids=str
)
def test_a_sequence_has_the_same_code_alone_and_in_company(options):
    fitted = make(**options).fit(LISTED)
    together = said(fitted, LISTED)
    together["transform"], together["score_samples"] = (
        list(together[n][0]) for n in ("transform", "score_samples")
    )
    for i in range(6):
        alone = said(fitted, LISTED[i : i + 1])
        for name in ("transform", "score_samples"):
            assert_allclose(alone[name][0][0], together[name][i], atol=1e-6)
        for name in ("reconstruct", "reconstruction_errors"):
            assert_allclose(alone[name][0], together[name][i], atol=1e-6)


def test_codes_become_sequences_of_the_lengths_asked_for():
    fitted = make().fit(LISTED)
    codes = fitted.transform(LISTED)
    assert {len(s) for s in fitted.inverse_transform(codes)} == {int(np.median(LENGTHS))}
    assert {s.shape for s in fitted.inverse_transform(codes, lengths=7)} == {(7, 2)}
    restored = fitted.inverse_transform(codes, lengths=LENGTHS)
    for one, other in zip(restored, fitted.reconstruct(LISTED), strict=True):
        assert_allclose(one, other, atol=1e-9)
    again = fitted.inverse_transform(codes, lengths=np.array(LENGTHS))
    assert [len(s) for s in again] == LENGTHS


def test_one_length_is_that_of_fit():
    fitted = make().fit(ARRAY)
    codes = fitted.transform(ARRAY)
    assert_array_equal(fitted.inverse_transform(codes), fitted.reconstruct(ARRAY))
    assert_array_equal(fitted.inverse_transform(codes, lengths=6), fitted.reconstruct(ARRAY))
    with pytest.raises(ValueError, match=r"lengths=7 was given, but all rows .* have one size"):
        fitted.inverse_transform(codes, lengths=7)


def test_arrays_with_holes_have_the_length_asked_for():
    fitted = make().fit(FORMS["missing"])
    codes = fitted.transform(FORMS["missing"])
    assert fitted.inverse_transform(codes).shape == ARRAY.shape
    assert fitted.inverse_transform(codes, lengths=9).shape == (24, 9, 2)
    different = fitted.inverse_transform(codes, lengths=LENGTHS)
    assert [s.shape for s in different] == [(n, 2) for n in LENGTHS]


@EVERY
def test_scores_are_means_over_observed_steps(form):
    X = FORMS[form]
    fitted = made(form).fit(X)
    scores, steps = fitted.score_samples(X), fitted.score_steps(X)
    if form == "list":
        assert [s.shape for s in steps] == [(n,) for n in LENGTHS]
        assert_allclose(scores, [s.mean() for s in steps])
    if form == "flat list":
        errors = fitted.reconstruction_errors(X)
        assert_allclose(np.concatenate(steps), -np.concatenate(errors))
    if form == "array":
        assert steps.shape == (24, 6)
        assert_allclose(scores, steps.sum(axis=1))
        assert_allclose(steps, -np.square(X - fitted.reconstruct(X)).sum(axis=2), atol=1e-9)
    if form == "missing":
        assert steps.shape == (24, 6)
        errors = fitted.reconstruction_errors(X)
        assert_array_equal(np.isnan(steps), np.isnan(X).all(axis=2))
        assert_allclose(scores, -2 * np.nanmean(errors, axis=(1, 2)))
        both = ~np.isnan(X).any(axis=2)
        assert_allclose(steps[both], -errors[both].sum(axis=1))
    if form == "long":
        assert steps.shape == (len(X),)
        order = list(dict.fromkeys(X["id"]))
        assert_allclose(scores, pd.Series(steps).groupby(X["id"].to_numpy()).mean()[order])
    assert steps[0].dtype == np.float64
    assert np.isfinite(scores).all()
    assert_allclose(fitted.decision_function(X), scores - fitted.offset_)


def test_missing_steps_at_the_end_have_no_effect():
    """An array that goes on with missing steps alone is the same sequences."""
    X = FORMS["missing"]
    fitted = make().fit(X)
    assert_allclose(fitted.transform(list(X)), fitted.transform(X), atol=1e-9)
    longer = np.concatenate([X, np.full((24, 5, 2), np.nan)], axis=1)
    assert_allclose(fitted.transform(longer), fitted.transform(X), atol=1e-6)
    assert_allclose(fitted.score_samples(longer), fitted.score_samples(X), atol=1e-6)
    assert_allclose(make().fit(longer).transform(X), fitted.transform(X), atol=1e-4)
    assert np.isfinite(fitted.reconstruct(X)).all()


def test_sequences_and_channels_without_a_value_stay_finite():
    X = ARRAY.copy()
    X[0] = np.nan
    X[:, :, 1] = np.nan
    fitted = make().fit(X)
    assert_finite(fitted, X)
    assert np.isnan(fitted.score_steps(X)[0]).all()
    assert fitted.score_samples(X)[0] == 0


def test_missing_values_that_first_appear_after_a_fit_are_left_out():
    fitted = make().fit(ARRAY)
    X = with_holes(ARRAY)
    assert np.isfinite(fitted.transform(X)).all()
    assert np.isfinite(fitted.score_samples(X)).all()
    errors = fitted.reconstruction_errors(X)
    assert_array_equal(np.isnan(errors), np.isnan(X))
    assert_allclose(fitted.score_samples(X), -12 * np.nanmean(errors, axis=(1, 2)))


@EVERY
def test_the_order_of_steps_matters(form):
    X = FORMS[form]
    fitted = made(form).fit(X)
    if form == "long":
        reverse = X.iloc[::-1]
        names = dict.fromkeys(reverse["id"])
        order = [list(names).index(name) for name in dict.fromkeys(X["id"])]
        other = fitted.transform(reverse)[order]
    else:
        other = fitted.transform([x[::-1] for x in X] if isinstance(X, list) else X[:, ::-1])
    long = np.ones(24, dtype=bool) if form in ("array", "missing") else None
    if long is None:
        counts = X["id"].value_counts(sort=False) if form == "long" else [len(x) for x in X]
        long = np.asarray(counts) > 2
    assert not np.isclose(fitted.transform(X), other)[long].all(axis=1).any()


# Long frames


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_long_frame_is_the_list_of_its_sequences(library):
    frame, names = long_frame(library)
    order = [int(name[1:]) for name in names]
    assert order != sorted(order)
    sequences = [LISTED[i] for i in order]
    fitted, expected = make(sequence_id="id").fit(frame), make().fit(sequences)
    assert_array_equal(fitted.transform(frame), expected.transform(sequences))
    assert_array_equal(fitted.score_samples(frame), expected.score_samples(sequences))
    assert list(fitted.feature_names_in_) == ["x", "y"]
    assert fitted.n_features_in_ == 2
    restored = fitted.reconstruct(frame)
    assert type(restored) is type(frame)
    assert list(restored.columns) == ["x", "id", "y"]
    assert list(restored["id"]) == list(frame["id"])
    one = np.asarray(restored[["x", "y"]])[np.asarray(frame["id"]) == names[2]]
    assert_array_equal(one, expected.reconstruct(sequences)[2])
    codes = fitted.transform(frame)
    drawn = fitted.inverse_transform(codes, lengths=[len(s) for s in sequences])
    assert type(drawn) is type(frame)
    assert list(drawn["id"]) == [i for i, s in enumerate(sequences) for _ in s]


def test_the_index_of_a_frame_is_kept_and_any_ids_will_do():
    frame, _ = long_frame()
    expected = make(sequence_id="id").fit(frame)
    other = frame.set_axis([f"row {i}" for i in range(len(frame))])
    other["id"] = [1000 - 7 * int(name[1:]) for name in frame["id"]]
    fitted = make(sequence_id="id").fit(other)
    assert_array_equal(fitted.transform(other), expected.transform(frame))
    assert_array_equal(fitted.reconstruct(other).index, other.index)
    assert_array_equal(fitted.reconstruct(other)["id"], other["id"])


@pytest.mark.parametrize("holes", [False, True])
def test_a_frame_with_a_sequence_a_row_comes_back_as_one(holes):
    X = FORMS["missing" if holes else "array"][:, :, 0]
    frame = pd.DataFrame(X, columns=list("abcdef"), index=range(7, 31))
    fitted = make().fit(frame)
    assert list(fitted.feature_names_in_) == list("abcdef")
    for result in (fitted.reconstruct(frame), fitted.reconstruction_errors(frame)):
        assert isinstance(result, pd.DataFrame)
        assert list(result.columns) == list("abcdef")
        assert_array_equal(result.index, frame.index)
    assert_allclose(fitted.transform(frame), make().fit(X).transform(X))


@pytest.mark.parametrize("form", ["array", "list", "long"])
def test_codes_come_as_a_frame_if_one_is_asked_for(form):
    fitted = made(form).set_output(transform="pandas").fit(FORMS[form])
    codes = fitted.transform(FORMS[form])
    assert isinstance(codes, pd.DataFrame)
    assert codes.shape == (24, 2)
    assert_array_equal(codes, made(form).fit_transform(FORMS[form]))


# Options, state and slots


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm"},
        {"n_layers": 2, "dropout": 0.2, "hidden_noise": 0.1},
        {"bidirectional": False},
        {"recurrent_decoder": True},
        {"recurrent_decoder": True, "cell": "lstm", "n_layers": 2},
        {"init": "random"},
        {"whiten": True},
    ],
    ids=str,
)
@SEVERAL
def test_every_option_fits(form, options):
    X = FORMS[form]
    fitted = make(**options).fit(X)
    assert_finite(fitted, X)
    assert_same(said(clone(fitted).fit(X), X), said(fitted, X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@SEVERAL
def test_the_precision_that_goes_in_comes_out(form, dtype):
    X = FORMS[form]
    X = [x.astype(dtype) for x in X] if isinstance(X, list) else X.astype(dtype)
    fitted = make().fit(X)
    assert fitted.transform(X).dtype == dtype
    assert {r.dtype for r in fitted.reconstruct(X)} == {np.dtype(dtype)}
    assert {r.dtype for r in fitted.reconstruction_errors(X)} == {np.dtype("float64")}
    assert fitted.score_samples(X).dtype == np.float64


def test_tensors_come_back_as_tensors():
    X = torch.from_numpy(ARRAY)
    fitted = make().fit(X)
    assert torch.is_tensor(fitted.reconstruct(X))
    assert_array_equal(fitted.transform(X), make().fit(ARRAY).transform(ARRAY))


def test_default_width_of_ragged_codes():
    assert make(None).fit(LISTED).n_components_ == 16


@EVERY
def test_two_fits_are_equal_bit_for_bit(form):
    X = FORMS[form]
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first, second = (said(made(form, early_stopping=form == "list").fit(X), X) for _ in range(2))
    assert_same(first, second)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]


@EVERY
def test_a_round_trip_keeps_every_answer_and_goes_on_alike(form):
    X = FORMS[form]
    fitted = made(form).fit(X)
    data = pickle.dumps(fitted)
    loaded = pickle.loads(data)
    assert_same(said(fitted, X), said(loaded, X))
    fitted.partial_fit(X)
    loaded.partial_fit(X)
    assert_same(said(fitted, X), said(loaded, X))
    weights = sum(4 * p.numel() for p in fitted.net_.module_.parameters())
    assert len(data) <= 1.5 * weights + 25_000


@EVERY
def test_skops_loads_it_by_the_types_of_this_library_alone(form):
    X = FORMS[form]
    fitted = made(form).fit(X)
    data = skops.io.dumps(fitted)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_ae.") for name in untrusted)
    assert_same(said(skops.io.loads(data, trusted=untrusted), X), said(fitted, X))


def test_a_stream_that_began_complete_goes_on_with_holes_or_says_why_not():
    fitted = make().fit(ARRAY)
    try:
        fitted.partial_fit(FORMS["missing"])
    except ValueError as error:
        assert "missing" in str(error) or "NaN" in str(error)  # noqa: PT017
    assert_finite(fitted, FORMS["missing"])


@SEVERAL
def test_a_stream_learns(form):
    X = FORMS[form]
    streamed = make()
    for start in (0, 8, 16):
        streamed.partial_fit(X[start : start + 8])
    assert streamed.n_iter_ == 3
    assert_finite(streamed, X)


@SEVERAL
def test_a_warm_start_begins_at_the_previous_weights(form):
    X = FORMS[form]
    warm = make(warm_start=True).fit(X)
    before = arrays(warm.reconstruct(X))
    warm.set_params(max_iter=0).fit(X)
    assert_same({"": before}, {"": arrays(warm.reconstruct(X))}, atol=1e-4)


@SEVERAL
def test_weights_of_zero_leave_sequences_out(form):
    X = FORMS[form]
    weighted = make().fit(X, sample_weight=np.r_[np.ones(18), np.zeros(6)])
    short = make().fit(X[:18])
    spread = np.abs(short.transform(X)).max()
    assert_allclose(weighted.transform(X), short.transform(X), atol=1e-4 * spread)


@SEVERAL
def test_a_failed_refit_leaves_the_previous_fit(form):
    X = FORMS[form]
    fitted = make().fit(X)
    before = said(fitted, X)
    with pytest.raises(ValueError, match="infinity"):
        fitted.fit([*LISTED[:-1], np.full((3, 2), np.inf)])
    with pytest.raises(FloatingPointError):
        fitted.set_params(learning_rate_init=1e38, max_iter=3).fit(X)
    assert_same(said(fitted, X), before)


def test_a_search_chooses_the_cell():
    search = GridSearchCV(make(), {"cell": ["gru", "lstm"]}, cv=2, error_score="raise")
    assert np.isfinite(search.fit(LISTED).cv_results_["mean_test_score"]).all()


def test_a_network_learns_from_sequences_of_different_lengths():
    rng = np.random.default_rng(0)
    X = [a * np.sin(np.linspace(0, 3, rng.integers(5, 15))) for a in rng.normal(size=150)]
    fitted = make(1, max_iter=20).fit(X)
    assert -fitted.score(X) < 0.1 * np.mean([np.square(x).mean() for x in X])


@SEVERAL
@pytest.mark.parametrize(
    "estimator",
    [
        SparseAutoencoder(6),
        SparseAutoencoder(6, penalty="topk"),
        ContractiveAutoencoder(2),
        DenoisingAutoencoder(2, corruption=GaussianNoise(0.3)),
        DenoisingAutoencoder(2, corruption=MaskingNoise(0.3)),
        StackedAutoencoder(2, stage_sizes=(3,)),
        VariationalAutoencoder(2),
    ],
    ids=["sparse", "topk", "contractive", "noise", "masking", "stacked", "variational"],
)
def test_every_variant_takes_sequences(form, estimator):
    X = FORMS[form]
    network = clone(estimator).set_params(architecture=SMALL, **OPTIONS)
    assert_finite(network.fit(X), X)
    loaded = pickle.loads(pickle.dumps(network))
    assert_same(said(loaded, X), said(network, X))


@SEVERAL
def test_a_density_of_sequences_is_sampled(form):
    X = FORMS[form]
    density = VariationalAutoencoder(2, architecture=SMALL, **OPTIONS).fit(X)
    drawn = density.sample(5, random_state=0)
    assert type(drawn) is type(X)
    length = 6 if form != "list" else int(np.median(LENGTHS))
    assert [d.shape for d in drawn] == [(length, 2)] * 5
    assert all(np.isfinite(d).all() for d in drawn)


@pytest.mark.parametrize("form", ["array", "list"])
def test_holes_have_no_part_in_r2(form):
    X = FORMS["missing"] if form == "array" else with_lost_cells(LISTED)
    fitted = make().fit(X)
    assert np.isfinite(reconstruction_r2(fitted, X))


@pytest.mark.parametrize("form", ["array", "list"])
def test_sequences_may_be_conditioned(form):
    X, given = FORMS[form], np.array(["a", "b"] * 12)
    density = VariationalAutoencoder(2, architecture=SMALL, init="random", **OPTIONS)
    density.fit(X, condition=given)
    other = density.transform(X, condition=given[::-1])
    assert not np.allclose(density.transform(X, condition=given), other)
    assert np.isfinite(density.score_samples(X, condition=given)).all()
