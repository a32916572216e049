from __future__ import annotations

import importlib.metadata
import inspect
import json
import os
import re
import sys
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx import addnodes

import sklearn_ae.inspection
import sklearn_ae.metrics

# The modules of this site lie beside this file.
sys.path.insert(0, str(Path(__file__).parent))
import figures
import parameter_groups

# Where the site is served, with a slash at the end; a build for reading on this machine has none.
DOCS_URL = os.environ.get("DOCS_URL", "")

# A font cache built during the first plot must not depend on a display.
os.environ.setdefault("MPLBACKEND", "agg")

project = "sklearn-ae"
author = "the sklearn-ae developers"
copyright = f"2026, {author}"
release = importlib.metadata.version("sklearn-ae")
version = release

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxext.opengraph",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "gallery"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
default_role = "autolink"
add_function_parentheses = False

# API reference: __all__ decides what is public.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_default_options = {"inherited-members": True}
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Classes of the package by kind, and those that a script of the gallery uses.
KINDS = {
    "Autoencoders": "autoencoders",
    "Applications": "applications",
    "Architectures": "architectures",
    "Latents": "latents",
    "Losses": "losses",
    "Penalties": "penalties",
    "Corruptions": "corruptions",
}
classes = {
    name: getattr(sklearn_ae, name).__module__.split(".")[1]
    for name in sklearn_ae.__all__
    if inspect.isclass(getattr(sklearn_ae, name))
}
by_kind = [
    (heading, [name for name, room in classes.items() if room == own])
    for heading, own in KINDS.items()
]
others = [name for name, room in classes.items() if room not in KINDS.values()]
scripts = "".join(path.read_text() for path in Path(__file__).parent.glob("gallery/*/plot_*.py"))
autosummary_context = {
    "kinds": {"sklearn_ae": [*by_kind, ("Other classes", others)]},
    "in_gallery": set(re.findall(r"\b[A-Z]\w+", scripts)),
}

extlinks = {
    "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s"),
    "doi": ("https://doi.org/%s", "doi:%s"),
}

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

# Sections of the gallery, in the order of the guide.
SECTIONS = (
    "tables",
    "outliers",
    "images_and_sequences",
    "labels",
    "recommendations_and_maps",
    "new_rows",
)
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "subsection_order": [f"gallery/{section}" for section in SECTIONS],
    "thumbnail_size": (420, 300),
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": ("sklearn_ae",),
    "download_all_examples": False,
    "min_reported_time": 60,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
}

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "sklearn-ae"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["llms.txt"]
html_show_sourcelink = False
html_sidebars = {
    page: [] for page in ("index", "getting_started", "benchmarks", "development", "changelog")
}
html_baseurl = DOCS_URL
ogp_site_url = DOCS_URL
ogp_image = "_static/codes_of_digits.png"
ogp_social_cards = {"enable": False}
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
if DOCS_URL:
    html_theme_options |= {
        "check_switcher": False,
        "navbar_end": ["version-switcher", "theme-switcher", "navbar-icon-links"],
        "switcher": {"json_url": f"{DOCS_URL}_static/switcher.json", "version_match": release},
    }


def write_versions(app, exception):
    """Write what the version switcher reads; a host adds its earlier versions to it."""
    if exception is None:
        versions = [{"name": release, "version": release, "url": DOCS_URL or "../"}]
        path = Path(app.outdir) / "_static" / "switcher.json"
        path.write_text(json.dumps(versions), encoding="utf-8")


def modules_of_names():
    """Return the module of each public name that has a page in the API reference."""
    modules = [sklearn_ae.inspection, sklearn_ae.metrics, sklearn_ae]
    return {name: module.__name__ for module in modules for name in module.__all__}


# In these, no link is put.
TAKEN = (addnodes.pending_xref, nodes.reference, nodes.title)


def link_names(app, doctree):
    """Make a link to the API reference of each `Name`, `Name(...)` and `Name.method`."""
    modules = modules_of_names()
    for literal in list(doctree.findall(nodes.literal)):
        parts = re.fullmatch(r"(\w+)(\.\w+)?(\(.*\))?", literal.astext())
        above = literal.parent
        while above is not None and not isinstance(above, TAKEN):
            above = above.parent
        if parts is None or parts[1] not in modules or above is not None:
            continue
        link = addnodes.pending_xref(
            "",
            refdomain="py",
            reftype="obj",
            reftarget=f"{modules[parts[1]]}.{parts[1]}{parts[2] or ''}",
            refdoc=app.env.docname,
            refwarn=False,
        )
        literal.replace_self(link)
        link += literal


def skip_inherited_from_libraries(app, what, name, obj, skip, options):
    """Leave methods out whose docstrings refer to the sites of scikit-learn or torch."""
    function = inspect.unwrap(obj) if callable(obj) else getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None) or ""
    generated = name.startswith("set_") and name.endswith("_request")
    if generated or module.partition(".")[0] in ("sklearn", "torch"):
        return True
    return None


def escape_formulas(app, what, name, obj, options, lines):
    """Keep the shape ``(n_components_,)`` from being a hyperlink and ``|w|`` a substitution."""
    formula = re.compile(r"(?<=[( ])\w+_(?=[,)])|\|\w+\|")
    for i, line in enumerate(lines):
        parts = line.split("`")
        parts[::2] = [
            formula.sub(lambda m: re.sub(r"([_|])", r"\\\1", m[0]), p) for p in parts[::2]
        ]
        lines[i] = "`".join(parts)


def formula(translator, node):
    """Write a formula as MathML, which browsers show without a network."""
    block = isinstance(node, nodes.math_block)
    translator.body.append(convert(node.astext(), display="block" if block else "inline"))
    raise nodes.SkipNode


def draw_figures(app):
    """Draw the figures of the guide."""
    figures.draw()


def setup(app):
    """Register the hooks of this site."""
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("build-finished", write_versions)
    app.connect("builder-inited", draw_figures)
    app.connect("doctree-read", link_names)
    app.connect("doctree-read", parameter_groups.group_parameters)
    # numpydoc runs at the default priority, 500, and reads the sections before this.
    app.connect("autodoc-process-docstring", escape_formulas, priority=600)
    app.connect("autodoc-skip-member", skip_inherited_from_libraries)
