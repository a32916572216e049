"""The HTML representation: where its "?" leads, and what it says of parameters."""

from importlib.metadata import PackageNotFoundError
from types import SimpleNamespace

import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

from sklearn_ae import Autoencoder, AutoencoderImputer
from sklearn_ae.runtime import _documentation

INSTALLED = parse_version(sklearn.__version__)
ADDRESS = "https://docs.example.org/sklearn-ae"
needs_descriptions = pytest.mark.skipif(
    parse_version("1.8") > INSTALLED, reason="descriptions came with scikit-learn 1.8"
)


@pytest.fixture
def site(monkeypatch):
    """Sets the project URLs of the installed package."""

    def set_urls(*urls):
        found = SimpleNamespace(get_all=lambda name: list(urls) or None)
        monkeypatch.setattr(_documentation, "metadata", lambda name: found)

    return set_urls


def page(name):
    return f"{ADDRESS}/api/generated/sklearn_ae.{name}.html"


@pytest.mark.parametrize("end", ["", "/"])
def test_the_question_mark_leads_to_the_page(site, end):
    site("Source, https://src.example.org", f"Documentation, {ADDRESS}{end}")
    for estimator in (Autoencoder(), AutoencoderImputer()):
        assert f'href="{page(type(estimator).__name__)}"' in estimator._repr_html_()
    pipeline = make_pipeline(StandardScaler(), Autoencoder())._repr_html_()
    assert f'href="{page("Autoencoder")}"' in pipeline


def test_without_an_address_there_is_no_link(site, monkeypatch):
    site()
    assert Autoencoder()._get_doc_link() == ""
    assert "href=" not in Autoencoder()._repr_html_()

    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(_documentation, "metadata", absent)
    assert Autoencoder()._get_doc_link() == ""


def test_a_subclass_of_a_user_has_no_page(site):
    site(f"Documentation, {ADDRESS}")
    own = type("Own", (Autoencoder,), {"__module__": "own"})
    assert own()._get_doc_link() == ""


@needs_descriptions
@pytest.mark.parametrize("urls", [(), (f"Documentation, {ADDRESS}",)], ids=["no site", "site"])
def test_each_parameter_has_its_description(site, urls):
    site(*urls)
    estimator = Autoencoder()
    html = estimator._repr_html_()
    assert html.count('class="param-doc-description"') == len(estimator.get_params(deep=False))
    assert "Peak of the one-cycle learning rate." in html
    assert html.count(f'href="{page("Autoencoder")}#') == len(urls) * len(estimator.get_params())
