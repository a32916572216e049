"""What the site shows runs and is complete; a page's Python blocks share a namespace."""

import doctest
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import sklearn_ae
import sklearn_ae.inspection
import sklearn_ae.sources

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BUILT = {"_build", "_figures", "auto_gallery", "generated"}
PAGES = [page for page in PAGES if not BUILT.intersection(page.relative_to(ROOT).parts)]

PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)\s]*\)")


def python_blocks(page: Path) -> list[tuple[int, str]]:
    """Return the line and the code of each block."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(1)) + 1, m[1]) for m in PYTHON_BLOCK.finditer(text)]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [p for p in PAGES if python_blocks(p)], ids=name_of)
def test_python_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict = {"__name__": "__main__"}
    for line, code in python_blocks(page):
        # The padding makes a traceback name the line of the page.
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)


def test_code_fits_on_a_page() -> None:
    fence = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    shown = {name_of(page): fence.findall(page.read_text(encoding="utf-8")) for page in PAGES}
    scripts = sorted((ROOT / "docs" / "gallery").rglob("plot_*.py"))
    shown |= {name_of(path): [path.read_text(encoding="utf-8")] for path in scripts}
    lines = [
        (page, line) for page, blocks in shown.items() for b in blocks for line in b.split("\n")
    ]
    assert [(page, line) for page, line in lines if len(line) > 75] == []
    assert len(lines) > 2000


def test_readme_has_python_blocks() -> None:
    assert len(python_blocks(ROOT / "README.md")) >= 2


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_lead_to_files(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    relative = [t for t in targets if "://" not in t and not BUILT.intersection(Path(t).parts)]
    missing = [target for target in relative if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("listing", ["docs/user_guide/index.md", "docs/llms.txt"])
def test_every_page_of_the_guide_is_listed(listing: str) -> None:
    text = (ROOT / listing).read_text(encoding="utf-8")
    pages = {path.stem for path in (ROOT / "docs" / "user_guide").glob("*.md")} - {"index"}
    assert {page for page in pages if not re.search(rf"\b{page}\b", text)} == set()


def test_every_public_name_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    names = [*sklearn_ae.__all__, *sklearn_ae.inspection.__all__]
    assert [name for name in names if not re.search(rf"\b{name}\b", text)] == []


def public_classes() -> dict[str, type]:
    found = {}
    for module in (sklearn_ae, sklearn_ae.inspection, sklearn_ae.sources):
        members = ((name, getattr(module, name)) for name in module.__all__)
        found |= {name: member for name, member in members if inspect.isclass(member)}
    return found


@pytest.fixture(scope="module")
def names_in_gallery() -> set[str]:
    scripts = sorted((ROOT / "docs" / "gallery").rglob("plot_*.py"))
    return set(re.findall(r"\w+", "".join(path.read_text(encoding="utf-8") for path in scripts)))


@pytest.mark.parametrize("name", public_classes())
def test_every_class_is_shown_by_what_it_does(name: str, names_in_gallery: set[str]) -> None:
    doc = public_classes()[name].__doc__ or ""
    examples = doctest.DocTestParser().get_examples(doc)
    assert name in names_in_gallery or any(example.want for example in examples)


def test_every_page_of_the_guide_has_two_pictures() -> None:
    pages = {path.stem: path for path in (ROOT / "docs" / "user_guide").glob("*.md")}
    del pages["index"]
    few = {n: p.read_text(encoding="utf-8").count("\n![") for n, p in pages.items()}
    assert {name: count for name, count in few.items() if count < 2} == {}


@pytest.fixture
def parameter_groups(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("parameter_groups")


def test_every_parameter_is_in_one_group(parameter_groups: ModuleType) -> None:
    group_of, groups = parameter_groups.GROUP_OF, parameter_groups.GROUPS
    estimators = [cls for cls in public_classes().values() if hasattr(cls, "fit")]
    names = {n for cls in estimators for n in inspect.signature(cls).parameters}
    assert len(estimators) >= 20
    assert names == set(group_of)
    assert len(group_of) == sum(len(group.split()) for group in groups.values())


@pytest.mark.parametrize("n_parameters", [12, 13])
def test_long_lists_of_parameters_have_headings(
    parameter_groups: ModuleType, n_parameters: int
) -> None:
    from docutils import nodes
    from sphinx import addnodes

    def entry(name: str) -> nodes.Element:
        return nodes.definition_list_item("", nodes.term("", "", nodes.strong(text=name)))

    names = list(inspect.signature(sklearn_ae.Autoencoder).parameters)[-n_parameters:]
    entries = nodes.definition_list("", *map(entry, names))
    field = nodes.field("", nodes.field_name(text="Parameters"), nodes.field_body("", entries))
    page = nodes.container("", addnodes.desc("", nodes.field_list("", field), objtype="class"))
    parameter_groups.group_parameters(None, page)

    headings = [p.astext() for p in page.findall(nodes.paragraph)]
    shown = [term.astext() for term in page.findall(nodes.term)]
    if n_parameters <= parameter_groups.LONGEST:
        assert headings == []
        assert shown == names
    else:
        assert headings == ["Task", "Training", "Run"]
        assert shown == ["contamination", *(n for n in names if n != "contamination")]
