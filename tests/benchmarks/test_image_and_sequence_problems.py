"""Problems of images and of sequences run on a few of them and say what they measure."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_sample_image
from sklearn.decomposition import PCA

from benchmarks import data, problems, report, runner
from benchmarks.cli import main
from benchmarks.problems import _images, image_denoising, images, sequences, super_resolution
from benchmarks.rivals.sklearn_ae import SklearnAERival

MNIST = "images/mnist_5k"
VOWELS = "sequences/JapaneseVowels"
CELLS = {
    "images": [(MNIST, 4)],
    "image_denoising": [(MNIST, 0), ("images/china", 0)],
    "super_resolution": [(MNIST, 0), ("images/flower", 0)],
    "sequences": [(VOWELS, 3)],
}

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Few patches, few variants of each filter and short fits."""
    for module in (image_denoising, super_resolution):
        monkeypatch.setattr(module, "N_TRAIN", 40)
        monkeypatch.setattr(module, "N_TEST", 10)
    monkeypatch.setattr(image_denoising, "N_TUNING", 3)
    variants = {name: all_[::16] + all_[-1:] for name, all_ in image_denoising.VARIANTS.items()}
    monkeypatch.setattr(image_denoising, "VARIANTS", variants)
    for problem in CELLS:
        own = problems.get(problem).RIVALS
        for library, rival in own.items():
            if isinstance(rival, SklearnAERival):
                parameters = {"max_iter": 1} | rival.parameters
                monkeypatch.setitem(own, library, type(rival)(rival.estimator, **parameters))


def run(problem, library, name, k, seed=0):
    version = problems.rival(problem, library).version
    row = runner.run_cell(runner.Cell(problem, name, k, seed, library, version))
    assert row["error"] == ""
    assert set(row) <= set(runner.columns(problem))
    return row


def frame(problem, rows):
    """Make results of (library, data, k, seed, metrics)."""
    known = {
        "problem": problem, "version": "1.0", "fit_seconds": 1.0, "error": "",
        "n_train": 48, "n_test": 12, "p": 64,
    }  # fmt: skip
    keys = ["library", "data", "k", "seed"]
    table = [known | dict(zip(keys, row[:4], strict=True)) | row[4] for row in rows]
    columns = [*known, *keys, *problems.get(problem).METRICS]
    return pd.DataFrame(table).reindex(columns=columns)


@pytest.mark.parametrize(
    ("problem", "library"),
    [(problem, library) for problem in CELLS for library in problems.get(problem).LIBRARIES],
)
def test_every_library_gives_finite_metrics(problem, library):
    for name, k in CELLS[problem]:
        row = run(problem, library, name, k)
        optional = {"r2"} if problem == "sequences" else {"variant"}
        assert set(problems.get(problem).METRICS) - optional <= set(row)
        found = [row[metric] for metric in problems.get(problem).METRICS if metric in row]
        assert np.isfinite(found).all()


def test_a_problem_with_data_of_its_own_takes_what_is_there(folder, capsys, tmp_path):
    assert problems.data_names("images") == [MNIST]
    assert problems.data_names("reconstruction") == data.names()
    arguments = ["--libraries", "pca", "--seeds", "0", "--results", str(tmp_path / "r.csv")]
    assert main(["cost", "images", "--data", "images/*", *arguments]) == 0
    assert "1 of 1 cells are missing" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="No data set matches"):
        main(["cost", "images", "--data", "wine", *arguments])
    with pytest.raises(SystemExit, match=r"No library is 'foo'; known are .*sklearn_ae"):
        main(["cost", "images", "--libraries", "foo"])
    (folder / "images" / "mnist_5k.npz").unlink()
    assert problems.data_names("images") == []
    assert problems.data_names("super_resolution") == data.PHOTOGRAPHS
    assert runner.grid("images")[0] == []


def test_a_run_of_images_resumes(tmp_path):
    path = tmp_path / "results.csv"
    arguments = ["run", "images", "--libraries", "pca", "--yes", "--results", str(path), "--seeds"]
    assert main([*arguments, "0"]) == 0
    first = path.read_text()
    assert main([*arguments, "0", "1"]) == 0
    assert path.read_text().startswith(first)
    results = runner.read(path, "images")
    assert results["seed"].tolist() == [0, 1]
    assert results["data"].unique().tolist() == [MNIST]


def test_shapes_count_numbers_of_a_row():
    assert data.shape(MNIST) == (60, 64)
    assert data.shape("images/china") == (427, 1920)
    assert data.shape(VOWELS) == (34, 28)


def test_a_problem_may_use_two_threads(monkeypatch):
    seen = []

    def fit(X, k, seed):
        seen.append(torch.get_num_threads())
        raise ValueError

    before = torch.get_num_threads()
    monkeypatch.setattr(images.RIVALS["pca"], "fit", fit)
    runner.run_cell(runner.Cell("images", MNIST, 4, 0, "pca", "1.0"))
    torch.set_num_threads(before)
    assert seen == [images.THREADS] == [2]


def test_images_are_split_by_seed():
    train, test = _images.split(MNIST, 1)
    assert train.shape == (48, 8, 8)
    assert test.shape == (12, 8, 8)
    whole = data.images(MNIST)
    assert whole.dtype == np.float32
    assert 0 == whole.min() < whole.max() == 1
    both = np.vstack([train, test]).reshape(60, -1)
    np.testing.assert_array_equal(np.sort(both, axis=0), np.sort(whole.reshape(60, -1), axis=0))
    assert not np.array_equal(test, _images.split(MNIST, 2)[1])


def test_patches_of_the_named_photograph_are_held_out():
    drawn = {"side": 6, "n_train": 5, "n_test": 3, "gray": False}
    train, test = _images.split_or_patches("images/china", 0, **drawn)
    assert train.shape == (5, 6, 6, 3)
    for patches, photograph in ((train, "flower.jpg"), (test, "china.jpg")):
        whole = load_sample_image(photograph).astype(np.float32) / np.float32(255)
        rows, columns = np.nonzero((whole == patches[0, 0, 0]).all(axis=-1))
        crops = [whole[i : i + 6, j : j + 6] for i, j in zip(rows, columns, strict=True)]
        assert any(np.array_equal(crop, patches[0]) for crop in crops)
    gray, _ = _images.split_or_patches("images/china", 0, **drawn | {"gray": True})
    np.testing.assert_allclose(gray, train @ np.array([0.2125, 0.7154, 0.0721]), rtol=1e-5)


def test_psnr_is_that_of_clipped_images():
    clean = np.zeros((2, 3, 3))
    assert _images.psnr(clean, clean + 0.1) == pytest.approx(20)
    assert _images.psnr(clean + 0.9, clean + 9) == pytest.approx(20)
    with pytest.raises(ValueError, match="not finite"):
        _images.psnr(clean, clean + np.nan)


def test_images_of_pca():
    train, test = (part.reshape(len(part), -1) for part in _images.split(MNIST, 0))
    pca = PCA(4).fit(train)
    rebuilt = pca.inverse_transform(pca.transform(test))
    expected = 1 - np.sum((test - rebuilt) ** 2) / np.sum((test - train.mean(axis=0)) ** 2)
    assert run("images", "pca", MNIST, 4)["r2"] == pytest.approx(expected, rel=1e-4)


def test_images_report():
    scores = {"pca": (0.5, 0.5), "dense": (0.6, 0.7), "sklearn_ae": (0.68, 0.66)}
    rows = [
        (library, MNIST, 16, seed, {"r2": r2})
        for library, found in scores.items()
        for seed, r2 in enumerate(found)
    ]
    results = frame("images", rows)
    results.loc[results["library"].eq("sklearn_ae") & results["seed"].eq(1), "fit_seconds"] = 200
    text = images.report(results)
    assert "seeds: pca 2, dense 2, sklearn_ae 2" in text
    assert "sklearn_ae - pca, r2\n  mean >= 0.15: 1 of 1 cells" in text
    assert "sklearn_ae - dense, r2\n  mean >= 0: 1 of 1 cells" in text
    assert "worst fit: -0.0400 (images/mnist_5k k=16 seed=1)" in text
    assert "fit of sklearn_ae <= 180 s: 1 of 2\n  fails images/mnist_5k k=16 seed=1: 200 s" in text
    table = images.report(results, markdown=True)
    assert r"| images/mnist\_5k | 60 | 64 | 0.500 | 0.650 | **0.670** |" in table


def test_filters_take_the_variant_that_suits_training_images(monkeypatch):
    idle, useful = {"weight": 1e-4}, {"weight": 0.5}
    rows = []
    for variants in ([idle, useful], [useful, idle], [idle]):
        monkeypatch.setitem(image_denoising.VARIANTS, "tv", variants)
        rows.append(run("image_denoising", "tv", "images/china", 0))
    assert [row["variant"] for row in rows] == [1, 0, 0]
    assert rows[0]["psnr"] == rows[1]["psnr"] > rows[0]["psnr_noisy"] + 3
    assert rows[2]["psnr"] == pytest.approx(rows[2]["psnr_noisy"], abs=0.1)


def test_the_denoiser_is_told_the_noise_in_deviations_of_a_pixel(monkeypatch):
    class Recorder:
        def set_params(self, **parameters):
            self.parameters = parameters
            return self

        def fit(self, X):
            return self

    rival = image_denoising.RIVALS["sklearn_ae"]
    monkeypatch.setattr(rival, "make", lambda k, seed: Recorder())
    X = 0.15 * np.array([-1.0, 1.0])[:, None, None] * np.ones((2, 4, 4))
    assert rival.fit(X, 0, 0).parameters["corruption"].scale == pytest.approx(2)


def test_image_denoising_report():
    scores = {
        MNIST: {"start": 15.0, "tv": 18.0, "nlm": 20.0, "sklearn_ae": 20.5},
        "images/china": {"start": 22.0, "tv": 21.0, "nlm": 20.0, "sklearn_ae": 23.5},
    }
    rows = [
        (library, name, 0, 0, {"psnr": psnr, "psnr_noisy": 12.0})
        for name, found in scores.items()
        for library, psnr in found.items()
    ]
    results = frame("image_denoising", rows)
    results.loc[results["library"] == "tv", "variant"] = 1
    text = image_denoising.report(results)
    assert "sklearn_ae - best filter, psnr\n  mean >= 1: 1 of 2 cells" in text
    assert "loses images/mnist_5k k=0: +0.5000" in text
    assert "sklearn_ae - start, psnr\n  mean >= 0: 2 of 2 cells" in text
    assert f"tv {MNIST}: weight=" in text
    table = image_denoising.report(results, markdown=True)
    assert "| images/china | 60 | 64 | 22.000 | 21.000 | 20.000 | **23.500** |" in table


def test_the_best_library_is_chosen_by_its_mean():
    scores = {"a": (1.0, 4.0), "b": (2.0, 2.0)}
    rows = [
        (library, MNIST, 0, seed, {"psnr": psnr})
        for library, found in scores.items()
        for seed, psnr in enumerate(found)
    ]
    found = report.with_best(frame("super_resolution", rows), "psnr", ["a", "b"], "best")
    assert found.loc[found["library"] == "best", "psnr"].tolist() == [1.0, 4.0]


@pytest.mark.parametrize("shape", [(3, 16, 6), (3, 16, 6, 3)])
def test_halving_and_doubling_keep_a_plane(shape):
    line = np.linspace(0.2, 0.8, 16, dtype=np.float32)
    ramp = np.ones(shape, np.float32) * line.reshape(1, 16, *[1] * (len(shape) - 2))
    low = super_resolution.resize(ramp, 0.5, antialias=True)
    assert low.shape == (3, 8, 3, *shape[3:])
    halved = ((line[::2] + line[1::2]) / 2).reshape(1, 8, *[1] * (len(shape) - 2))
    expected = np.broadcast_to(halved, low.shape)[:, 2:-2]
    np.testing.assert_allclose(low[:, 2:-2], expected, rtol=1e-3)
    high = super_resolution.resize(low, 2)
    assert high.shape == shape
    np.testing.assert_allclose(high[:, 7:9], ramp[:, 7:9], rtol=2e-2)


def test_super_resolution_report():
    scores = {MNIST: (20.0, 22.0), "images/china": (23.0, 23.5)}
    rows = [
        (library, name, 0, 0, {"psnr": psnr})
        for name, found in scores.items()
        for library, psnr in zip(["bicubic", "sklearn_ae"], found, strict=True)
    ]
    text = super_resolution.report(frame("super_resolution", rows))
    assert "sklearn_ae - bicubic, psnr\n  mean >= 1: 1 of 2 cells" in text
    assert "loses images/china k=0: +0.5000" in text
    table = super_resolution.report(frame("super_resolution", rows), markdown=True)
    assert "| images/china | 60 | 64 | 23.000 | **23.500** |" in table


def test_sequences_come_as_they_were_stored(folder):
    found = data.sequences(VOWELS)
    with np.load(folder / f"{VOWELS}.npz") as archive:
        assert list(map(len, found.X_train)) == archive["lengths_train"].tolist()
        np.testing.assert_array_equal(np.vstack(found.X_test), archive["values_test"])
        np.testing.assert_array_equal(found.y_test, archive["y_test"])


def test_padded_pca_of_all_components_rebuilds_all_but_what_is_cut():
    X = [np.ones((2, 2)), np.arange(8.0).reshape(4, 2), -np.ones((3, 2))]
    model = sequences.PaddedPCARival().fit(X, 3, 0)
    assert model.transform(X).shape == (3, 3)
    for x, rebuilt in zip(X, model.reconstruct(X), strict=True):
        np.testing.assert_allclose(rebuilt, x, atol=1e-9)
    longer = model.reconstruct([np.ones((6, 2))])[0]
    assert longer.shape == (6, 2)
    np.testing.assert_array_equal(longer[4:], 0)


def test_statistics_are_those_of_each_channel():
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    model = sequences.RIVALS["statistics_range"].fit([x], 0, 0)
    np.testing.assert_array_equal(model.transform([x]), [[2, 4, 1, 2, 1, 2, 3, 6]])
    row = run("sequences", "statistics", VOWELS, 3)
    assert row["width"] == 4
    assert row["accuracy"] == 1
    assert "r2" not in row


def test_shuffling_keeps_the_steps_of_a_sequence():
    X = data.sequences(VOWELS).X_train
    shuffled = sequences.shuffle(X, np.random.default_rng(0))
    assert any(not np.array_equal(x, s) for x, s in zip(X, shuffled, strict=True))
    for x, s in zip(X, shuffled, strict=True):
        np.testing.assert_array_equal(x[np.lexsort(x.T)], s[np.lexsort(s.T)])


def test_r2_is_averaged_over_channels():
    X = [np.array([[1.0, 10.0], [-1.0, -10.0]]), np.array([[2.0, 0.0]])]
    half = [x * [1.0, 0.5] for x in X]
    assert sequences.channel_r2(X, X) == 1
    assert sequences.channel_r2(X, half) == pytest.approx((1 + 0.75) / 2)
    with pytest.raises(ValueError, match="shape"):
        sequences.channel_r2(X, [x[:1] for x in X])


def test_sequences_report():
    italy = "sequences/ItalyPowerDemand"
    rows = [
        ("statistics", VOWELS, 16, 0, {"accuracy": 0.96, "width": 24}),
        ("pca", VOWELS, 16, 0, {"accuracy": 0.94, "r2": 0.5, "width": 16}),
        ("sklearn_ae", VOWELS, 16, 0, {"accuracy": 0.95, "r2": 0.6, "width": 16}),
        ("sklearn_ae", VOWELS, 16, 1, {"accuracy": 0.96, "r2": 0.6, "width": 16}),
        ("shuffled", VOWELS, 16, 0, {"accuracy": 0.97, "r2": 0.4, "width": 16}),
        ("pca", italy, 8, 0, {"accuracy": 0.9, "r2": 0.5, "width": 8}),
        ("sklearn_ae", italy, 8, 0, {"accuracy": 0.8, "r2": 0.4, "width": 8}),
    ]
    text = sequences.report(frame("sequences", rows))
    assert "clears  sklearn_ae accuracy 0.9550 >= 0.95" in text
    assert f"clears  sklearn_ae accuracy 0.9550 > pca 0.9400 ({VOWELS} k=16)" in text
    assert "fails   sklearn_ae accuracy 0.9550 > statistics 0.9600" in text
    assert f"fails   sklearn_ae accuracy 0.8000 > pca 0.9000 ({italy} k=8, no bar)" in text
    assert "clears  sklearn_ae - shuffled: accuracy -0.0150, r2 +0.2000" in text
    assert "seeds: statistics 1, pca 1, sklearn_ae 1-2, shuffled 1" in text
    table = sequences.report(frame("sequences", rows), markdown=True)
    assert "| sequences/JapaneseVowels | 60 | 64 | 0.960 | 0.940 | 0.955 | **0.970** |" in table
