"""Where the pages of estimators are."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata

_LABEL = "documentation"


def page_template() -> str:
    """Return the address of an estimator's page, with its name left open.

    The address of the site is the project URL "Documentation" of the installed package. Without
    one there is no page, and the template is empty.
    """
    try:
        urls = metadata("sklearn-ae").get_all("Project-URL") or []
    except PackageNotFoundError:  # read from a checkout
        urls = []
    for label, _, address in (url.partition(",") for url in urls):
        if label.strip().lower() == _LABEL:
            return f"{address.strip().rstrip('/')}/api/generated/sklearn_ae.{{estimator_name}}.html"
    return ""
