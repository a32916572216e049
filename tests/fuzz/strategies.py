"""Examples: an estimator, rows and weights, drawn together.

Rows are recipes: a few numbers that say how they are made, so that an example shrinks, prints as
code and is the same wherever it is run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.manifold import SpectralEmbedding
from sklearn.random_projection import GaussianRandomProjection

from sklearn_ae import (
    MMD,
    AbsoluteError,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    BatchTopK,
    Bernoulli,
    Blur,
    Contraction,
    ContractiveAutoencoder,
    Convolutional,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    Dense,
    Deterministic,
    DomainAdaptationTransformer,
    Downsampling,
    Erasing,
    Gaussian,
    GaussianLikelihood,
    GaussianNoise,
    GraphAdaptedClassifier,
    HuberError,
    JumpReLU,
    KLSparsity,
    L1Sparsity,
    L1Weights,
    LocalStress,
    ManifoldAutoencoder,
    MaskingNoise,
    NestedCodes,
    Poisson,
    Recurrent,
    RecurrentAutoencoder,
    SaltAndPepperNoise,
    Sigmoid,
    SparseAutoencoder,
    SquaredError,
    StackedAutoencoder,
    SuperResolver,
    SwapNoise,
    TimeSeriesOutlierDetector,
    TopK,
    VariationalAutoencoder,
    VectorQuantized,
    VectorQuantizedAutoencoder,
    WassersteinAutoencoder,
)

SOME = (5, 1, 2, 3, 12, 20, 33)
WORDS = np.array(["a", "b", "cc", ""], dtype=object)


# Rows


@dataclass(frozen=True)
class Matrix:
    """Numbers; `columns` holds the form and the power of ten of each."""

    n_rows: int
    columns: tuple[tuple[str, int], ...]
    dtype: str = "float64"
    missing: float = 0.0
    domain: str = "real"
    seed: int = 0

    def build(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        common, made = rng.normal(size=self.n_rows), []
        for form, power in self.columns:
            noise = rng.normal(size=self.n_rows)
            if form == "duplicate" and made:
                made.append(made[-1].copy())
                continue
            values = {
                "constant": np.ones(self.n_rows),
                "zero": np.zeros(self.n_rows),
                "offset": 1e3 + noise,
                "integer": np.round(3 * noise),
                "heavy": noise * np.exp(2 * rng.normal(size=self.n_rows)),
                "sparse": noise * (rng.random(self.n_rows) < 0.2),
            }.get(form, 0.8 * common + noise)
            made.append(values * 10.0**power)
        X = np.column_stack(made)
        if self.domain == "unit":
            X = 1 / (1 + np.exp(-np.clip(X, -30, 30)))
        elif self.domain == "counts":
            X = np.floor(np.minimum(np.abs(X), 1e6))
        if self.dtype == "bool":
            return X > 0
        if self.dtype.startswith("int"):
            return np.clip(np.round(X), -(2**30), 2**30).astype(self.dtype)
        X = X.astype(self.dtype)
        X[rng.random(X.shape) < self.missing] = np.nan
        return X


@dataclass(frozen=True)
class Frame:
    """A data frame with columns of so many kinds."""

    n_rows: int
    kinds: tuple[str, ...]
    missing: float = 0.0
    seed: int = 0

    def build(self) -> pd.DataFrame:
        rng, n = np.random.default_rng(self.seed), self.n_rows
        columns = {}
        for i, kind in enumerate(self.kinds):
            words = WORDS[rng.integers(len(WORDS), size=n)]
            column = {
                "float64": lambda: pd.Series(rng.normal(size=n) * 10.0 ** rng.integers(-12, 13)),
                "float32": lambda: pd.Series(rng.normal(size=n).astype("float32")),
                "int64": lambda: pd.Series(rng.integers(-5, 50, size=n)),
                "bool": lambda: pd.Series(rng.random(n) < 0.5),
                "object": lambda w=words: pd.Series(w, dtype=object),
                "str": lambda w=words: pd.Series(w, dtype="str"),
                "category": lambda w=words: pd.Series(pd.Categorical(w)),
                "Int64": lambda: pd.Series(rng.integers(9, size=n), dtype="Int64"),
                "boolean": lambda: pd.Series(rng.random(n) < 0.5, dtype="boolean"),
                "datetime": lambda: pd.Series(
                    pd.Timestamp(2020, 1, 1) + pd.to_timedelta(rng.integers(900, size=n), "D")
                ),
            }[kind]()
            hole = rng.random(n) < self.missing
            columns[f"{kind} {i}"] = column if kind == "bool" else column.mask(pd.Series(hole))
        return pd.DataFrame(columns)


@dataclass(frozen=True)
class Images:
    """Images in one array, or in a list of so many sizes."""

    n_rows: int
    sizes: tuple[tuple[int, int], ...]
    channels: int | None = None
    dtype: str = "float64"
    scale: float = 1.0
    seed: int = 0

    def build(self) -> Any:
        rng = np.random.default_rng(self.seed)
        last = () if self.channels is None else (self.channels,)

        def one(size: tuple[int, ...]) -> np.ndarray:
            values = rng.beta(2, 3, size=(*size, *last))
            if self.dtype == "uint8":
                return (255 * values).astype("uint8")
            return (self.scale * values).astype(self.dtype)

        if len(self.sizes) == 1:
            return one((self.n_rows, *self.sizes[0]))
        return [one(self.sizes[i % len(self.sizes)]) for i in range(self.n_rows)]


@dataclass(frozen=True)
class Sequences:
    """Sequences in one array, in a list of so many lengths, or in a long data frame."""

    n_rows: int
    lengths: tuple[int, ...]
    channels: int | None = 1
    form: str = "array"
    missing: float = 0.0
    scale: float = 1.0
    seed: int = 0

    def build(self) -> Any:
        rng = np.random.default_rng(self.seed)
        last = () if self.channels is None else (self.channels,)

        def one(size: tuple[int, ...]) -> np.ndarray:
            values = rng.beta(2, 3, size=(*size, *last)) * self.scale
            values[rng.random(values.shape) < self.missing] = np.nan
            return values

        if self.form == "array":
            return one((self.n_rows, self.lengths[0]))
        parts = [one((self.lengths[i % len(self.lengths)],)) for i in range(self.n_rows)]
        if self.form == "list":
            return parts
        flat = np.concatenate([p.reshape(len(p), -1) for p in parts])
        frame = pd.DataFrame(flat, columns=[f"x{i}" for i in range(flat.shape[1])])
        frame.insert(0, "id", np.repeat(np.arange(self.n_rows), [len(p) for p in parts]))
        return frame


@dataclass(frozen=True)
class Example:
    """What the invariants are checked on."""

    estimator: BaseEstimator
    rows: Matrix | Frame | Images | Sequences
    weights: tuple[str, int] | None = None

    def build_weights(self) -> np.ndarray | None:
        if self.weights is None:
            return None
        form, power = self.weights
        rng = np.random.default_rng(self.rows.seed + 1)
        w = rng.random(self.rows.n_rows)
        if form == "whole":
            w = np.floor(4 * w)
        elif form == "equal":
            w = np.ones(self.rows.n_rows)
        return w * 10.0**power


seeds = st.integers(0, 99)
n_rows = st.sampled_from(SOME)
weights = st.none() | st.tuples(
    st.sampled_from(["any", "whole", "equal"]), st.sampled_from([0, -6, 6])
)


@st.composite
def matrices(draw: st.DrawFn, domain: str = "real", missing: bool = False) -> Matrix:
    """Numbers of scales 1e-12 to 1e12; few rows, wide rows, constants and duplicates."""
    width = draw(st.sampled_from([1, 2, 3, 4, 6, 30]))
    forms = ["normal", "normal", "constant", "zero", "duplicate", "offset", "integer", "heavy"]
    low, high = draw(st.sampled_from([(0, 0), (-2, 2), (-12, -8), (8, 12), (-12, 12)]))
    column = st.tuples(st.sampled_from([*forms, "sparse"]), st.integers(low, high))
    columns = draw(st.lists(column, min_size=min(width, 6), max_size=min(width, 6)))
    dtypes = ["float64", "float64", "float64", "float32"]
    dtypes += [] if missing else ["int64", "int32", "bool"]
    return Matrix(
        draw(n_rows),
        tuple(columns) * (5 if width == 30 else 1),
        draw(st.sampled_from(dtypes)),
        draw(st.sampled_from([0.0, 0.1, 0.5])) if missing else 0.0,
        domain,
        draw(seeds),
    )


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Frames of mixed dtypes with missing cells."""
    kinds = ["float64", "float32", "int64", "bool", "object", "str", "category", "Int64"]
    kinds += ["boolean", "datetime"]
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=5))
    return Frame(draw(n_rows), tuple(chosen), draw(st.sampled_from([0.0, 0.1, 0.5])), draw(seeds))


@st.composite
def images(draw: st.DrawFn, least: int = 1) -> Images:
    """Images of one size or of several."""
    size = st.tuples(st.integers(least, least + 5), st.integers(least, least + 5))
    sizes = draw(st.lists(size, min_size=1, max_size=3, unique=True))
    channels = draw(st.sampled_from([None, None, 1, 3]))
    dtype = draw(st.sampled_from(["float64", "float32", "uint8"]))
    scale = draw(st.sampled_from([1.0, 1.0, 255.0]))
    return Images(draw(n_rows), tuple(sizes), channels, dtype, scale, draw(seeds))


@st.composite
def sequences(draw: st.DrawFn) -> Sequences:
    """Arrays, lists and long frames."""
    form = draw(st.sampled_from(["array", "list", "long"]))
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    channels = draw(st.sampled_from([None, 1, 2]))
    missing = draw(st.sampled_from([0.0, 0.0, 0.2]))
    scale = draw(st.sampled_from([1.0, 1.0, 1e-6, 1e6]))
    return Sequences(draw(n_rows), tuple(lengths), channels, form, missing, scale, draw(seeds))


# Estimators


def some(draw: st.DrawFn, **options: list) -> dict[str, Any]:
    """Draw a few of many parameters, each from what is listed."""
    if not options:
        return {}
    names = draw(st.lists(st.sampled_from(sorted(options)), max_size=3, unique=True))
    return {name: draw(st.sampled_from(options[name])) for name in names}


def length(draw: st.DrawFn) -> dict[str, Any]:
    """Draw how long a fit is."""
    early = draw(st.sampled_from([False, False, True]))
    return {
        "max_iter": draw(st.sampled_from([1, 0, 2, 3])),
        "early_stopping": early,
        "random_state": 0,
    }


ACTIVATIONS = ["silu", "relu", "gelu", "elu", "tanh", "logistic", "identity"]
NET = {
    "activation": ACTIVATIONS,
    "alpha": [0.0, 1.0],
    "batch_size": [1, 4, 16],
    "contamination": [0.01, 0.5],
    "dropout": [0.3],
    "hidden_noise": [0.2],
    "init": ["random"],
    "l1": [1e-3],
    "learning_rate_init": [1e-4, 0.1],
    "n_iter_no_change": [1],
    "validation_fraction": [0.01, 0.5],
    "whiten": [True],
}
TABLE = {
    "deep_features": [True],
    "normalization": ["batch", "layer"],
    "numeric_map": ["robust", "quantile"],
    "tied_weights": [True],
}
VARIANTS: dict[type[BaseEstimator], dict[str, list]] = {
    Autoencoder: {},
    ContractiveAutoencoder: {"contraction": [0.0, 1.0], "n_projections": [1]},
    DenoisingAutoencoder: {"noise_scale": [0.0, 1.0]},
    SparseAutoencoder: {"sparsity": [0.3], "penalty": ["kl", "l1"]},
    StackedAutoencoder: {},
    VariationalAutoencoder: {"beta": [0.0, 4.0], "warm_up": [1.0], "n_importance_samples": [1]},
    VectorQuantizedAutoencoder: {"n_codewords": [1, 4], "n_codebooks": [1], "decay": [0.5]},
    WassersteinAutoencoder: {"mmd_weight": [0.0, 10.0]},
}
LOSSES = {
    "real": [SquaredError(), AbsoluteError(), HuberError(), HuberError(1.0), GaussianLikelihood()],
    "unit": [Bernoulli(), SquaredError()],
    "counts": [Poisson(), HuberError()],
}
LATENTS = [
    Deterministic(),
    Gaussian(),
    Gaussian(0.5, 0.5),
    Sigmoid(),
    TopK(1),
    BatchTopK(1),
    JumpReLU(1),
    MMD(),
    VectorQuantized(4),
    VectorQuantized(2, 1),
]
PENALTIES = [
    (),
    (),
    (L1Weights(),),
    (KLSparsity(),),
    (L1Sparsity(),),
    (Contraction(),),
    (Contraction(0.1, 1),),
    (NestedCodes(),),
    (LocalStress(),),
    (L1Sparsity(), L1Weights()),
]
CELLS = [None, GaussianNoise(), MaskingNoise(), SaltAndPepperNoise(), SwapNoise()]
PIXELS = [None, GaussianNoise(), MaskingNoise(), Erasing(), Blur(), Downsampling()]
DENSE = [
    Dense((4,)),
    Dense(()),
    Dense((4, 3), "tanh"),
    Dense((4,), tied_weights=True),
    Dense((4,), normalization="batch", dropout=0.2),
    Dense((4,), normalization="layer", hidden_noise=0.1),
]
CONVOLUTIONAL = [
    Convolutional((2,), hidden_layer_sizes=(4,), augment=None),
    Convolutional((2, 3), pooling="max", hidden_layer_sizes=()),
    Convolutional((2,), residual_blocks=1, normalization="batch", hidden_layer_sizes=(4,)),
    Convolutional((2,), normalization="layer", dropout=0.1, hidden_layer_sizes=(4,)),
]
RECURRENT = [
    Recurrent(hidden_size=2),
    Recurrent("lstm", 3, bidirectional=False),
    Recurrent(hidden_size=2, n_layers=2, recurrent_decoder=True, dropout=0.1),
]
widths = st.sampled_from([None, 1, 2, 3, 0.5])


@st.composite
def variants(draw: st.DrawFn, cls: type[BaseEstimator]) -> Example:
    """A variant with some of its parameters on a table."""
    rows = draw(matrices() | frames())
    parameters = some(draw, **NET, **TABLE) | some(draw, **VARIANTS[cls]) | length(draw)
    hidden = draw(st.sampled_from([(4,), (), (6, 3), (2,)]))
    estimator = cls(draw(widths), hidden_layer_sizes=hidden, **parameters)
    return Example(estimator, rows, draw(weights))


@st.composite
def compositions(draw: st.DrawFn, architectures: list, corruptions: list, rows: Any) -> Example:
    """What fills the slots, on rows that the loss takes."""
    domain = draw(st.sampled_from(["real", "real", "unit", "counts"]))
    slots = {
        "architecture": architectures,
        "latent": LATENTS,
        "corruption": corruptions,
        "penalties": PENALTIES,
        "loss": LOSSES[domain],
        "init": ["pca", "pca", "random"],
    }
    chosen = {name: draw(st.sampled_from(options)) for name, options in slots.items()}
    options = ("alpha", "batch_size", "contamination", "learning_rate_init", "whiten")
    further = some(draw, **{name: NET[name] for name in options})
    estimator = Autoencoder(draw(widths), **chosen, **further, **length(draw))
    return Example(estimator, draw(rows(domain)), draw(weights))


def tables_of(domain: str) -> st.SearchStrategy:
    """Tables that a loss takes; frames have a loss for each kind of column."""
    return matrices() | frames() if domain == "real" else matrices(domain)


@st.composite
def convolutional(draw: st.DrawFn) -> Example:
    """The estimator of images."""
    parameters = some(draw, **NET, kernel_size=[1, 5], pooling=["max"], residual_blocks=[1])
    parameters |= some(draw, normalization=["batch", "layer"], augment=[None]) | length(draw)
    channels = draw(st.sampled_from([(2,), (2, 3)]))
    estimator = ConvolutionalAutoencoder(
        draw(widths), channels=channels, hidden_layer_sizes=(4,), **parameters
    )
    return Example(estimator, draw(images()), draw(weights))


def named(estimator: BaseEstimator, rows: Sequences) -> BaseEstimator:
    """Name the column of ids of a long data frame."""
    if rows.form == "long":
        slot = "sequence_id" if hasattr(estimator, "sequence_id") else "architecture__sequence_id"
        estimator.set_params(**{slot: "id"})
    return estimator


@st.composite
def recurrent(draw: st.DrawFn) -> Example:
    """The estimator of sequences."""
    rows = draw(sequences())
    parameters = some(draw, **NET, cell=["lstm"], n_layers=[2], bidirectional=[False])
    parameters |= some(draw, recurrent_decoder=[True]) | length(draw)
    estimator = RecurrentAutoencoder(draw(widths), hidden_size=3, **parameters)
    return Example(named(estimator, rows), rows, draw(weights))


@st.composite
def recurrent_compositions(draw: st.DrawFn) -> Example:
    """Slots on sequences; the architecture is a copy, which names the column of ids."""
    example = draw(compositions(RECURRENT, CELLS, lambda domain: sequences()))
    architecture = example.estimator.architecture
    example.estimator.architecture = type(architecture)(**architecture.get_params())
    named(example.estimator, example.rows)
    return example


@st.composite
def imputers(draw: st.DrawFn) -> Example:
    """The imputer, on tables with holes."""
    parameters = some(
        draw,
        sample_posterior=[True],
        add_indicator=[True],
        keep_empty_features=[True],
        categorical_features=[[0], None],
        alpha=[0.0, 1.0],
    )
    estimator = AutoencoderImputer(
        hidden_layer_sizes=(4,), max_iter=draw(st.integers(0, 2)), random_state=0, **parameters
    )
    return Example(estimator, draw(matrices(missing=True) | frames()), draw(weights))


@st.composite
def selectors(draw: st.DrawFn) -> Example:
    """The selector of columns, on tables with missing cells."""
    parameters = some(draw, groups=[[[0, -1]], [[0]]], categorical_features=[[0], None])
    estimator = AutoencoderFeatureSelector(
        draw(st.sampled_from([None, 1, 2, 0.5, 0.99])),
        estimator=draw(st.sampled_from(["ridge", "ridge", Autoencoder(1, max_iter=1)])),
        random_state=0,
        **parameters,
    )
    return Example(estimator, draw(matrices(missing=True) | frames()), draw(weights))


@st.composite
def manifolds(draw: st.DrawFn) -> Example:
    """Learners of manifolds, and an autoencoder, on tables of numbers."""
    learners = [None, GaussianRandomProjection(), SpectralEmbedding(n_neighbors=3)]
    learners.append(Autoencoder(1, max_iter=1))
    maps = ["auto", "charts", "medoids", "averages", "nystroem"]
    learner = draw(st.sampled_from(learners))
    estimator = ManifoldAutoencoder(
        learner,
        1 if isinstance(learner, Autoencoder) else draw(st.sampled_from([1, 2])),
        encoder=draw(st.sampled_from(maps)),
        decoder=draw(st.sampled_from(maps)),
        n_landmarks=draw(st.sampled_from([None, 2, 10])),
        max_samples=draw(st.sampled_from([None, 20])),
        random_state=0,
    )
    return Example(estimator, draw(matrices()))


@st.composite
def detectors(draw: st.DrawFn) -> Example:
    """The detector of outliers, over autoencoders of tables."""
    inner = draw(TABLE_VARIANTS)
    estimator = AutoencoderOutlierDetector(
        inner.estimator,
        n_estimators=draw(st.integers(1, 2)),
        contamination=draw(st.sampled_from([0.1, 0.5])),
        random_state=0,
    )
    return Example(estimator, inner.rows, inner.weights)


@st.composite
def of_few_labels(draw: st.DrawFn) -> Example:
    """Classes and numbers of some rows, over autoencoders of tables."""
    inner = draw(TABLE_VARIANTS)
    kind = draw(st.sampled_from([AutoencoderClassifier, AutoencoderRegressor]))
    modes = ["auto", "frozen", "graph", "joint", "fine-tuned"]
    estimator = kind(
        inner.estimator,
        draw(st.sampled_from(modes)),
        distill=draw(st.booleans()),
        random_state=0,
    )
    return Example(estimator, inner.rows, inner.weights)


@st.composite
def classifiers_of_domains(draw: st.DrawFn) -> Example:
    """Labels of a source, spread over a target."""
    coded = st.builds(Autoencoder, widths, max_iter=st.integers(0, 2), random_state=st.just(0))
    estimator = GraphAdaptedClassifier(
        estimator=draw(st.none() | coded),
        n_neighbors=draw(st.sampled_from([1, 7])),
        alpha=draw(st.sampled_from([0.0, 0.9])),
        random_state=0,
    )
    return Example(estimator, draw(matrices() | frames()), draw(weights))


@st.composite
def matched_domains(draw: st.DrawFn) -> Example:
    """A source with the look of a target."""
    estimator = DomainAdaptationTransformer(
        Autoencoder(draw(widths), max_iter=1) if draw(st.booleans()) else None,
        method=draw(st.sampled_from(["coral", "mmd", "adversarial"])),
        reg_covar=draw(st.sampled_from([0.0, 1.0])),
        random_state=0,
    )
    if estimator.estimator is None:
        estimator.method = "coral"  # the default autoencoder takes long
    return Example(estimator, draw(matrices()), None)


@st.composite
def recommenders(draw: st.DrawFn) -> Example:
    """Items for users, by counts."""
    network = Autoencoder(2, loss="multinomial", max_iter=1)
    estimator = AutoencoderRecommender(
        network if draw(st.booleans()) else None,
        alpha=draw(st.sampled_from(["auto", 0.01, 10.0])),
        network_weight=draw(st.sampled_from(["auto", 0.0, 0.5])),
        random_state=0,
    )
    if estimator.estimator is None:
        estimator.network_weight = 0.0  # the default network takes long
    return Example(estimator, draw(matrices("counts")), None)


@st.composite
def series(draw: st.DrawFn) -> Example:
    """The detector of a long series."""
    estimator = TimeSeriesOutlierDetector(
        Autoencoder(1, max_iter=1),
        window=draw(st.sampled_from(["auto", 2, 5])),
        n_estimators=1,
        random_state=0,
    )
    return Example(estimator, draw(matrices()), None)


@st.composite
def resolvers(draw: st.DrawFn) -> Example:
    """Super-resolution of images."""
    parameters = some(
        draw,
        degradation=["area"],
        augment=[False],
        activation=["tanh"],
        batch_size=[1, 4],
        alpha=[0.0],
    )
    estimator = SuperResolver(
        draw(st.sampled_from([2, 2, 3])),
        channels=2,
        depth=2,
        max_iter=draw(st.integers(0, 2)),
        random_state=0,
        **parameters,
    )
    return Example(estimator, draw(images(least=6)), None)


def table_compositions() -> st.SearchStrategy:
    """Slots on tables."""
    return compositions(DENSE, CELLS, tables_of)


def image_compositions() -> st.SearchStrategy:
    """Slots on images."""
    return compositions(CONVOLUTIONAL, PIXELS, lambda domain: images())


# Each entry of `one_of` has the same chance: tables are most of what users have.
TABLE_VARIANTS = st.one_of(*map(variants, VARIANTS))
TABLES = st.one_of(TABLE_VARIANTS, *(table_compositions() for _ in range(5)))
IMAGES = st.one_of(convolutional(), image_compositions(), image_compositions())
SEQUENCES = st.one_of(recurrent(), recurrent_compositions())
APPLICATIONS = st.one_of(
    imputers(),
    imputers(),
    selectors(),
    detectors(),
    of_few_labels(),
    resolvers(),
    classifiers_of_domains(),
    matched_domains(),
    recommenders(),
    series(),
    manifolds(),
)
ALL = st.one_of(TABLES, IMAGES, SEQUENCES, APPLICATIONS)
