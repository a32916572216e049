"""Every problem has cells, runs one, and reports what its numbers say."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from benchmarks import data, problems, rivals, runner
from benchmarks.cli import main
from benchmarks.problems import (
    _base,
    binary_likelihood,
    contraction,
    denoising,
    few_labels,
    likelihood,
    manifolds,
    planted,
    reasons,
    recommendation,
    sampling,
    selection,
    series,
    sparsity,
    stacking,
    thresholds,
    transfer,
)
from benchmarks.rivals._tables import discrete_columns
from benchmarks.rivals.mult_vae import MultVAERival
from benchmarks.rivals.rec_vae import RecVAERival
from benchmarks.rivals.sklearn_ae import SklearnAERival

PICTURES = [
    "denoising",
    "image_denoising",
    "images",
    "likelihood",
    "manifolds",
    "novelty",
    "outliers",
    "reasons",
    "recommendation",
    "reconstruction",
    "sampling",
    "sequences",
    "series",
    "sparsity",
    "stacking",
    "super_resolution",
]


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch):
    monkeypatch.delenv(data.ENVIRONMENT_VARIABLE, raising=False)


def run(problem, library, k, name="wine", seed=0):
    version = problems.rival(problem, library).version
    row = runner.run_cell(runner.Cell(problem, name, k, seed, library, version))
    assert row["error"] == ""
    assert set(row) <= set(runner.columns(problem))
    return row


def frame(problem, rows):
    """Make results of (library, data, k, seed, metrics)."""
    module = problems.get(problem)
    known = {
        "problem": problem, "version": "1.0", "fit_seconds": 1.0, "error": "",
        "n_train": 124, "n_test": 54, "p": 13,
    }  # fmt: skip
    keys = ["library", "data", "k", "seed"]
    table = [known | dict(zip(keys, row[:4], strict=True)) | row[4] for row in rows]
    return pd.DataFrame(table).reindex(columns=[*known, *keys, *module.METRICS])


@pytest.mark.parametrize("problem", problems.names())
def test_cells_are_distinct_and_known(problem, folder):
    module, known = problems.get(problem), problems.data_names(problem)
    cells = list(module.grid(known, module.LIBRARIES, [0, 1]))
    assert len(set(cells)) == len(cells)
    assert {library for *_, library in cells} == set(module.LIBRARIES)
    assert {name for name, *_ in cells} <= set(known)
    assert {seed for _, _, seed, _ in cells} == {0, 1}
    assert all(problems.rival(problem, library) for library in module.LIBRARIES)


@pytest.mark.parametrize("problem", problems.names())
def test_empty_results_can_be_reported(problem, tmp_path):
    results = runner.read(tmp_path / "absent.csv", problem)
    assert isinstance(problems.get(problem).report(results), str)
    assert isinstance(problems.get(problem).report(results, markdown=True), str)


@pytest.mark.parametrize("problem", problems.names())
def test_a_problem_draws_or_refuses(problem, tmp_path):
    module = problems.get(problem)
    value = dict.fromkeys(module.METRICS, 0.5)
    results = frame(problem, [(library, "wine", 2, 0, value) for library in module.LIBRARIES])
    path = tmp_path / "picture.png"
    if problem in PICTURES:
        module.plot(results, path)
        assert path.read_bytes().startswith(b"\x89PNG")
    else:
        with pytest.raises(ValueError, match="no picture"):
            module.plot(results, path)


def test_a_problem_may_have_adapters_of_its_own():
    assert problems.rival("sparsity", "sklearn_ae") is sparsity.RIVALS["sklearn_ae"]
    assert problems.rival("sparsity", "pca") is rivals.get("pca")


def test_columns_are_standardised_by_the_training_rows():
    train, test = _base.split_standardized("wine", 1)
    raw_train, raw_test = _base.split("wine", 1)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(train.std(axis=0), 1)
    expected = (raw_test - raw_train.mean(axis=0)) / raw_train.std(axis=0)
    np.testing.assert_allclose(test, expected)
    assert len(train) == 124


def test_likelihood_of_pca_is_its_score():
    train, test = _base.split_standardized("wine", 0)
    expected = PCA(2).fit(train).score(test)
    assert run("likelihood", "pca", 2)["score"] == pytest.approx(expected)
    assert run("likelihood", "factor_analysis", 2)["score"] < 0


@pytest.mark.parametrize("library", ["independent", "chow_liu", "bernoulli_mixture"])
def test_rivals_of_binary_rows_are_distributions(library, folder):
    train, _ = data.binary("binary/dna")
    model = problems.rival("binary_likelihood", library).fit(train, 0, 0)
    every = np.array(list(np.ndindex(*[2] * train.shape[1])), dtype=float)
    total = sum(np.exp(model.score(row[None])) for row in every)
    assert total == pytest.approx(1.0)


def test_a_tree_sees_what_independent_columns_do_not(folder):
    scores = {
        library: run("binary_likelihood", library, 0, "binary/dna")["score"]
        for library in ("independent", "chow_liu", "sklearn_ae_start")
    }
    assert scores["chow_liu"] > scores["independent"] + 0.2
    assert scores["sklearn_ae_start"] > scores["independent"] + 0.1
    rows = [("sklearn_ae", "binary/dna", 0, 0, {"score": -87.0})]
    text = binary_likelihood.report(frame("binary_likelihood", rows))
    assert "least over seeds -87.00 clears -88.00" in text


def test_likelihood_leaves_constant_columns_out():
    row = run("likelihood", "pca", 2, "digits")
    train, _ = _base.split("digits", 0)
    assert row["p"] == np.sum(train.std(axis=0) > 0) < 64


def test_likelihood_has_the_full_width_where_columns_are_few():
    cells = list(likelihood.grid(["wine", "digits"], ["pca"], [0]))
    assert [(name, k) for name, k, *_ in cells] == [
        ("wine", 2), ("wine", 4), ("wine", 8), ("wine", 13),
        ("digits", 2), ("digits", 4), ("digits", 8),
    ]  # fmt: skip


def test_a_singular_covariance_has_no_likelihood():
    X = np.random.default_rng(0).standard_normal((50, 3))
    X = np.column_stack([X, X[:, 0]])
    assert rivals.get("pca").fit(X[:, :3], 3, 0).score(X[:, :3]) < 0
    with pytest.raises(ValueError, match="singular"):
        rivals.get("pca").fit(X, 4, 0).score(X)


def test_likelihood_report():
    rows = []
    for seed, (ours, start) in enumerate([(-9.0, -10.0), (-10.5, -10.25)]):
        bounds = {"score_1": ours - 1, "score_10": ours, "score_100": ours - seed}
        rows += [
            ("pca", "wine", 2, seed, {"score": -10.0}),
            ("factor_analysis", "wine", 2, seed, {"score": -9.5}),
            ("sklearn_ae_start", "wine", 2, seed, {"score": start}),
            ("sklearn_ae", "wine", 2, seed, {"score": ours} | bounds),
        ]
    text = likelihood.report(frame("likelihood", rows))
    assert "sklearn_ae - pca, score\n  mean >= 0: 1 of 1 cells" in text
    assert "loses wine k=2: -0.2500" in text  # to factor analysis
    assert "largest |start - pca|: 0.25 (wine k=2 seed=1)" in text
    assert "score_1 <= score_10 <= score_100: 50.0% of 2 fits" in text
    assert "falls wine k=2 seed=1: -1.00000" in text
    assert "| wine | 178 | 13 |" in likelihood.report(frame("likelihood", rows), markdown=True)


def test_sampling_of_a_normal_distribution():
    row = run("sampling", "gaussian", 0)
    assert 0.5 < row["auroc"] < 1
    assert row["outside"] > 0  # fractions of whole numbers
    clocks = ("fit_seconds", "sample_seconds", "seconds")
    assert row == run("sampling", "gaussian", 0) | {clock: row[clock] for clock in clocks}


def test_rows_drawn_from_ranks_are_values_of_the_column():
    table, _ = data.load_mixed(data.PEOPLE, 0, 400)
    drawn = rivals.get("mixture").fit(table, 0, 0).sample(300, random_state=0)
    assert (drawn.dtypes == table.dtypes).all()
    for name in table:
        assert drawn[name].dropna().isin(table[name]).all()
    assert drawn["occupation"].isna().mean() == pytest.approx(0.05, abs=0.04)
    real = rivals.get("real_rows").fit(table, 0, 0).sample(len(table), random_state=0)
    ordered = [t.sort_values([*table], ignore_index=True) for t in (real, table)]
    assert ordered[0].equals(ordered[1])


def test_few_whole_numbers_are_categories_to_rivals():
    table, _ = data.load_mixed(data.PEOPLE, 0, 400)
    table = table.assign(rooms=np.arange(400) % 9, below=-(np.arange(400) % 9), flag=True)
    numbers = {"age", "weight", "education_years", "capital_gain", "capital_loss", "hours", "below"}
    assert set(discrete_columns(table)) == set(table) - numbers


def test_usefulness_is_that_of_the_label():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"])
    X["sex"] = np.where(X["a"] + rng.normal(size=400) / 9 > 0.5, "f", "m")
    useful = sampling.usefulness(X, X[:200], X[200:], "sex")
    assert useful > 0.95
    shuffled = X[:200].assign(sex=rng.permutation(X["sex"][:200]))
    assert sampling.usefulness(X, shuffled, X[200:], "sex") < 0.75
    assert sampling.usefulness(X, X[:200].assign(sex="m"), X[200:], "sex") == 0.5
    numbers = X[["b", "a"]].assign(a2=X["a"] + 0.01 * X["b"])
    assert sampling.usefulness(numbers, numbers[:200], numbers[200:], None) > 0.95


def test_sampling_report():
    scores = {"gaussian": (0.7, 0.9), "tvae": (0.6, 0.8), "sklearn_ae": (0.65, 0.7)}
    rows = [
        (library, name, 0, 0, {"auroc": score})
        for library, found in scores.items()
        for name, score in zip(["wine", "breast_cancer"], found, strict=True)
    ]
    text = sampling.report(frame("sampling", rows))
    assert "sklearn_ae below tvae: 1 of 2 sets" in text
    assert "loses wine: +0.0500" in text
    assert "sklearn_ae below gaussian: 2 of 2 sets" in text
    table = sampling.report(frame("sampling", rows), markdown=True)
    assert "| wine | 178 | 13 | 0.700 | 0.650 | **0.600** |" in table


def test_sparsity_gives_pca_as_many_components_as_are_active():
    train, test = _base.split_standardized("wine", 0)
    pca = PCA(2).fit(train)
    rebuilt = pca.inverse_transform(pca.transform(test))
    row = run("sparsity", "pca", 40)
    assert row["r2"] == pytest.approx(1 - np.sum((test - rebuilt) ** 2) / np.sum(test**2))
    assert run("sparsity", "pca", 80)["r2"] > row["r2"]


def test_sparsity_describes_activations():
    activations = np.zeros((100, 4))
    activations[:5, 0] = 1.0  # mean 0.05
    activations[:, 1] = 0.09  # constant, and within a factor of 2
    activations[5:, 2] = 0.6  # active in 95 rows
    found = sparsity.describe(activations)
    assert found["within"] == 0.5
    assert found["constant"] == 2
    assert found["active"] == 0.25
    assert found["mean_activation"] == pytest.approx((0.05 + 0.09 + 0.57) / 4)
    assert sparsity.hoyer(np.eye(4)) == pytest.approx(1)
    assert sparsity.hoyer(np.ones((2, 4))) == pytest.approx(0)


def test_sparsity_report():
    code = {"r2": 0.5, "constant": 0, "mean_activation": 0.05, "active": 0.04, "hoyer": 0.9}
    rows = [
        ("pca", "wine", 40, 0, {"r2": 0.6}),
        ("pca", "digits", 40, 0, {"r2": 0.4}),
        ("sklearn_ae", "wine", 40, 0, code | {"within": 0.95}),
        ("sklearn_ae", "digits", 40, 0, code | {"within": 0.8}),
    ]
    text = sparsity.report(frame("sparsity", rows))
    assert "mean >= 0: 1 of 2 cells" in text
    assert "loses wine k=40: -0.1000" in text
    assert "within >= 0.9: 1 of 2 cells\n  fails digits k=40: 0.800" in text
    assert "constant == 0: 2 of 2 cells" in text
    table = sparsity.report(frame("sparsity", rows), markdown=True)
    assert "| wine | 40 | 0.600 | 0.500 | 0.950 |" in table


def test_denoising_takes_the_best_number_of_components():
    train, test = _base.split_standardized("wine", 0)
    rng = np.random.default_rng(0)
    noisy = test + 0.5 * rng.standard_normal(test.shape)
    errors = []
    for k in range(1, 14):
        pca = PCA(k).fit(train)
        errors.append(np.mean((pca.inverse_transform(pca.transform(noisy)) - test) ** 2))
    row = run("denoising", "pca_oracle", 0)
    assert row["mse"] == pytest.approx(min(errors))
    assert row["width"] == 1 + np.argmin(errors)
    assert run("denoising", "pca_noisy_oracle", 0)["mse"] != row["mse"]


def test_denoising_report():
    rows = [
        (library, name, 0, 0, {"mse": error, "width": 3})
        for name, errors in {"wine": (0.2, 0.1, 0.08), "digits": (0.1, 0.2, 0.11)}.items()
        for library, error in zip(["pca_oracle", "start", "sklearn_ae"], errors, strict=True)
    ]
    text = denoising.report(frame("denoising", rows))
    assert "sklearn_ae at most pca_oracle: 1 of 2 sets\n  loses digits: +0.01000" in text
    assert "sklearn_ae at most start: 2 of 2 sets" in text
    assert "mean over 2 sets: 0.9500 (bar 0.85)" in text
    table = denoising.report(frame("denoising", rows), markdown=True)
    assert "| wine | 178 | 13 | 0.200 | 0.100 | **0.080** |" in table


class _Linear:
    """PCA, whose Jacobian is known."""

    version = "1.0"

    def load(self):
        pass

    def fit(self, X, k, seed):
        pca = PCA(k).fit(X)
        pca.reconstruct = lambda rows: pca.inverse_transform(pca.transform(rows))
        return pca


def test_contraction_of_a_linear_code(monkeypatch):
    monkeypatch.setitem(contraction.RIVALS, "plain", _Linear())
    train, test = _base.split_standardized("wine", 0)
    spread = np.trace(np.cov(PCA(2).fit(train).transform(test).T))
    row = run("contraction", "plain", 2)
    assert row["jacobian"] == pytest.approx(2 / spread, rel=1e-5)
    assert row["moved"] == pytest.approx(0.01 * 2 / spread, rel=0.3)
    assert row["r2"] == pytest.approx(run("sparsity", "pca", 40)["r2"])


def test_random_directions_estimate_the_jacobian_without_bias():
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((100, 3))
    X = rng.standard_normal((2, 100))
    found = [contraction.squared_jacobian(lambda rows: rows @ weights, X, rng) for _ in range(50)]
    assert np.mean(found) == pytest.approx(np.sum(weights**2), rel=0.02)
    exact = contraction.squared_jacobian(lambda rows: rows @ weights[:64], X[:, :64], rng)
    assert exact == pytest.approx(np.sum(weights[:64] ** 2))


def test_contraction_report():
    rows = [
        ("plain", "wine", 2, 0, {"r2": 0.6, "jacobian": 1.0, "moved": 0.1}),
        ("sklearn_ae", "wine", 2, 0, {"r2": 0.592, "jacobian": 0.36, "moved": 0.04}),
        ("plain", "wine", 4, 0, {"r2": 0.7, "jacobian": 1.0, "moved": 0.1}),
        ("sklearn_ae", "wine", 4, 0, {"r2": 0.6, "jacobian": 0.25, "moved": 0.08}),
    ]
    text = contraction.report(frame("contraction", rows))
    assert "r2 difference -0.054, jacobian 0.305, root 0.550, moved 0.600" in text
    assert "r2 at most 0.01 lower: 1 of 2 cells" in text
    assert "jacobian <= 0.5: 2 of 2 cells; with r2 at most 0.01 lower: 1" in text
    assert "root <= 0.5: 1 of 2 cells; with r2 at most 0.01 lower: 0" in text
    table = contraction.report(frame("contraction", rows), markdown=True)
    assert "| wine | 0.650 | 0.596 | -0.054 | 0.305 | 0.550 | 0.600 |" in table


def test_stacking_unrolls_its_stages():
    train, test = _base.split_standardized("wine", 0)
    outer = PCA(5).fit(train)
    inner = PCA(2).fit(outer.transform(train))
    whole = PCA(2).fit(train)
    expected = whole.inverse_transform(whole.transform(test))
    np.testing.assert_allclose(stacking.unrolled([outer, inner], test), expected, atol=1e-9)
    r2 = run("stacking", "pca", 2)["r2"]
    assert r2 == pytest.approx(1 - np.sum((test - expected) ** 2) / np.sum(test**2))


def test_stacking_report():
    rows = [
        ("pca", "wine", 2, 0, {"r2": 0.5}),
        ("random", "wine", 2, 0, {"r2": 0.7}),
        ("sklearn_ae", "wine", 2, 0, {"r2": 0.6, "r2_greedy": 0.65}),
    ]
    text = stacking.report(frame("stacking", rows))
    assert "sklearn_ae - pca, r2\n  mean >= -0.001: 1 of 1 cells" in text
    assert "sklearn_ae - random, r2\n  mean >= -0.001: 0 of 1 cells" in text
    assert "loses wine k=2: -0.1000" in text
    assert "gain of training the stack as one\n  mean >= 0: 0 of 1 cells" in text
    table = stacking.report(frame("stacking", rows), markdown=True)
    assert "| wine | 178 | 13 | 0.500 | **0.700** | 0.600 |" in table


@pytest.mark.parametrize(
    "problem", ["images", "image_denoising", "series", "super_resolution", "sequences"]
)
def test_tracked_results_of_images_and_sequences_can_be_reported(problem, capsys):
    assert main(["report", problem]) == 0
    assert main(["report", problem, "--markdown"]) == 0
    assert "failed fits" not in capsys.readouterr().out


def test_novelty_holds_half_of_the_inliers_out(folder):
    row = run("novelty", "knn", 0, "anomaly/wine")
    assert (row["n_train"], row["n_test"]) == (59, 119)  # 119 inliers and 59 outliers
    assert row["auroc"] > 0.9


def test_novelty_report():
    rows = [
        (library, "anomaly/wine", 0, seed, {"auroc": value, "ap": 0.5})
        for seed in range(2)
        for library, value in [("knn", 0.88), ("sklearn_ae", 0.91)]
    ]
    text = problems.get("novelty").report(frame("novelty", rows))
    assert "knn: 0.880 is below 0.9; the nearest neighbours as published: 0.877" in text
    assert "sklearn_ae: 0.910 clears 0.9" in text


def test_thresholds_count_fresh_rows(monkeypatch):
    monkeypatch.setattr(thresholds, "MAX_ROWS", 100)
    rival = SklearnAERival("Autoencoder", max_iter=0)
    monkeypatch.setitem(thresholds.RIVALS, "sklearn_ae", rival)
    row = run("thresholds", "sklearn_ae", 0)
    assert (row["n_train"], row["n_test"], row["n_calibration"]) == (50, 50, 50)
    assert 0 <= row["flagged"] < row["in_sample"]


def test_thresholds_report():
    right = {"flagged": 0.12, "in_sample": 0.3, "n_calibration": 124}
    rows = [("sklearn_ae", "wine", 0, seed, right) for seed in range(9)]
    rows += [("sparse", "wine", 0, seed, {**right, "flagged": 0.3}) for seed in range(2)]
    text = thresholds.report(frame("thresholds", rows))
    assert "sklearn_ae: 0.120 of fresh rows (contamination=0.1: 0.300)" in text
    assert "of 0.1: 9 of 9 fits: clears" in text
    assert "of 0.1: 0 of 2 fits: fails" in text
    table = thresholds.report(frame("thresholds", rows), markdown=True)
    assert "| mean | 0.120 | 0.300 |" in table


def test_thresholds_measure_p_values(monkeypatch):
    monkeypatch.setattr(thresholds, "MAX_ROWS", 100)
    row = run("thresholds", "split", 0)
    assert row["n_calibration"] == 15
    assert row["p_01"] == 0 <= row["p_05"] <= row["p_50"] <= 1
    assert 0 <= row["false"] <= 1
    rows = [("split", "wine", 0, seed, {**row, "false": 0.3}) for seed in range(2)]
    assert "split: false 0.3000, standard error 0.0000: above 0.1" in thresholds.report(
        frame("thresholds", rows)
    )


@pytest.mark.parametrize("library", ["popularity", "linear", "mult_vae", "rec_vae"])
def test_items_are_found(library, folder, monkeypatch):
    monkeypatch.setitem(recommendation.RIVALS, "mult_vae", MultVAERival(epochs=1))
    monkeypatch.setitem(recommendation.RIVALS, "rec_vae", RecVAERival(epochs=1))
    found = run("recommendation", library, 0, "ratings/ml-100k")
    assert (found["n_train"], found["n_test"], found["p"]) == (48, 12, 15)
    # One of eight items is hidden, and seven more are not shown.
    assert found["recall_20"] == found["recall_50"] == 1
    assert 0.25 < found["ndcg"] <= 1
    metrics = {name: found[name] for name in recommendation.METRICS}
    rows = [(name, "ratings/ml-100k", 0, 1, metrics) for name in ("ease_200", "sklearn_ae")]
    assert "ndcg above the best ridge of each split: mean +0.0000 fails +0.0070" in (
        recommendation.report(frame("recommendation", rows))
    )


@pytest.mark.parametrize("library", ["pca", "knn", "sklearn_ae", "autoencoder", "mlp"])
def test_codes_of_a_surface_are_measured(library, monkeypatch):
    monkeypatch.setitem(data.MANIFOLDS, "manifolds/s_curve", (300, 100))
    monkeypatch.setitem(
        manifolds.RIVALS, "autoencoder", manifolds.Ours("", "Autoencoder", max_iter=1)
    )
    found = run("manifolds", library, 2, "manifolds/s_curve")
    assert (found["n_train"], found["n_test"], found["p"]) == (300, 100, 3)
    assert 0 < found["spearman"] < 1
    assert found["r2"] < 1
    assert 0.5 < found["own"] <= 1
    if library in ("knn", "sklearn_ae"):
        assert found["spearman"] > 0.98
        assert found["r2"] > 0.98


def test_bars_of_manifolds_are_named():
    value = dict.fromkeys(manifolds.METRICS, 0.99)
    rows = [("sklearn_ae", "manifolds/roll", 2, seed, value) for seed in (0, 1)]
    rows += [("sklearn_ae_tsne", "manifolds/digits", 2, 0, value | {"own": 0.995})]
    rows += [("sklearn_ae", "manifolds/roll_100000", 2, 0, value)]
    text = manifolds.report(frame("manifolds", rows))
    assert "manifolds/roll, r2, worst of 2 seeds: 0.9900 fails 0.995" in text
    assert "sklearn_ae_tsne: mean 0.9950, worst of 1 seeds 0.9950 clears 0.97" in text
    assert "manifolds/roll_100000: 1.0 s clears 60 s" in text


@pytest.mark.parametrize("name", data.MANIFOLDS)
def test_a_manifold_is_as_long_as_it_says(name, folder, monkeypatch):
    monkeypatch.setitem(data.MANIFOLDS, data.MAMMOTH, (20, 10))
    X, flat = data.manifold(name, 0)
    n = sum(data.MANIFOLDS[name])
    assert data.available(name)
    assert X.shape == data.shape(name) == (n, X.shape[1])
    assert flat is None or flat.shape == (n, 2)
    np.testing.assert_array_equal(data.manifold(name, 0)[0], X)


def test_a_network_goes_on_with_other_digits(folder, monkeypatch):
    monkeypatch.setattr(transfer, "ROWS", [10])
    monkeypatch.setitem(transfer.RIVALS, "sklearn_ae", SklearnAERival(max_iter=1))
    for cached in (transfer._labelled, transfer._pretrained):
        cached.cache_clear()
    found = run("transfer", "sklearn_ae_frozen", 10, "images/mnist_5k")
    assert found["n_train"] == 10
    assert found["n_test"] == 20
    assert found["r2"] <= 1
    rows = [
        ("sklearn_ae", "tables/bank", 30, 0, {"r2": 0.8}),
        ("pca", "tables/bank", 30, 0, {"r2": 0.5}),
    ]
    text = transfer.report(frame("transfer", rows))
    assert "tables/bank, 30 rows: sklearn_ae +0.300 against pca" in text


def test_an_implausible_cell_is_found_and_named(monkeypatch):
    table = pd.DataFrame({"same": 1.0, "kind": ["a", "b"] * 30, "z": np.arange(60.0) % 7})
    table.loc[3, "z"] = np.nan
    changed, row, column = planted.plant(table, 2, 0)
    assert (column, changed.loc[row, "z"]) == ("z", 18.0)
    assert (changed.drop(index=row).fillna(0) == table.drop(index=row).fillna(0)).all(axis=None)
    monkeypatch.setattr(planted.data, "load_labelled", lambda *_: (table, None))
    found = run("planted", "sklearn_ae", 2)
    assert (found["rank"], found["named"]) == (round(1 / 60, 6), 1)
    rows = [("sklearn_ae", "tables/bank", 2, 0, {"rank": 0.005, "named": 1})]
    assert "ranges above the largest: 2; found: 1.000 clears 0.9" in planted.report(
        frame("planted", rows)
    )


def test_a_planted_cell_is_from_the_far_tail():
    rng = np.random.default_rng(0)
    train, rows = rng.normal(size=(400, 3)), rng.normal(size=(50, 3))
    train[:, 1] = 7.0
    changed_rows, column = reasons.plant(train, rows, 0)
    changed = changed_rows != rows
    assert set(column) == {0, 2}
    assert (changed.sum(axis=1) == 1).all()
    assert (changed.argmax(axis=1) == column).all()
    cells = np.arange(50), column
    middle = np.median(train, axis=0)[column]
    assert (np.sign(changed_rows[cells] - middle) == -np.sign(rows[cells] - middle)).all()
    assert np.isin(changed_rows[cells], train).all()
    assert (np.abs(changed_rows[cells]) > 1.4).all()


def test_reasons_are_right_where_one_cell_is_far(monkeypatch):
    monkeypatch.setattr(reasons, "DETECTOR", "Autoencoder")
    reasons.planted.cache_clear()
    rows = {library: run("reasons", library, 0) for library in ("z", "shap", "conditional_z")}
    given = reasons.planted("wine", 0)
    at = np.arange(len(given.rows))
    far = given.rows.copy()
    far[at, given.column] = 30.0
    for library, row in rows.items():
        assert row["flagged"] == rows["z"]["flagged"] > 0.1
        assert row["right_all"] > 1 / row["p"]
        model = problems.rival("reasons", library).fit(given.train, 0, 0)
        assert (model.first(far) == given.column).mean() > 0.8
    reasons.planted.cache_clear()


def test_reasons_report_the_bar_and_the_rivals():
    rows = [
        (library, "anomaly/glass", 0, 0, {"right": value, "right_all": value / 2})
        for library, value in [("z", 0.6), ("shap", 0.95), ("sklearn_ae", 0.9)]
    ]
    text = problems.get("reasons").report(frame("reasons", rows))
    assert "sklearn_ae at least 0.85: clears, 0.900" in text
    assert "sklearn_ae above z: clears, +0.300" in text
    assert "sklearn_ae above shap: fails, -0.050" in text


def test_series_are_scored_where_their_steps_are(folder, monkeypatch):
    monkeypatch.setattr("sklearn_ae.applications._outlier_detection._ensemble.N_STEPS", 50)
    row = run("series", "sklearn_ae", 0, "series/yahoo")
    assert (row["n_train"], row["n_test"], row["p"], row["window"]) == (120, 180, 1, 20)
    assert row["ap_whole"] > 0.8
    assert row["ap_ahead"] > 0.8
    of_windows = run("series", "rows", 0, "series/yahoo")
    assert of_windows["auroc_whole"] > 0.8
    assert of_windows["ap_whole"] < row["ap_whole"]
    line = run("series", "difference", 0, "series/yahoo")
    assert line["auroc_whole"] > 0.9


def test_windows_are_averaged_over_the_steps_that_they_cover():
    assert series._by_step(np.array([3.0, 1.0, 2.0]), 2).tolist() == [3.0, 2.0, 1.5, 2.0]
    assert series._rows(np.arange(4.0)[:, None], 3).tolist() == [[0, 1, 2], [1, 2, 3]]


def test_the_best_threshold_of_events():
    truth = np.array([0, 0, 1, 1, 0, 0, 1, 0], dtype=bool)
    assert series.scores(truth, np.arange(8.0) * truth)["f1"] == 1.0
    assert series.scores(truth, np.ones(8))["f1"] == pytest.approx(2 * 3 / 8 / (1 + 3 / 8))


def test_series_report():
    values = {"pyod_knn": 0.4, "sklearn_ae": 0.6}
    rows = [
        (library, name, 0, 0, dict.fromkeys(series.METRICS, value))
        for library, value in values.items()
        for name in ("series/yahoo", "series/mitdb")
    ]
    text = series.report(frame("series", rows))
    assert "sklearn_ae - pyod_knn, ap_whole: +0.2000" in text
    assert "series/mitdb" in text
    assert r"| sklearn\_ae | 0.600 |" in series.report(frame("series", rows), markdown=True)


def test_a_series_that_no_package_holds_says_which(monkeypatch):
    monkeypatch.setattr(data, "_series_path", lambda name: None)
    with pytest.raises(ValueError, match=r"series/yahoo.*needs the package sktime"):
        data.series("series/yahoo")
    assert not data.available("series/yahoo")


def test_selected_columns_are_as_many_as_asked_for_and_judged_alike():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 7))
    X = X + 0.1 * rng.normal(size=X.shape)
    for name, rival in selection.SELECTORS.items():
        chosen = rival.fit(X, 3, 0)
        assert len(set(chosen.tolist())) == 3, name
        assert chosen.min() >= 0
        assert chosen.max() < 7
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    linear = selection.rebuilt_r2(Z[:60], Z[60:], selection.SELECTORS["linear"].fit(X, 3, 0), 0)
    one = selection.rebuilt_r2(Z[:60], Z[60:], np.array([0]), 0)
    assert one < linear < 1
    assert linear > 0.9


def test_selection_is_reported_with_its_bars():
    cells = [("a", 2), ("a", 4)]
    rows = [("linear", *cell, 0, {"r2": 0.5}) for cell in cells]
    rows += [
        ("sklearn_ae", "a", 2, 0, {"r2": 0.6, "nonlinear": 1}),
        ("sklearn_ae", "a", 4, 0, {"r2": 0.49, "nonlinear": 0}),
    ]
    text = selection.report(frame("selection", rows))
    assert "mean gain over linear: +0.0450 clears +0.005" in text
    assert "least gain of a cell: -0.0100 (a k=4) fails -0.005" in text
    assert "kept: 50% of 2 fits" in text
    assert "sklearn_ae - linear: +0.0450; above by 0.005 in 1 and below in 1 of 2 cells" in text


@pytest.mark.parametrize("library", ["sklearn_ae", "logistic_regression", "label_spreading"])
def test_few_labels_are_kept_and_predict(library):
    rows = few_labels.split("wine", 0)
    labels = few_labels.some_labels(rows.y_train, 20, 0)
    assert (labels >= 0).sum() == 20
    assert (labels[labels >= 0] == rows.y_train[labels >= 0]).all()
    found = run("few_labels", library, 20)
    assert found["accuracy"] > 0.7
    assert "auroc" not in found


def test_few_labels_of_a_frame(monkeypatch):
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    table = pd.DataFrame(
        {"x": rng.normal(size=120) + 4 * y, "kind": pd.Categorical(["a", "b"] * 60)}
    )
    monkeypatch.setattr(few_labels.data, "load_labelled", lambda *_: (table, y))
    few_labels.split.cache_clear()
    for library in few_labels.LIBRARIES[1:-1]:
        found = run("few_labels", library, 40, "tables/bank")
        assert found["auroc"] > 0.95, library
    few_labels.split.cache_clear()


def test_few_labels_report_the_bars():
    rows = [
        ("sklearn_ae", "digits", 20, 0, {"accuracy": 0.9}),
        ("mlp", "digits", 20, 0, {"accuracy": 0.8}),
        ("sklearn_ae", "tables/bank", 20, 0, {"accuracy": 0.9, "auroc": 0.61}),
        ("logistic_regression", "tables/bank", 20, 0, {"accuracy": 0.91, "auroc": 0.6}),
        ("sklearn_ae", "tables/bank", 3000, 0, {"accuracy": 0.9, "auroc": 0.8}),
        ("boosting", "tables/bank", 3000, 0, {"accuracy": 0.904, "auroc": 0.81}),
    ]
    text = few_labels.report(frame("few_labels", rows))
    for line in (
        "digits, 20 labels, accuracy above the best rival: +0.1000 clears +0.06",
        "tables/bank, few labels, mean accuracy above the best rival: -0.0100 fails +0",
        "tables/bank, 20 labels, AUROC above logistic regression: +0.0100 fails +0.02",
        "tables/bank, all labels, accuracy above the best rival: -0.0040 clears -0.005",
        "tables/bank, all labels, auroc above the best rival: -0.0100 fails -0.005",
    ):
        assert line in text
