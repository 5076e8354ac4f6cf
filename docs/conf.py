"""Configuration of the documentation: ``sphinx-build -W --keep-going -j auto docs DIR``.

Verdicts come from a folder that ``qktheory verify --report`` has written: give it as
``-D qktheory_report=DIR`` or in the environment variable QKTHEORY_REPORT. Without one the pages of
claims say that nothing was judged. ``-D nb_execution_mode=off`` leaves the lessons unexecuted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]
# Lessons are executed in processes of their own, which see the same checkout and their checks.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), str(ROOT / "notebooks"), *filter(None, [os.environ.get("PYTHONPATH", "")])]
)
os.environ.setdefault("MPLBACKEND", "Agg")

import qktheory  # noqa: E402

project = "qktheory"
author = "The qktheory developers"
copyright = f"2026, {author}"
version = release = qktheory.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinxcontrib.bibtex",
    "sphinx_design",
    "sphinx_copybutton",
    "extension",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build", "extension", "figures", "**/.ipynb_checkpoints"]
templates_path: list[str] = []

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "auto"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = False
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

bibtex_bibfiles = ["claims/papers.bib"]
bibtex_reference_style = "author_year"
bibtex_default_style = "plain"

copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = "qktheory"
html_static_path = ["_static"]
html_css_files = ["qktheory.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"index": [], "claims/*": [], "citing": [], "gallery": [], "quickstart": []}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "navbar_persistent": [],
    "navbar_end": ["search-button", "theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "collapse_navigation": True,
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}
