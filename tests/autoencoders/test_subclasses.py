"""Parameters that are mistyped, and classes that users derive."""

import inspect
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import check_estimator

from sklearn_ae import (
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    AutoencoderRegressor,
    ConvolutionalAutoencoder,
    Dense,
    DomainAdaptationTransformer,
    Gaussian,
    GraphAdaptedClassifier,
    HuberError,
    L1Weights,
    ManifoldAutoencoder,
    RecurrentAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
    SuperResolver,
    TopK,
    VariationalAutoencoder,
)

OPTIONS = {"hidden_layer_sizes": (8,), "max_iter": 1, "random_state": 0}


class Bare(Autoencoder):
    pass


class Narrow(Autoencoder):
    """Its user decides on the width of the code alone."""

    def __init__(self, n_components=2):
        super().__init__(n_components, latent=Gaussian(), **OPTIONS)


class Extended(SparseAutoencoder):
    """Units that are mostly inactive, and weights that are mostly small.

    Parameters
    ----------
    strength : float, default=0.5
        Weight of the further term.
    """

    def __init__(self, n_components=None, *, strength=0.5, **others):
        super().__init__(n_components, **others)
        self.strength = strength

    def _further_attributes(self, model, rows):
        return {"n_rows_": rows.n_rows}


class Fixed(StackedAutoencoder):
    _left_out = frozenset({"hidden_layer_sizes"})

    def __init__(self, width=8, **others):
        super().__init__(hidden_layer_sizes=(width,), **others)
        self.width = width


SUBCLASSES = [
    Bare(2, **OPTIONS),
    Narrow(3),
    Extended(6, strength=0.1, sparsity=0.2, **OPTIONS),
    Fixed(4, n_components=2, max_iter=1, random_state=0),
]


@pytest.mark.parametrize("model", SUBCLASSES, ids=lambda m: type(m).__name__)
def test_classes_of_ones_own_are_estimators(model, iris):
    parameters = model.get_params()
    assert (
        list(inspect.signature(type(model)).parameters)
        == list(inspect.signature(type(model).__init__).parameters)[1:]
    )
    twin = clone(model)
    assert type(twin) is type(model)
    assert {n: repr(v) for n, v in twin.get_params().items()} == {
        n: repr(v) for n, v in parameters.items()
    }
    fitted = twin.fit(iris)
    codes = fitted.transform(iris)
    assert codes.shape == (150, fitted.n_components_)
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).transform(iris), codes)
    assert_array_equal(clone(fitted).fit(iris).transform(iris), codes)
    assert type(model).__name__.lower() in fitted.get_feature_names_out()[0]
    assert np.isfinite(clone(model).partial_fit(iris).score(iris))


def test_a_subclass_has_the_parameters_of_its_base_and_its_own():
    assert Bare().get_params().keys() == Autoencoder().get_params().keys()
    assert list(Narrow().get_params()) == ["n_components"]
    names = SparseAutoencoder().get_params().keys()
    assert Extended().get_params().keys() == {"strength", *names}
    names = StackedAutoencoder().get_params().keys()
    assert Fixed().get_params().keys() == {"width", *names} - {"hidden_layer_sizes"}


BASES = [
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderRegressor,
    VariationalAutoencoder,
    RecurrentAutoencoder,
    AutoencoderFeatureSelector,
    AutoencoderImputer,
    AutoencoderRecommender,
    AutoencoderOutlierDetector,
    DomainAdaptationTransformer,
    GraphAdaptedClassifier,
    ManifoldAutoencoder,
    SuperResolver,
]


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_an_init_that_leaves_out_that_of_its_base_is_named(base):
    class Forgetful(base):
        def __init__(self, own=3):
            self.own = own

    names = list(inspect.signature(base).parameters)
    message = (
        f"Forgetful.__init__ leaves {len(names)} parameters of its base unset, such as "
        rf"{', '.join(names[:3])}; call super\(\).__init__"
    )
    with pytest.raises(TypeError, match=message):
        Forgetful()


def test_a_subclass_documents_what_it_shares_and_learns_more(iris):
    doc = inspect.getdoc(Extended)
    assert doc.index("strength : float") < doc.index("sparsity : float") < doc.index("alpha : ")
    assert doc.count("n_components_ : int") == doc.count("dead_units_ : ") == 1
    fitted = clone(SUBCLASSES[2]).fit(iris)
    assert fitted.n_rows_ == 150
    assert inspect.getdoc(Narrow) == "Its user decides on the width of the code alone."


def test_parameters_of_subclasses_are_validated(iris):
    with pytest.raises(ValueError, match="'alpha' parameter of Extended"):
        Extended(alpha=-1.0).fit(iris)
    with pytest.raises(ValueError, match="replaces l1"):
        Bare(l1=0.1, penalties=(L1Weights(),)).fit(iris)


@pytest.mark.parametrize(
    ("cls", "wrong", "near"),
    [
        (Autoencoder, "n_componets", "n_components"),
        (SparseAutoencoder, "sparsty", "sparsity"),
        (VariationalAutoencoder, "max_itr", "max_iter"),
        (ConvolutionalAutoencoder, "chanels", "channels"),
        (RecurrentAutoencoder, "hiden_size", "hidden_size"),
        (Bare, "alfa", "alpha"),
        (Narrow, "components", "n_components"),
        (Extended, "strenth", "strength"),
    ],
)
def test_a_typo_names_the_class_and_the_nearest_parameter(cls, wrong, near):
    message = rf"^{cls.__name__}\(\) got an unexpected parameter '{wrong}'; did you mean '{near}'\?"
    with pytest.raises(TypeError, match=message):
        cls(**{wrong: 3})


def test_parameters_that_a_variant_lacks_are_unexpected():
    message = r"^ConvolutionalAutoencoder\(\) got an unexpected parameter 'tied_weights'"
    with pytest.raises(TypeError, match=message):
        ConvolutionalAutoencoder(tied_weights=True)
    with pytest.raises(TypeError, match=r"^Autoencoder\(\) got .* 'zzz'; it has n_components, "):
        Autoencoder(zzz=1)
    with pytest.raises(TypeError, match=r"^Bare\(\): too many positional .* by name"):
        Bare(2, "relu")


def test_latents_that_can_be_drawn_can_be_sampled(iris):
    assert not hasattr(Autoencoder(), "sample")
    assert not hasattr(SparseAutoencoder(penalty="topk"), "sample")
    assert hasattr(VariationalAutoencoder(), "sample")
    model = Autoencoder(2, latent=Gaussian(), **OPTIONS)
    assert hasattr(model, "sample")
    drawn = model.fit(iris).sample(3, random_state=0)
    assert drawn.shape == (3, 4)
    assert_array_equal(model.sample(3, random_state=0), drawn)
    model.set_params(latent=None)  # it is still fitted with a latent that can
    assert hasattr(model, "sample")
    assert not hasattr(model.fit(iris), "sample")
    with pytest.raises(AttributeError, match="sample"):
        model.sample(3)
    labels = np.repeat([0, 1, 2], 50)
    given = clone(model).set_params(latent=Gaussian()).fit(iris, condition=labels)
    assert given.sample(2, condition=1).shape == (2, 4)


class OwnImputer(AutoencoderImputer):
    pass


class OwnDetector(AutoencoderOutlierDetector):
    pass


class OwnDense(Dense):
    pass


class OwnTopK(TopK):
    def __init__(self, n_active=2, extra=1):
        super().__init__(n_active)
        self.extra = extra


class OwnLoss(HuberError):
    pass


def test_a_bare_subclass_passes_the_checks_of_its_base():
    check_estimator(Bare(**OPTIONS), on_skip=None)


@pytest.mark.parametrize("cls", [Bare, OwnImputer, OwnDetector])
def test_bare_subclasses_are_what_their_bases_are(cls):
    assert cls().get_params().keys() == cls.__bases__[0]().get_params().keys()
    assert cls.__name__ in clone(cls())._repr_html_()
    assert type(pickle.loads(pickle.dumps(cls()))) is cls


def test_subclasses_are_searched(iris):
    search = GridSearchCV(Extended(4, **OPTIONS), {"strength": [0.1, 0.2]}, cv=2)
    assert set(search.fit(iris).best_params_) == {"strength"}
    detector = OwnDetector(Bare(2, **OPTIONS), n_estimators=2, random_state=0)
    assert detector.fit(iris[:30]).predict(iris).shape == (150,)


def test_subclasses_of_what_fills_slots(iris):
    slots = {"architecture": OwnDense((8,)), "latent": OwnTopK(), "loss": OwnLoss()}
    model = clone(Autoencoder(3, **slots, max_iter=1, random_state=0))
    assert "latent__extra" in model.get_params()
    codes = model.fit(iris).transform(iris)
    assert_array_equal(pickle.loads(pickle.dumps(model)).transform(iris), codes)
